//! The manual page, the completions and the version.

use std::process::{Command, Stdio};

use crate::program::{Program, not_run};

fn printed(arguments: &[&str]) -> String {
    let output = Program::start(arguments).output();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_manual_page_has_every_option_and_exit_code() {
    let page = printed(&["man"]);
    let plain = page.replace('\\', "");
    let help = printed(&["--help"]);
    let mut options = 0;
    for line in help.lines().map(str::trim).filter(|line| line.starts_with('-')) {
        let option = line.split([' ', ',', '.']).find(|word| word.starts_with("--")).unwrap();
        assert!(plain.contains(&format!("fB{option}fR")), "{option}");
        options += 1;
    }
    assert!(options > 20, "{help}");
    for heading in ["EXIT STATUS", "chat-server hash-password", "SEE ALSO"] {
        assert!(page.contains(&format!("\n.SH \"{heading}\"\n")), "{heading}");
    }
    for code in ["0", "2", "3", "130"] {
        assert!(page.contains(&format!("\n\\fB{code}\\fR\n")), "{code}");
    }
    if Command::new("mandoc").arg("-Tlint").stdin(Stdio::null()).output().is_err() {
        return not_run("the manual page is not looked through: there is no mandoc");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat-server.1");
    std::fs::write(&path, &page).unwrap();
    let lint = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&lint.stdout);
    assert_eq!((lint.status.code(), &*said), (Some(0), ""));
}

#[test]
fn each_shell_can_read_its_completions() {
    let path = Command::new("bash")
        .args(["-c", "eval \"$($0 completions bash)\" && complete -p chat-server"])
        .arg(env!("CARGO_BIN_EXE_chat-server"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&path.stdout);
    assert!(said.trim_end().ends_with(" chat-server"), "{said}");
    for shell in ["zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("hash-password"), "{shell}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = printed(&["--version"]);
    let expected = concat!("chat-server ", env!("CARGO_PKG_VERSION"));
    assert!(version.trim_end() == expected || version.starts_with(&format!("{expected} (")));
}
