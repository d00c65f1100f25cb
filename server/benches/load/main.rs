//! What the server costs under load, beside what it could cost at best and what it usually costs.
//!
//! `cargo bench -p chat-server` takes a quarter of a minute; `-- --help` says what can be asked for.

mod chart;
mod contender;
mod generator;
mod page;
mod peers;
mod report;
mod scene;
#[path = "../../examples/simple.rs"]
#[expect(dead_code, reason = "this program has a `main` of its own")]
mod simple;
mod suite;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use socket2::SockRef;

use generator::link::Credentials;
use generator::relay::Relay;
use peers::Peer;
use suite::{Settings, Suite};

/// Connections that may wait to be accepted, as many as the server lets wait.
const WAITING: i32 = 4096;

/// Puts load on the server, and on what it is compared with.
#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of clients for the fan-out
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "10,100,1000")]
    clients: Vec<usize>,

    /// About how long each measurement takes, of which there are three; latency takes ten times that
    #[arg(long, value_name = "SECONDS", default_value_t = 0.05)]
    seconds: f64,

    /// Lines a second at the steady rate
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    rate: f64,

    /// Clients in the latency measurements
    #[arg(long, value_name = "N", default_value_t = 1000)]
    latency_clients: usize,

    /// Clients that log in at once
    #[arg(long, value_name = "N", default_value_t = 1000)]
    storm: usize,

    /// Rooms of ten, compared with one room of a thousand; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 100)]
    rooms: usize,

    /// Numbers of clients that talk a line at a time
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "2,10,100,1000")]
    small: Vec<usize>,

    /// Only measurements whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Only the server, without what it is compared with
    #[arg(long)]
    alone: bool,

    /// Flags for the server, beside those that the bench needs
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true, default_value = "")]
    server_flags: String,

    /// Write the results here too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Given by `cargo bench`.
    #[arg(long, hide = true, global = true)]
    bench: bool,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Measure a server that runs already
    Against(Peer),
    /// Put the results of a run into the page about performance
    Page { json: PathBuf, page: PathBuf },
    /// Print the heads of the columns
    #[command(hide = true)]
    Heading,
    /// Be the simplest server, which the server is compared with
    #[command(hide = true)]
    Simple,
    /// Be one of the relays that the server is compared with
    #[command(hide = true)]
    Relay { relay: Relay, clients: usize, room_size: usize, credentials: Option<PathBuf> },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.role {
        Some(Role::Relay { relay, clients, room_size, credentials }) => {
            let tls = credentials.as_deref().map(|folder| Credentials::of(folder).server());
            // Its clients leave at once when the measurement is over.
            let _ = relay.run(&listen()?, *clients, *room_size, tls.transpose()?.as_ref());
            return Ok(());
        }
        Some(Role::Simple) => return Ok(simple::serve(&listen()?)?),
        Some(Role::Against(peer)) => return peer.run(),
        Some(Role::Page { json, page }) => {
            let file = File::open(json).with_context(|| format!("cannot read {json:?}"))?;
            return page::update(page, &serde_json::from_reader(BufReader::new(file))?);
        }
        Some(Role::Heading) => {
            println!("{}", report::HEADING);
            return Ok(());
        }
        None => {}
    }
    let settings = Settings {
        clients: arguments.clients,
        seconds: arguments.seconds,
        rate: arguments.rate,
        latency_clients: arguments.latency_clients,
        storm: arguments.storm,
        rooms: arguments.rooms,
        small: arguments.small,
        only: arguments.only,
        is_alone: arguments.alone,
        server_flags: arguments.server_flags,
    };
    Suite::new(settings, arguments.json)?.run()
}

/// A listener on a free port, which it says as the server does.
fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    // A crowd whose thread waits for a full queue does not go on with its handshakes meanwhile.
    SockRef::from(&listener).listen(WAITING)?;
    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;
    Ok(listener)
}
