//! What is typed, and what is sent for it.

use chat_client::model::commands::verbatim;

#[test]
fn several_lines_are_said_as_they_are() {
    let code = "\r\ndef f(x):\r\n    if x:\r\n\treturn 1\n\n// no /command  \n/look\n \n";
    let four = "\u{a0}".repeat(4);
    let expected = [
        "say def f(x):".to_owned(),
        format!("say {four}if x:"),
        format!("say {four}return 1"),
        "say".to_owned(),
        "say // no /command".to_owned(),
        "say /look".to_owned(),
    ];
    assert_eq!(verbatim(code), expected);
    assert_eq!(verbatim(" \n\n"), [""; 0]);
}
