//! The simplest chat client: what is typed is sent, and a second thread prints what comes.
//!
//! It is a telnet with an editor for the line that is being typed. rustyline's printer takes that
//! line off the screen, prints, and puts it back, so neither garbles the other. It knows nothing
//! of the protocol but that a line ends with a newline: type `login NAME`, `say TEXT`, `look` and
//! `logout`.
//!
//! What it cannot, and `chat-client` can: it does not help to log in, does not connect again, has
//! no colours, and a script that uses it cannot tell how a request ended.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process;
use std::thread;

use clap::Parser;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};

/// A line from the server that is longer than this is printed in pieces.
const LINE_BYTES: u64 = 64 * 1024;

/// A chat client of the simplest kind
#[derive(Parser)]
struct Arguments {
    /// Where the server listens
    #[arg(default_value = "127.0.0.1:6666")]
    server: SocketAddr,
}

fn main() -> Result<(), Box<dyn Error>> {
    let stream = TcpStream::connect(Arguments::parse().server)?;
    let received = stream.try_clone()?;
    let mut editor = DefaultEditor::new()?;
    let receiver = thread::Builder::new().name("receiver".to_owned());
    let receiver = match editor.create_external_printer() {
        Ok(mut printer) => receiver.spawn(move || {
            let mut print = |line| printer.print(line).map_err(io::Error::other);
            show(&received, &mut print)?;
            // The editor alone can give the terminal back as it was.
            print("The server has closed the connection; press Enter.\n".to_owned())
        }),
        // Without a terminal there is no line to protect, and no printer.
        Err(_) => receiver.spawn(move || {
            show(&received, |line| io::stdout().lock().write_all(line.as_bytes()))?;
            // The other thread may wait for its input for ever.
            process::exit(0)
        }),
    }?;
    type_lines(&mut editor, &stream)?;
    // The server answers everything that it has read, then closes; the receiver sees that.
    let _ = stream.shutdown(Shutdown::Write);
    receiver.join().map_err(|_| "the receiver has panicked")??;
    Ok(())
}

/// Sends each line that is typed, until the input or the server ends.
fn type_lines(editor: &mut DefaultEditor, mut stream: &TcpStream) -> Result<(), ReadlineError> {
    loop {
        let line = match editor.readline("") {
            Ok(line) => line,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error),
        };
        // In one write, so that it does not leave in two packets.
        if stream.write_all(format!("{line}\n").as_bytes()).is_err() || line == "logout" {
            return Ok(());
        }
    }
}

/// Prints each line that comes, until the server closes the connection.
fn show(stream: &TcpStream, mut print: impl FnMut(String) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? > 0 {
        // A server that is hostile, or somebody who talks through a careless one, could move the
        // cursor or clear the screen with control characters.
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        print(text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}") + "\n")?;
        line.clear();
    }
    Ok(())
}
