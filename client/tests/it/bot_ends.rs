//! Programs as users of a room: how one of the two ends, and the other with it.

use std::sync::mpsc::channel;
use std::thread;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bot::bot;
use crate::fake_server::serve;
use crate::program::DEADLINE;
use crate::pty::fresh_directory;
use crate::real_server::RealServer;
use crate::sample_bots::answer_of;
use crate::script::{check, run, start};

/// It has left the group of the program, and it holds the program's output.
#[test]
fn what_a_program_has_started_ends_with_it() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    for script in [
        "exec 2>/dev/null; set -m; sh -c 'echo $$; exec sleep 1000' & wait",
        "exec 2>/dev/null; setsid sh -c 'echo $$; trap : TERM; while :; do sleep 1000; done' & wait",
        "exec 2>/dev/null; (setsid sh -c 'echo $$; exec sleep 1000' &) ; sleep 1000",
    ] {
        let program = bot(&server, &[], script);
        bob.read_to("robo has entered the room.");
        let runaway = answer_of(&mut bob, "robo").parse().unwrap();
        program.signal(Signal::SIGTERM);
        check(&program.finish(), 143, "", "");
        assert_eq!(kill(Pid::from_raw(runaway), None), Err(Errno::ESRCH), "{script}");
        bob.read_to("robo has left the room.");
    }
}

#[test]
fn a_killed_program_has_the_code_that_a_shell_gives_it() {
    let server = RealServer::start();
    check(&bot(&server, &[], "kill -9 $$").finish(), 137, "", "");
}

#[test]
fn a_program_ends_with_its_server_and_all_that_it_started() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let ready = session.line();
        session.send("Server Shutdown\n");
        session.close();
        ready
    });
    let script = "echo ready; sleep 1000 & sleep 1000";
    let outcome = run(server, "bot", &["--name", "al", "sh", "-c", script]);
    check(&outcome, 5, "", "chat-client: connection lost: Server Shutdown; start again\n");
    assert_eq!(served.join().unwrap(), "say ready\n");
}

#[test]
fn a_signal_ends_the_program_too() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = bot(
        &server,
        &[],
        "exec 2>/dev/null; trap 'exit 9' TERM; echo ready; while :; do sleep 1000; done",
    );
    bob.read_to("robo: ready");
    program.signal(Signal::SIGTERM);
    check(&program.finish(), 143, "", "");
    bob.read_to("robo has left the room.");
}

/// A signal ends it also while there is no server to come to.
#[test]
fn a_bot_that_waits_for_its_server_can_be_ended() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close();
    });
    let mut bot = start(&server, "bot", &["--name", "al", "--reconnect", "cat"]);
    served.join().unwrap();
    // Nobody listens there any more.
    bot.read_stderr_to("trying again in 2 s");
    bot.signal(Signal::SIGTERM);
    assert_eq!(bot.finish().code, Some(143));
}

/// Nothing can be done for a program whose bot is killed, but it finds out.
#[test]
fn a_program_whose_bot_is_killed_finds_its_input_at_its_end() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let directory = fresh_directory();
    let fifo = directory.join("over");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let program =
        format!("echo ready; while read -r line; do :; done; echo over > '{}'", fifo.display());
    let bot = bot(&server, &[], &program);
    bob.read_to("robo: ready");
    bot.signal(Signal::SIGKILL);
    let (tell, told) = channel();
    let reading = thread::spawn(move || tell.send(std::fs::read_to_string(&fifo).unwrap()));
    assert_eq!(told.recv_timeout(DEADLINE).as_deref(), Ok("over\n"));
    reading.join().unwrap().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}
