//! The Dockerfile, as far as it can be tried without an engine: what it names is there, and the second
//! stage is done in a layer over this machine, instruction by instruction.

use std::fs;

use crate::layer;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Each instruction with its arguments.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(format!("{REPOSITORY}/Dockerfile")).unwrap().replace("\\\n", "");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.into(), b.into())).collect()
}

/// The words of `["a", "b"]`.
fn words(list: &str) -> String {
    let words: Vec<String> = serde_json::from_str(list).unwrap();
    words.iter().map(|word| format!("'{word}' ")).collect()
}

#[test]
fn the_first_stage_builds_this_workspace_with_its_toolchain() {
    let stage: Vec<_> = instructions().into_iter().take_while(|(name, _)| name != "ENV").collect();
    let has = |name: &str, arguments: &str| {
        assert!(stage.contains(&(name.into(), arguments.into())), "{name} {arguments}: {stage:?}");
    };
    has("FROM", concat!("rust:", env!("CARGO_PKG_RUST_VERSION"), "-slim-bookworm AS build"));
    has("COPY", ". .");
    has("RUN", concat!("cargo build --locked --release --package ", env!("CARGO_PKG_NAME")));
    // A program runs with the C library of its own system or a later one.
    has("FROM", "debian:bookworm-slim");
    // Nothing that the build needs is kept from it.
    let kept = fs::read_to_string(format!("{REPOSITORY}/.dockerignore")).unwrap();
    assert_eq!(kept.lines().collect::<Vec<_>>(), ["target", ".git"]);
}

#[test]
fn the_second_stage_is_a_server_that_chats_and_stops() {
    let mut instructions = instructions();
    let stages = instructions.iter().filter(|(name, _)| name == "FROM").count();
    assert_eq!(stages, 2);
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").unwrap();
    let (mut script, mut user, mut command) = (String::new(), String::new(), String::new());
    let (mut port, mut signal, mut volume) = (String::new(), String::new(), String::new());
    for (name, arguments) in instructions.drain(last + 1..) {
        match &*name {
            "COPY" => {
                let (from, to) =
                    arguments.strip_prefix("--from=build ").unwrap().split_once(' ').unwrap();
                // The image of the toolchain has what comes from its system.
                let from = from.replace("/src/target/release", "/mnt");
                script += &format!("install -D {from} {to}.new && mv {to}.new {to}\n");
            }
            "RUN" => script += &format!("sh -c '{arguments}'\n"),
            "ENV" => script += &format!("export {arguments}\n"),
            "USER" => user = arguments,
            "EXPOSE" => port = arguments,
            "VOLUME" => volume = arguments,
            "STOPSIGNAL" => signal = arguments,
            "ENTRYPOINT" | "CMD" => command += &words(&arguments),
            other => panic!("the test does not know {other}"),
        }
    }
    script += &format!(
        "cd /
        coproc setpriv --reuid={user} --regid={user} --clear-groups {command}
        server=$COPROC_PID
        read -r line <&${{COPROC[0]}}; echo \"$line\"
        exec 5<>/dev/tcp/127.0.0.1/{port}
        printf 'login ann\\nsay boxed\\n' >&5
        for line in 1 2 3; do read -r line <&5; echo \"$line\"; done
        kill -s {signal} $server; wait $server; echo ended $?
        grep -rh boxed {volume} | grep -o 'ann: .*'"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::copy(env!("CARGO_BIN_EXE_chat-server"), folder.path().join("chat-server")).unwrap();
    let Some(said) = layer::run("the image's second stage", folder.path(), &script) else { return };
    let expected = "listening on 0.0.0.0:6666\nConnect Success\nLogin Success\nann: boxed\nended 0\nann: boxed\n";
    assert_eq!(said, expected);
}
