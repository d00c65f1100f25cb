//! Many clients that talk at the same time.

use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use crate::failure::{Difference, Failure, Got};
use crate::peer::Peer;
use crate::stage::Stage;

/// What one of the speakers below saw, or what went wrong for it.
type Seen = Result<Vec<Vec<u8>>, Difference>;

/// What many clients do at the same time.
#[derive(Clone, Copy)]
pub(super) struct Talk {
    pub(super) clients: usize,
    /// Lines that each of them says.
    pub(super) lines: usize,
    /// Bytes in a line, at least.
    pub(super) length: usize,
}

impl Talk {
    /// Each says its lines, the next one when it has seen the last, and reads what everyone says.
    pub(super) fn hold(self, stage: &mut Stage) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
        let mut company: Vec<Peer> = Vec::new();
        for number in 0..self.clients {
            company.push(stage.log_in(&format!("t{number}x"))?);
        }
        // Everyone is there once each has seen the last one come.
        let last = format!("{} has entered the room.", company[self.clients - 1].name);
        for peer in &mut company[..self.clients - 1] {
            let last = peer.in_its_words(&last).into_owned();
            peer.lines_until(&last, |line| line == last.as_bytes())?;
        }
        let tokens: Vec<String> = (0..self.clients).map(|_| stage.word()).collect();
        let talkers = company.into_iter().zip(&tokens);
        let seen: Vec<Seen> = thread::scope(|scope| {
            let threads: Vec<_> =
                talkers.map(|(peer, token)| scope.spawn(move || self.talk(peer, token))).collect();
            threads
                .into_iter()
                // A panic in such a thread is a fault of this program, and is passed on.
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        // Who saw a wrong line says more than who waited in vain because of it.
        let (seen, mut failed): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(Result::is_ok);
        failed.sort_by_key(|failed| failed.as_ref().is_err_and(Difference::is_timeout));
        let all: Result<Vec<_>, _> = failed.into_iter().chain(seen).collect();
        Ok(all?)
    }

    /// One of them.
    fn talk(self, mut peer: Peer, token: &str) -> Seen {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut said = 0;
        let mut own = Vec::new();
        while seen.len() < self.clients * self.lines {
            if own.is_empty() && said < self.lines {
                let word = format!("{token}{said} ");
                let text = word.repeat(self.length.div_ceil(word.len()).max(1));
                peer.say(&format!("say {}", text.trim_end()))?;
                own = format!("{}: {}", peer.name, text.trim_end()).into_bytes();
                said += 1;
            }
            match peer.line_within(TALK_PATIENCE) {
                Ok(line) if !is_whole(&line, &peer) => {
                    return Err(peer.difference("a line that nothing cuts", Got::Bytes(line)));
                }
                Ok(line) => {
                    if line == own {
                        own.clear();
                    }
                    seen.push(line);
                }
                Err(got) => {
                    return Err(
                        peer.difference(&format!("line {} of the room", seen.len() + 1), got)
                    );
                }
            }
        }
        Ok(seen)
    }
}

/// How long a line may take where many talk.
const TALK_PATIENCE: Duration = Duration::from_secs(5);

/// Whether it is a name and one word again and again, as everybody says it there.
fn is_whole(line: &[u8], peer: &Peer) -> bool {
    let line = String::from_utf8_lossy(line);
    let Some((_, text)) = line.split_once(": ") else {
        let ends = [" has entered the room.", " has left the room."];
        return ends.iter().any(|end| line.ends_with(&*peer.in_its_words(end)));
    };
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    !first.is_empty() && words.all(|word| word == first)
}
