//! Checks a client that somebody built: this program plays the server and the user.
//!
//! The client reads what is typed from its standard input and shows the chat on its standard
//! output, which are pipes or a pseudo-terminal. It is started anew for each check.

mod conversation;
mod process;
mod screen;
#[cfg_attr(unix, path = "client/terminal_unix.rs")]
#[cfg_attr(not(unix), path = "client/terminal_other.rs")]
mod terminal;

use std::io;
use std::time::Instant;

use crate::checks::Rule;
use crate::failure::Failure;
use crate::run::{Finding, Outcome};
use crate::target::Groups;

use conversation::Conversation;

/// A client as a command, and how it is used.
#[derive(Debug)]
pub struct Program {
    /// The command. `{host}`, `{port}` and `{name}` in it are replaced.
    pub command: Vec<String>,
    /// What is typed is sent as it is.
    pub is_raw: bool,
    /// It gets a terminal instead of pipes.
    pub on_a_terminal: bool,
    /// Where the processes are noted that it starts.
    pub groups: Groups,
}

struct ClientCheck {
    name: &'static str,
    rule: &'static str,
    why: &'static str,
    hint: &'static str,
    run: fn(&mut Conversation) -> Result<(), Failure>,
}

const CHECKS: &[ClientCheck] = &[
    ClientCheck {
        name: "logs-in",
        rule: "requests",
        why: "After the greeting the client sends `login NAME` and a newline.",
        hint: "Send a line with its newline, and flush what is buffered.",
        run: |conversation| conversation.log_in(),
    },
    ClientCheck {
        name: "tries-another-name",
        rule: "requests",
        why: "When the name is taken the user is asked again.",
        hint: "The connection stays after `UserName Exist`: ask for a name until a login succeeds.",
        run: tries_another_name,
    },
    ClientCheck {
        name: "shows-what-comes",
        rule: "the-protocol",
        why: "What comes is shown once and at once, also while nobody types.",
        hint: "Waiting for input and waiting for the server need a thread each.",
        run: |conversation| shows(conversation, |text| vec![text]),
    },
    ClientCheck {
        name: "shows-pieces-as-one-line",
        rule: "the-protocol",
        why: "A line may come in any number of packets, and is shown as one line.",
        hint: "TCP has no messages: what one recv gives is not a line. Keep what came until a \
               newline is there.",
        run: |conversation| {
            shows(conversation, |text| text.chunks(1).map(<[u8]>::to_vec).collect())
        },
    },
    ClientCheck {
        name: "shows-characters-in-two-packets",
        rule: "the-protocol",
        why: "A character of several bytes may come in two packets.",
        hint: "Decode a whole line, never what one recv gave.",
        run: |conversation| {
            shows(conversation, |text| {
                // Every cut is inside a character where there is one of several bytes.
                let is_inside = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
                text.chunk_by(|_, next| !is_inside(next)).map(<[u8]>::to_vec).collect()
            })
        },
    },
    ClientCheck {
        name: "sends-what-is-typed",
        rule: "requests",
        why: "What is typed is sent as `say TEXT`, a line each.",
        hint: "Send a line with its newline, and flush what is buffered.",
        run: sends_what_is_typed,
    },
    ClientCheck {
        name: "ends-when-the-server-closes",
        rule: "the-protocol",
        why: "When the server closes the connection the client ends.",
        hint: "recv gives nothing at the end. End the whole program then, although another thread \
               waits for input: in Python sys.exit ends a thread alone, os._exit ends them all.",
        run: ends_when_the_server_closes,
    },
];

/// What the checks are about, in their order.
#[must_use]
pub fn rules() -> Vec<Rule> {
    CHECKS
        .iter()
        .map(|check| Rule {
            name: check.name.to_owned(),
            level: 0,
            rule: format!("docs/protocol.md#{}", check.rule),
            why: check.why.to_owned(),
            hint: check.hint.to_owned(),
            variant: None,
        })
        .collect()
}

/// Why nothing else can be tried on a client of which this was found. `None` when it can.
#[must_use]
pub fn rules_out_the_rest(finding: &Finding<'_>) -> Option<String> {
    let is_failed = matches!(finding.outcome, Outcome::Failed { .. });
    (is_failed && finding.check.name == CHECKS[0].name)
        .then(|| "each of them begins with a login".to_owned())
}

/// Runs the check of this rule, which is one of [`rules`].
///
/// # Errors
///
/// When the client cannot be started.
pub fn check<'a>(rule: &'a Rule, program: &Program) -> io::Result<Finding<'a>> {
    let start = Instant::now();
    let check = CHECKS.iter().find(|check| check.name == rule.name);
    let check = check.ok_or(io::ErrorKind::NotFound)?;
    let outcome = if check.name == "tries-another-name" && !program.types_the_name() {
        Outcome::Inapplicable("it needs a client to which the name is typed")
    } else {
        let mut conversation = Conversation::start(program)?;
        match (check.run)(&mut conversation) {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed { failure, last_words: conversation.last_words() },
        }
    };
    Ok(Finding { check: rule, outcome, took: start.elapsed() })
}

impl Program {
    fn types_the_name(&self) -> bool {
        !self.command.iter().any(|word| word.contains("{name}"))
    }
}

fn tries_another_name(conversation: &mut Conversation) -> Result<(), Failure> {
    conversation.connect()?;
    conversation.ask_for_login()?;
    conversation.tell(b"UserName Exist\n")?;
    conversation.take_another_name();
    conversation.ask_for_login()?;
    conversation.tell(b"Login Success\n")?;
    Ok(())
}

/// Lines that come cut by `cut` are shown once each, in their order and whole.
fn shows(conversation: &mut Conversation, cut: fn(Vec<u8>) -> Vec<Vec<u8>>) -> Result<(), Failure> {
    conversation.log_in()?;
    let lines: Vec<String> =
        (0..4).map(|_| format!("eve: {} 你好 é", conversation.word())).collect();
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    for piece in cut(text.into_bytes()) {
        conversation.tell(&piece)?;
        conversation::let_it_go();
    }
    conversation.sees_once(&lines)?;
    Ok(())
}

fn sends_what_is_typed(conversation: &mut Conversation) -> Result<(), Failure> {
    conversation.log_in()?;
    for _ in 0..3 {
        let text = format!("{} {}", conversation.word(), conversation.word());
        conversation.type_speech(&text)?;
        conversation.expect(&format!("say {text}"))?;
    }
    Ok(())
}

fn ends_when_the_server_closes(conversation: &mut Conversation) -> Result<(), Failure> {
    conversation.log_in()?;
    conversation.close()?;
    Ok(())
}
