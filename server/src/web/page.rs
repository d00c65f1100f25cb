//! The page for browsers, embedded in the program.
//!
//! Its parts are files that one can read, and that work as they are behind any other server. A
//! browser gets them as one page. It runs the scripts whose hashes the page came with, and no other.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::origin::Origin;

const HTML: &str = include_str!("page/index.html");

/// Where the page has the other servers of the chat.
const ALSO: &str = r#"<meta id="also" content="">"#;

/// What the page asks for, and what stands there instead.
const STYLES: &[(&str, &str)] =
    &[(r#"<link rel="stylesheet" href="style.css">"#, include_str!("page/style.css"))];
const SCRIPTS: &[(&str, &str)] = &[
    (r#"<script src="words.js"></script>"#, include_str!("page/words.js")),
    (r#"<script src="text.js"></script>"#, include_str!("page/text.js")),
    (r#"<script src="client.js"></script>"#, include_str!("page/client.js")),
    (r#"<script src="page.js"></script>"#, include_str!("page/page.js")),
];

/// The page as a browser gets it.
#[derive(Debug)]
pub struct Page {
    /// The HTML with everything in it.
    pub html: String,
    /// What a browser may do with it: the value of `Content-Security-Policy`.
    pub policy: String,
}

impl Page {
    /// Puts the parts together. The page may go on at these other servers of the chat.
    #[must_use]
    pub fn new(others: &[Origin]) -> Self {
        let others: Vec<_> = others.iter().map(Origin::to_string).collect();
        let also = ALSO.replacen("\"\"", &format!("\"{}\"", others.join(" ")), 1);
        let mut html = HTML.replacen(ALSO, &also, 1);
        let sockets: String =
            others.iter().map(|origin| format!(" {}", origin.replacen("http", "ws", 1))).collect();
        let styles = put(&mut html, "style", STYLES);
        let scripts = put(&mut html, "script", SCRIPTS);
        let policy = format!(
            "default-src 'none'; script-src{scripts}; style-src{styles}; connect-src 'self'{sockets}; \
             img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'"
        );
        Self { html, policy }
    }
}

/// Puts each part into an element where the page asks for it, and gives the hashes of the parts.
fn put(html: &mut String, element: &str, parts: &[(&str, &str)]) -> String {
    let mut hashes = String::new();
    for (link, part) in parts {
        *html = html.replacen(link, &format!("<{element}>{part}</{element}>"), 1);
        let hash = BASE64.encode(&Sha256::digest(part.as_bytes()));
        hashes.push_str(&format!(" 'sha256-{hash}'"));
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let Page { html, policy } = Page::new(&[]);
        for (link, part) in STYLES.iter().chain(SCRIPTS) {
            assert_eq!(HTML.matches(link).count(), 1, "{link}");
            assert!(!html.contains(link), "{link}");
            assert!(html.contains(part), "{link}");
            // It would end the element that holds the part.
            assert!(!part.contains("</"), "{link}");
        }
        assert!(!HTML.contains(" style=") && !HTML.contains(" on"));
        assert!(!html.contains("src=") && !html.contains("innerHTML"));
        let elsewhere = html.match_indices("://").count();
        assert_eq!(elsewhere, 0, "the page names another host");
        assert!(!policy.contains("unsafe") && policy.matches("sha256-").count() == 5);
    }

    #[test]
    fn other_servers_of_the_chat_stand_in_the_page_and_its_policy() {
        let others =
            ["https://b.example:8443", "http://10.0.0.2"].map(|text| text.parse().unwrap());
        let Page { html, policy } = Page::new(&others);
        let meta = r#"<meta id="also" content="https://b.example:8443 http://10.0.0.2:80">"#;
        assert!(html.contains(meta));
        let allowed = "connect-src 'self' wss://b.example:8443 ws://10.0.0.2:80; ";
        assert!(policy.contains(allowed), "{policy}");
    }

    #[test]
    fn the_page_is_small() {
        let bytes = Page::new(&[]).html.len();
        assert!(bytes < 40 * 1024, "{bytes} bytes");
    }
}
