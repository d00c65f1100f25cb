//! `find`: the servers of the local network.

use serde::Serialize;

use super::output::Output;
use super::record::json;
use crate::args::script::Find;
use crate::discovery::{self, Nearby, Neighbours};
use crate::exit::{Exit, Failure};
use crate::sys::stderr::warn;

/// A way into a server, as `find --json` has it.
#[derive(Serialize)]
struct ServerObject<'a> {
    name: &'a str,
    address: String,
    tls: bool,
}

/// Prints the servers.
///
/// # Errors
///
/// When there is none.
pub fn run(find: &Find) -> Result<Exit, Failure> {
    let Neighbours { servers, is_full } = discovery::find(find.wait)?;
    if servers.is_empty() {
        let reason = "no server on this network has answered; whoever runs one knows its address: \
                      give that to --server";
        return Err(Failure::new(Exit::CannotConnect, reason));
    }
    let mut output = Output::new()?;
    for Nearby { name, address, is_tls } in &servers {
        output.line(&if find.json {
            json(&ServerObject { name, address: address.to_string(), tls: *is_tls })
        } else {
            format!("{name} {address}{}", if *is_tls { " tls" } else { "" })
        });
    }
    let _ = output.flush()?;
    if is_full {
        warn("there are more servers than are shown");
    }
    Ok(Exit::Done)
}
