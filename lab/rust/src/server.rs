//! My chat server.
//!
//! It greets whoever comes, and answers every line with `Unknown command`. The rest is for you: the
//! steps are in docs/lab, the words that clients and servers say in docs/protocol.md.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use clap::Parser;

/// My chat server
#[derive(Parser)]
struct Arguments {
    /// The port on this machine; 0 takes a free one
    #[arg(default_value_t = 6666)]
    port: u16,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, Arguments::parse().port))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        // An error means that the client is gone.
        thread::spawn(|| serve_client(stream));
    }
    Ok(())
}

/// Runs in a thread of its own, one a client.
fn serve_client(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"Connect Success\n")?;
    let mut buffer = [0; 1024];
    loop {
        // Step 3: is what one `read` returns a line?
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&buffer[..count]);
        let (command, _argument) = parse(line.trim_end());
        stream.write_all(format!("Unknown command: {command}\n").as_bytes())?;
    }
}

/// Command and argument of a line: the text up to the first space, and the rest.
fn parse(line: &str) -> (&str, &str) {
    // Step 3 trims the argument, and refuses what is no line.
    line.split_once(' ').unwrap_or((line, ""))
}
