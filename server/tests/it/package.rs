//! What `scripts/package` makes can be installed, and chats.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use tempfile::TempDir;

use crate::layer;
use crate::program::{not_run, outside_of_cargo};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn bash(command: &str, folder: &Path) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", command]).current_dir(folder);
    // To pack as tightly as one does for others takes half a minute, and what comes out is the same.
    bash.envs([("DPKG_DEB_COMPRESSOR_TYPE", "gzip"), ("DPKG_DEB_COMPRESSOR_LEVEL", "1")]);
    let output = outside_of_cargo(&mut bash).env("REPOSITORY", REPOSITORY).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of the programs of the whole workspace, which are built when they are first needed.
fn programs() -> &'static Path {
    static BUILT: Once = Once::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_chat-server")).parent().unwrap();
    BUILT.call_once(|| {
        // When all tests are run, these are built already. The three packages alone would be built anew, and
        // most of what they use, with fewer features of it.
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
        cargo.args(["--profile", profile]).current_dir(REPOSITORY);
        assert!(outside_of_cargo(&mut cargo).status().unwrap().success());
    });
    folder
}

/// A folder in which `scripts/package` made `target/package`, as the page about operating has it. With
/// `--dynamic` it packs what the tests have built.
fn packed(options: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "CHAT_PROGRAMS='{}' $REPOSITORY/scripts/package --profile dev --to target/package",
        programs().display()
    );
    bash(&format!("{script} {options}"), folder.path());
    bash("cd target/package && sha256sum --quiet -c SHA256SUMS", folder.path());
    folder
}

/// The commands of the page that has this one: how it makes packages, and how it installs them.
fn shown(part: &str) -> (String, String) {
    let page = fs::read_to_string(format!("{REPOSITORY}/docs/operating.md")).unwrap();
    let scripts = page.split("\n```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let script = scripts.into_iter().find(|script| script.contains(part)).expect(part);
    let (make, install) = script.split_once('\n').unwrap();
    (make.strip_prefix("scripts/package").unwrap().to_owned(), install.to_owned())
}

/// What this machine may lack, and which systemd is to do, is only told.
const STAND_INS: &str = "
    sudo() { \"$@\"; }
    systemctl() { echo systemctl \"$@\"; }
    cd /mnt
";

/// As the unit starts it, a server is talked to, and ended.
const CHAT: &str = "
    start=$(sed -n 's/^ExecStart=//p' \"$unit\")
    install -d -m 700 -o $user -g $user /var/lib/chat-server
    coproc setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs $start
    server=$COPROC_PID
    read -r listening <&${COPROC[0]}
    echo \"$listening\"
    printf 'say packed\n' | chat-client --name ann
    kill $server && wait $server
    stat --format '%U %a' /var/lib/chat-server/*.log
";

const CHATTED: &str = "listening on 0.0.0.0:6666
Connect Success
Login Success
ann: packed
";

#[test]
fn the_archive_has_everything_and_its_programs_chat() {
    let (options, install) = shown("sudo tar ");
    let folder = packed(&format!("--dynamic {options}"));
    let files = bash("tar -tzf target/package/chat-*-linux-glibc-*.tar.gz | sort", folder.path());
    for file in [
        "bin/chat-check",
        "bin/chat-client",
        "bin/chat-server",
        "lib/systemd/system/chat-server.service",
        "share/bash-completion/completions/chat-client",
        "share/bash-completion/completions/chat-server",
        "share/doc/chat/LICENSE-MIT",
        "share/doc/chat/README.md",
        "share/doc/chat/docs/protocol.md",
        "share/fish/vendor_completions.d/chat-client.fish",
        "share/man/man1/chat-client.1",
        "share/man/man1/chat-server.1",
        "share/zsh/site-functions/_chat-server",
    ] {
        let is_there = files.lines().any(|line| line.ends_with(&format!("/{file}")));
        assert!(is_there, "{file}\n{files}");
    }
    let script = format!(
        "{STAND_INS}{install}
        unit=/usr/local/lib/systemd/system/chat-server.service user=daemon{CHAT}"
    );
    let Some(said) = layer::run("the archive is installed", folder.path(), &script) else { return };
    let started = "systemctl daemon-reload\nsystemctl enable --now chat-server\n";
    assert_eq!(said, format!("{started}{CHATTED}daemon 600\n"));
}

#[test]
fn the_packages_install_chat_and_leave() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        return not_run("the packages for Debian: there is no dpkg-deb");
    }
    let (options, install) = shown("sudo apt-get install ");
    let folder = packed(&format!("--dynamic {options}"));
    // All that apt would do more is to look for what others have.
    let install = install.replace("apt-get install ", "dpkg --install >&2 ");
    let script = format!(
        "{STAND_INS}{install}
        dpkg --install target/package/chat-c*.deb >&2
        dpkg --verify chat-server chat-client chat-check
        getent passwd chat-server | cut -d: -f1,6,7
        systemd-analyze verify chat-server.service 2>&1 | grep chat-server || true
        bash -c '. /usr/share/bash-completion/completions/chat-client; complete -p chat-client' >&2
        ls /usr/share/man/man1/chat-*.1.gz /usr/share/doc/chat-*/copyright
        unit=/usr/lib/systemd/system/chat-server.service user=chat-server{CHAT}
        chat-check --version
        dpkg --remove chat-server chat-client chat-check >&2
        hash -r; command -v chat-server chat-client chat-check || echo removed
        ls -d /usr/lib/systemd/system/chat-server.service /usr/share/doc/chat-* 2>/dev/null ||
        stat --format '%U %n' /var/lib/chat-server/*
        dpkg --install target/package/*.deb >&2; chat-server --version"
    );
    let Some(said) = layer::run("the packages are installed", folder.path(), &script) else {
        return;
    };
    let installed = "systemctl enable --now chat-server
chat-server:/var/lib/chat-server:/usr/sbin/nologin
/usr/share/doc/chat-check/copyright
/usr/share/doc/chat-client/copyright
/usr/share/doc/chat-server/copyright
/usr/share/man/man1/chat-client.1.gz
/usr/share/man/man1/chat-server.1.gz
";
    let left = "removed\nchat-server /var/lib/chat-server/main.log\n";
    let version = env!("CARGO_PKG_VERSION");
    let (server, check) = (format!("chat-server {version}\n"), format!("chat-check {version}\n"));
    let expected = [installed, CHATTED, "chat-server 600\n", &check, left, &server].concat();
    assert_eq!(said, expected);
}

/// Programs that need no C library run where there is nothing else. They still find what a system gives
/// to all programs: names in `/etc/hosts`, and whom it trusts.
#[test]
fn static_programs_run_in_an_empty_root() {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let library = bash(&format!("rustc --print target-libdir --target {target}"), Path::new("."));
    if !Path::new(library.trim()).is_dir() {
        return not_run(&format!("static programs: the toolchain has no {target}"));
    }
    let folder = packed("--no-deb");
    let script = "cd /mnt
        mkdir -p /empty/etc/ssl/certs
        tar -xzf target/package/chat-*-linux-static.tar.gz -C /empty --strip-components 1
        chroot /empty /bin/chat-server certificate chat.example --out /tls >&2
        cp /empty/tls/certificate.pem /empty/etc/ssl/certs/ca-certificates.crt
        echo 127.0.0.1 chat.example >/empty/etc/hosts
        mkdir /empty/data
        coproc chroot /empty /bin/chat-server --tls 127.0.0.1:6697 --data /data \
            --certificate /tls/certificate.pem --key /tls/key.pem
        server=$COPROC_PID
        for line in 1 2; do read -r line <&${COPROC[0]}; done
        printf 'say alone\n' | chroot /empty /bin/chat-client --server chat.example:6697 --tls --name ann
        chroot /empty /bin/chat-check --version
        kill $server && wait $server
        cat /empty/data/*.log | wc -l";
    let Some(said) = layer::run("static programs", folder.path(), script) else { return };
    let version = env!("CARGO_PKG_VERSION");
    let chatted = "Connect Success\nLogin Success\nann: alone\n";
    assert_eq!(said, format!("{chatted}chat-check {version}\n3\n"));
}

#[test]
fn wrong_usage_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = "$REPOSITORY/scripts/package --to 2>&1 || echo $?";
    assert_eq!(bash(script, folder.path()), "package: --to needs a value\n2\n");
}
