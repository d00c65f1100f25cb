//! For graders and CI: JUnit's XML, in the form that Jenkins and GitLab read.

use std::fmt::Write as _;

use crate::report::{Counts, text};
use crate::run::{Finding, Outcome};

/// The findings as a document, a test suite with a test case a check.
#[must_use]
pub fn junit(findings: &[Finding<'_>]) -> String {
    let Counts { failed, inapplicable, given_up, .. } = Counts::of(findings);
    let seconds: f64 = findings.iter().map(|finding| finding.took.as_secs_f64()).sum();
    let counts = format!(
        "tests=\"{}\" failures=\"{failed}\" errors=\"{given_up}\" skipped=\"{inapplicable}\" time=\"{seconds:.3}\"",
        findings.len()
    );
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(xml, "  <testsuite name=\"chat-check\" {counts}>");
    for finding in findings {
        let _ = write!(
            xml,
            "    <testcase name=\"{}\" classname=\"level{}\" time=\"{:.3}\">",
            escaped(&finding.check.name),
            finding.check.level,
            finding.took.as_secs_f64()
        );
        let _ = match &finding.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Inapplicable(why) => {
                write!(xml, "<skipped message=\"{}\"/>", escaped(why))
            }
            Outcome::GivenUp(why) => {
                write!(xml, "<error message=\"{}\" type=\"given up\"/>", escaped(why))
            }
            Outcome::Failed { .. } => write!(
                xml,
                "<failure message=\"{}\" type=\"difference\">{}</failure>",
                escaped(&finding.check.why),
                escaped(&text::finding(finding))
            ),
        };
        xml.push_str("</testcase>\n");
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// `text` for an attribute or an element. What XML 1.0 has no character for becomes `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            _ if character.is_control() => escaped.push('?'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_xml_reserves_is_left() {
        assert_eq!(escaped("a<b> & \"c\"\x1b\u{ffff}"), "a&lt;b&gt; &amp; &quot;c&quot;??");
    }
}
