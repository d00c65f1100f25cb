//! A layer over this machine, in which a test may install what it likes: afterwards all of it is gone.
//!
//! It is an overlay in a mount namespace, with processes and a network of its own, so that ports are
//! free in it and nothing can be left behind.

use std::path::Path;
use std::process::Command;

use crate::program::not_run;

/// What the script that makes the layer ends with when it cannot.
const CANNOT: i32 = 77;

const MAKE: &str = r#"
    make() {
        mount -t tmpfs layer "$1" && mkdir "$1"/{upper,work,root} &&
            mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" layer "$1/root" &&
            mount -t proc proc "$1/root/proc" && mount --rbind /dev "$1/root/dev" &&
            mount -t tmpfs run "$1/root/run" && mount --bind "$2" "$1/root/mnt" && ip link set lo up
    }
    make "$1" "$2" || exit 77
    exec timeout 170 chroot "$1/root" bash -euo pipefail -c "$3"
"#;

/// What `script` prints, which bash runs as root of a layer and there sees `folder` as `/mnt`.
///
/// `None` after a word to stderr, when this machine makes no layers: that takes root.
pub fn run(what: &str, folder: &Path, script: &str) -> Option<String> {
    let layer = tempfile::tempdir().unwrap();
    let made = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", MAKE, "layer"])
        .args([layer.path(), folder])
        .arg(script)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .output();
    let output = match made {
        Ok(output) if !is_refused(&output) => output,
        refused => {
            let why = refused.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            not_run(&format!("{what}: no layer over this machine can be made: {why:?}"));
            return None;
        }
    };
    let (said, errors) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{script}\n{}\n{said}\n{errors}", output.status);
    Some(said)
}

fn is_refused(output: &std::process::Output) -> bool {
    let errors = String::from_utf8_lossy(&output.stderr);
    output.status.code() == Some(CANNOT) || errors.starts_with("unshare: ")
}
