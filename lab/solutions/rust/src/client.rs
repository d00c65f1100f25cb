//! A chat client: it asks for a name until the server takes one, then sends what is typed and
//! prints what comes.
//!
//! Two threads share the connection: this one types, the other one receives. On a terminal,
//! rustyline's printer takes the line that is being typed off the screen, prints, and puts it back.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use clap::Parser;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};

/// A line from the server that is longer than this is printed in pieces.
const LINE_BYTES: u64 = 64 * 1024;

/// A chat client
#[derive(Parser)]
struct Arguments {
    /// The server's port
    #[arg(default_value_t = 6666)]
    port: u16,
    /// The server's host
    #[arg(default_value = "127.0.0.1")]
    host: String,
}

type Print = Box<dyn FnMut(String) -> io::Result<()> + Send>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let stream = TcpStream::connect((arguments.host, arguments.port))?;
    let received = stream.try_clone()?;
    let mut editor = DefaultEditor::new()?;
    let (replies, logged_in) = mpsc::channel();
    // Without a terminal there is no line to protect, and no printer.
    let printer = editor.create_external_printer().ok();
    let is_terminal = printer.is_some();
    let print: Print = match printer {
        Some(mut printer) => Box::new(move |line| printer.print(line).map_err(io::Error::other)),
        None => Box::new(|line| io::stdout().lock().write_all(line.as_bytes())),
    };
    let receiver = thread::Builder::new().name("receiver".to_owned());
    let receiver = receiver.spawn(move || receive(&received, print, replies, is_terminal))?;
    type_lines(&mut editor, &stream, &logged_in)?;
    // The server answers all it was asked, then closes. The receiver sees that.
    let _ = stream.shutdown(Shutdown::Write);
    receiver.join().map_err(|_| "the receiver has panicked")??;
    Ok(())
}

/// Logs in, then sends each line that is typed, until the input or the server ends.
fn type_lines(
    editor: &mut DefaultEditor,
    mut stream: &TcpStream,
    replies: &Receiver<String>,
) -> Result<(), ReadlineError> {
    let mut is_in = false;
    loop {
        let line = match editor.readline(if is_in { "" } else { "name: " }) {
            Ok(line) => line,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error),
        };
        let line = match is_in {
            true => line,
            // Whoever types the whole request is right, too.
            false => format!("login {}", line.strip_prefix("login ").unwrap_or(&line)),
        };
        // In one write, so that it does not leave in two packets.
        if stream.write_all(format!("{line}\n").as_bytes()).is_err() {
            return Ok(());
        }
        if !is_in {
            let Ok(reply) = replies.recv() else { return Ok(()) };
            is_in = reply == "Login Success";
        }
    }
}

/// Prints each line that comes, until the server closes the connection.
fn receive(
    stream: &TcpStream,
    mut print: Print,
    replies: Sender<String>,
    is_terminal: bool,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        // What somebody has put into a line shall not do anything to the terminal.
        print(text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}") + "\n")?;
        if text != "Connect Success" {
            // Nobody takes them once the client is in.
            let _ = replies.send(text.to_owned());
        }
        line.clear();
    }
    if is_terminal {
        // The editor alone can give the terminal back as it was.
        print("The server has closed the connection; press Enter.\n".to_owned())?;
        return Ok(());
    }
    // The other thread may wait for its input for ever.
    process::exit(0)
}
