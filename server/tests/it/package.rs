//! What `scripts/package` makes can be unpacked anywhere, and chats.

use std::path::Path;
use std::process::Command;

fn bash(command: &str, folder: &Path) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", command])
        .current_dir(folder)
        .env("REPOSITORY", concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_archive_has_everything_and_its_programs_chat() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    bash("$REPOSITORY/scripts/package --no-deb --profile dev --to made", folder);
    bash("cd made && sha256sum --quiet -c SHA256SUMS && tar -xzf chat-*.tar.gz", folder);
    let files = bash("cd made/chat-*/ && find . -type f | sort", folder);
    for file in [
        "bin/chat-check",
        "bin/chat-client",
        "bin/chat-server",
        "lib/systemd/system/chat-server.service",
        "share/bash-completion/completions/chat-client",
        "share/bash-completion/completions/chat-server",
        "share/doc/chat/README.md",
        "share/doc/chat/docs/protocol.md",
        "share/fish/vendor_completions.d/chat-client.fish",
        "share/man/man1/chat-client.1",
        "share/man/man1/chat-server.1",
        "share/zsh/site-functions/_chat-server",
    ] {
        assert!(files.lines().any(|line| line == format!("./{file}")), "{file}\n{files}");
    }
    // The unit starts the program from where a package puts it.
    let unit = bash("cat made/chat-*/lib/systemd/system/chat-server.service", folder);
    assert!(unit.contains("\nExecStart=/usr/bin/chat-server "), "{unit}");
    let chat = "cd made/chat-*/bin
        coproc ./chat-server --quiet --listen 127.0.0.1:0
        read -r _ _ at <&${COPROC[0]}
        printf 'say packed\n' | ./chat-client --server $at --name ann
        kill $COPROC_PID";
    assert_eq!(bash(chat, folder), "Connect Success\nLogin Success\nann: packed\n");
}

#[test]
fn wrong_usage_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = "$REPOSITORY/scripts/package --to 2>&1 || echo $?";
    assert_eq!(bash(script, folder.path()), "package: --to needs a value\n2\n");
}
