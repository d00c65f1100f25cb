//! What the program does, from its arguments to its exit code.

mod selection;

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use protocol::Framing;
use thiserror::Error;

use crate::args::{Arguments, ClientArguments, ProxyArguments, ServerArguments, Task, Topic};
use crate::checks::{Check, Rule};
use crate::client::{self, Program};
use crate::exit::Exit;
use crate::glob::matches;
use crate::relay::Relay;
use crate::report::{Counts, json, junit, points, text};
use crate::run::{Finding, Options, Outcome, PATIENCE_WITH_A_MOOD, run};
use crate::stdout::Patient;
use crate::target::{CommandTarget, Groups, Moody, PORT, Running, Target, Unreachable};
use crate::transcript::{self, ParseError};
use crate::variant::Variant;

/// Why the program cannot do what it is asked to, and which exit code that is.
#[derive(Debug, Error)]
pub enum Problem {
    /// It was called in a wrong way.
    #[error("{0}")]
    Usage(String),
    /// There is nothing that could be checked.
    #[error("nothing was checked: {0}")]
    Unreachable(#[from] Unreachable),
    /// The same, for another reason.
    #[error("{0}")]
    Untried(String),
    /// The report cannot be written.
    #[error("cannot write {0}: {1}")]
    Unwritten(String, io::Error),
    /// A transcript of this program is wrong, which its tests rule out.
    #[error("{0}")]
    Transcript(#[from] ParseError),
}

impl Problem {
    /// The exit code for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Unreachable(_) | Self::Untried(_) | Self::Transcript(_) => Exit::Untried,
            Self::Unwritten(..) => Exit::Unwritten,
        }
    }
}

/// Does what `arguments` ask, and writes to `output`.
///
/// # Errors
///
/// Why it cannot.
pub fn main(arguments: Arguments, output: &mut dyn Write) -> Result<Exit, Problem> {
    match (arguments.task, arguments.variant) {
        (Some(Task::Server(arguments)), _) => server(&arguments, output),
        (Some(Task::Client(arguments)), _) => client(&arguments, output),
        (Some(Task::Proxy(arguments)), _) => proxy(&arguments, output),
        (Some(Task::Help { topic: Topic::Transcripts }), _) => print(output, transcript::FORMAT),
        (None, Some(seed)) => print(output, &Variant::new(seed).page()),
        (None, None) => Err(Problem::Usage("say what to do; --help lists it".to_owned())),
    }
}

/// Writes a text to standard output.
///
/// # Errors
///
/// When it cannot be written.
pub fn print(output: &mut dyn Write, text: &str) -> Result<Exit, Problem> {
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Problem::Unwritten("standard output".to_owned(), error))?;
    Ok(Exit::Passed)
}

fn client(arguments: &ClientArguments, output: &mut dyn Write) -> Result<Exit, Problem> {
    let rules = client::rules();
    let is_meant = |rule: &&Rule| {
        let only = &arguments.only;
        only.is_empty() || only.iter().any(|only| matches(only, &rule.name))
    };
    let rules: Vec<_> = rules.iter().filter(is_meant).collect();
    if rules.is_empty() {
        let text = format!("no check is called {}", arguments.only.join(" or "));
        return Err(Problem::Usage(text));
    }
    if !arguments.command.iter().any(|word| word.contains(PORT)) {
        let text = format!("put {PORT} into the command where the client gets the server's port");
        return Err(Problem::Usage(text));
    }
    let groups = ended_by_ctrl_c()?;
    let program = Program {
        command: arguments.command.clone(),
        is_raw: arguments.raw,
        on_a_terminal: arguments.pty,
        groups,
    };
    let mut findings: Vec<Finding<'_>> = Vec::new();
    for rule in rules {
        let finding = match findings.first().and_then(client::rules_out_the_rest) {
            Some(why) => {
                Finding { check: rule, outcome: Outcome::GivenUp(why), took: Duration::ZERO }
            }
            None => client::check(rule, &program)
                .map_err(|error| Problem::Untried(error.to_string()))?,
        };
        if !arguments.json {
            print(output, &text::finding(&finding))?;
        }
        findings.push(finding);
    }
    let report = if arguments.json { json::json(&findings) } else { text::summary(&findings) };
    print(output, &report)?;
    Ok(verdict(&findings))
}

fn proxy(arguments: &ProxyArguments, output: &mut dyn Write) -> Result<Exit, Problem> {
    let ProxyArguments { listen, to, mood, seed } = *arguments;
    let relay = Relay::start(listen, to, mood, seed)
        .map_err(|error| Problem::Untried(format!("cannot listen at {listen}: {error}")))?;
    print(output, &format!("listening at {}\n", relay.address))?;
    relay.run();
    Ok(Exit::Passed)
}

fn server(arguments: &ServerArguments, output: &mut dyn Write) -> Result<Exit, Problem> {
    let variant = arguments.variant.map(Variant::new);
    let all = match variant {
        Some(variant) => Check::all_of(variant)?,
        None => Check::all()?,
    };
    if let Some(name) = &arguments.show {
        return print(output, &selection::show(&all, name)?);
    }
    let checks = selection::selected(&all, arguments)?;
    if arguments.list {
        return print(output, &selection::list(&checks));
    }
    // A wrong rubric is found before a minute has passed, a wrong path likewise.
    let rubric = arguments.points.as_deref().map(selection::rubric).transpose()?;
    let mut target = target(arguments)?;
    let mut options = Options::default();
    options.seed = arguments.seed.unwrap_or(options.seed);
    options.variant = variant;
    if arguments.mood.is_some() {
        options.patience = PATIENCE_WITH_A_MOOD;
    }
    let mut level = None;
    let mut written = Ok(Exit::Passed);
    let findings = run(target.as_mut(), &checks, options, |finding| {
        let mut text = text::finding(finding);
        if arguments.json || text.is_empty() || written.is_err() {
            return;
        }
        if level != Some(finding.check.level) {
            level = Some(finding.check.level);
            text.insert_str(0, &text::level(finding.check.level));
        }
        written = print(output, &text);
    })?;
    drop(target);
    written?;
    report(arguments, rubric.as_deref(), &findings, output)
}

fn report(
    arguments: &ServerArguments,
    rubric: Option<&str>,
    findings: &[Finding<'_>],
    output: &mut dyn Write,
) -> Result<Exit, Problem> {
    if arguments.json {
        print(output, &json::json(findings))?;
    } else {
        print(output, &text::summary(findings))?;
    }
    if let Some(rubric) = rubric {
        let points = points::points(rubric, findings);
        let points = points.map_err(|error| Problem::Usage(error.to_string()))?;
        // In JSON mode standard output is one object and nothing else.
        if arguments.json {
            let written = Patient(io::stderr()).write_all(points.as_bytes());
            written.map_err(|error| Problem::Unwritten("standard error".to_owned(), error))?;
        } else {
            print(output, &points)?;
        }
    }
    if let Some(path) = &arguments.junit {
        fs::write(path, junit::junit(findings))
            .map_err(|error| Problem::Unwritten(path.display().to_string(), error))?;
    }
    Ok(verdict(findings))
}

/// A check that was not tried is neither passed nor failed.
fn verdict(findings: &[Finding<'_>]) -> Exit {
    match Counts::of(findings) {
        Counts { failed: 1.., .. } => Exit::Failed,
        Counts { given_up: 0, passed: 1.., .. } => Exit::Passed,
        _ => Exit::Untried,
    }
}

/// The groups of what is started from now on. Without it a Ctrl-C would leave them behind, since
/// they are none of the terminal's.
fn ended_by_ctrl_c() -> Result<Groups, Problem> {
    let groups = Groups::default();
    let at_once = groups.clone();
    let handled = ctrlc::set_handler(move || {
        at_once.end_all();
        std::process::exit(Exit::Interrupted.code().into());
    });
    handled.map_err(|error| Problem::Untried(format!("no handler of Ctrl-C: {error}")))?;
    Ok(groups)
}

fn target(arguments: &ServerArguments) -> Result<Box<dyn Target>, Problem> {
    let variant = arguments.variant.map(Variant::new);
    // What tells the framings apart are words of the protocol, which a variant does not have.
    let framing = match variant {
        Some(_) => Some(Framing::Line),
        None => arguments.classic.then_some(Framing::Classic),
    };
    let mood = arguments.mood;
    if mood.is_some_and(|mood| !mood.keeps_everything()) {
        let text = "with --mood: pieces, glue or slow; the others break connections, so that no \
                    server could pass";
        return Err(Problem::Usage(text.to_owned()));
    }
    let target: Box<dyn Target> = match &arguments.address {
        Some(address) => {
            Box::new(Running::new(resolve(address, arguments.remote)?, framing, variant)?)
        }
        None => {
            if !arguments.command.iter().any(|word| word.contains(PORT)) {
                let text = format!("put {PORT} into the command where the server gets its port");
                return Err(Problem::Usage(text));
            }
            let groups = ended_by_ctrl_c()?;
            Box::new(CommandTarget::new(arguments.command.clone(), framing, variant, groups))
        }
    };
    match mood {
        Some(mood) => Ok(Box::new(Moody::new(target, mood, arguments.seed.unwrap_or(1)))),
        None => Ok(target),
    }
}

fn resolve(address: &str, remote: bool) -> Result<SocketAddr, Problem> {
    let usage = |what: String| Problem::Usage(format!("{address}: {what}"));
    let mut addresses = address.to_socket_addrs().map_err(|error| usage(error.to_string()))?;
    // Servers of beginners listen on one family, and it is the older one.
    let all: Vec<_> = addresses.by_ref().collect();
    let found = all.iter().find(|address| address.is_ipv4()).or(all.first());
    let found = *found.ok_or_else(|| usage("no such address".to_owned()))?;
    if !found.ip().is_loopback() && !remote {
        return Err(usage("is on another machine; say --remote if that is meant".to_owned()));
    }
    Ok(found)
}
