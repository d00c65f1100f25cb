//! Level 0: clients can connect.

use super::Live;
use crate::failure::Failure;
use crate::stage::Stage;

/// The checks of this level, but for those that are transcripts.
pub(super) const CHECKS: &[Live] = &[Live {
    name: "greets-everyone",
    rule: "the-protocol",
    why: "Every connection is greeted at once, also while another client says nothing.",
    hint: "After accept the server waits for this client and for nobody else: give each client a \
           thread (or a task) of its own.",
    run: greets_everyone,
}];

fn greets_everyone(stage: &mut Stage) -> Result<(), Failure> {
    let mut clients = Vec::new();
    for label in ["ann", "bob", "cat"] {
        let mut client = stage.connect(label)?;
        client.expect("Connect Success")?;
        clients.push(client);
    }
    Ok(())
}
