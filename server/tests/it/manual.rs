//! The manual page, the completions and the version.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

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
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        let mut reader = Command::new(shell);
        reader.args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut reader) = reader.spawn() else {
            not_run(&format!("the completions for {shell}: it is not here"));
            continue;
        };
        reader.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let read = reader.wait_with_output().unwrap();
        assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr));
    }
}

/// What bash is told when it asks for the last of these words.
#[track_caller]
fn offered(words: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.toml"), "").unwrap();
    std::fs::create_dir(folder.path().join("set")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chat-server"))
        .args([&["--", "chat-server"], words].concat())
        .current_dir(folder.path())
        .env("CHAT_SERVER_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn what_fits_is_offered_and_nothing_else() {
    for (words, expected) in [
        (&["--li"][..], &["--listen"][..]),
        (&["make"], &["make-users"]),
        (&["make-users", "--sh"], &["--sheet"]),
        (&["--config", "s"], &["server.toml", "set/"]),
        (&["check-config", "se"], &["server.toml", "set/"]),
        (&["--data", "s"], &["set/"]),
        (&["certificate", "a.example", "--out", "s"], &["set/"]),
        (&["--listen", "127"], &["127.0.0.1:6666"]),
        (&["--web", "["], &["[::]:8080"]),
        (&["--tls", "0"], &["0.0.0.0:6697"]),
        (&["--rate", "s"], &[]),
        (&["make-users", "s"], &[]),
        (&["hash-password", "s"], &[]),
        (&["completions", "z"], &["zsh"]),
    ] {
        assert_eq!(offered(words), expected, "{words:?}");
    }
}

/// A pipe that its starter has made non-blocking, as Node.js and ssh do.
#[test]
fn what_is_printed_waits_for_its_reader() {
    let names: String = (0..4000).map(|number| format!("user-{number}\n")).collect();
    let (mut reader, writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("sheet");
    // The command goes at once, for it has the pipe as well.
    let mut program = Command::new(env!("CARGO_BIN_EXE_chat-server"))
        .args(["make-users", "--sheet"])
        .arg(sheet)
        .stdin(Stdio::piped())
        .stdout(writer)
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    // It has read all names once it writes; then the pipe is full until somebody reads.
    let status = format!("/proc/{}/stat", program.id());
    let mut first = [0];
    reader.read_exact(&mut first).unwrap();
    while cfg!(target_os = "linux") && !std::fs::read_to_string(&status).unwrap().contains(") S ") {
        assert!(program.try_wait().unwrap().is_none(), "it has not waited");
        std::thread::yield_now();
    }
    let mut lines = String::new();
    reader.read_to_string(&mut lines).unwrap();
    assert!(program.wait().unwrap().success());
    assert_eq!(lines.lines().count(), 4000);
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = printed(&["--version"]);
    let expected = concat!("chat-server ", env!("CARGO_PKG_VERSION"));
    assert!(version.trim_end() == expected || version.starts_with(&format!("{expected} (")));
}
