//! My chat client.
//!
//! It connects, and shows what came first. The rest is for you: the steps are in docs/lab, the
//! words that clients and servers say in docs/protocol.md.

use std::io::{self, Read};
use std::net::TcpStream;

use clap::Parser;

/// My chat client
#[derive(Parser)]
struct Arguments {
    /// The server's port
    #[arg(default_value_t = 6666)]
    port: u16,
    /// The server's host
    #[arg(default_value = "127.0.0.1")]
    host: String,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut stream = TcpStream::connect((arguments.host, arguments.port))?;
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer)?;
    println!("{}", String::from_utf8_lossy(&buffer[..count]));
    // Step 1: receive in a thread; log in; send what is typed; end when the server closes.
    Ok(())
}
