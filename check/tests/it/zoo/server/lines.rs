//! From bytes to a request: what ends a line, how long it may be, and what is in it.

use std::io::Read;
use std::sync::Arc;

use protocol::limits::{LINE_BYTES, UNTERMINATED_BYTES};

use super::room::answer;
use super::{Client, End, Over, Shared};
use crate::zoo::Fault;

/// Does what a client asks for, until its connection ends or is to be ended.
pub fn read_lines(shared: &Shared, client: &Arc<Client>) -> End {
    let fault = shared.fault;
    let at_once = if fault == Fault::ClosesWithUnreadInput { 1024 } else { 64 * 1024 };
    let mut buffer = vec![0; at_once];
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let length = match (&client.stream).read(&mut buffer) {
            Ok(0) if kept.is_empty() || fault == Fault::DropsLastWords => return End::Closed,
            Ok(0) if line_of(shared, client, &kept).is_err() => return End::Logout,
            Ok(0) => return End::Closed,
            Ok(length) => length,
            Err(_) => {
                if fault == Fault::HalfALineIsSaid {
                    let _ = line_of(shared, client, &kept);
                }
                return End::Reset;
            }
        };
        let mut input = &buffer[..length];
        let is_too_long = !input.contains(&b'\n') && length > LINE_BYTES;
        let _held = (fault == Fault::LongLineStopsTheRoom && is_too_long).then(|| {
            let held = shared.room.lock();
            let mut rest = [0; 4096];
            while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
            held
        });
        if fault == Fault::DecodesEachPacket && std::str::from_utf8(input).is_err() {
            client.tell("Invalid UTF-8");
            continue;
        }
        if let Some(lines) = received_as_lines(fault, input) {
            if lines.iter().any(|line| line_of(shared, client, line).is_err()) {
                return End::Logout;
            }
            continue;
        }
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            kept.extend_from_slice(&input[..end]);
            input = &input[end + 1..];
            let line = std::mem::take(&mut kept);
            if line_of(shared, client, &line).is_err() && fault != Fault::ActsAfterLogout {
                return End::Logout;
            }
        }
        kept.extend_from_slice(input);
        if kept.len() >= UNTERMINATED_BYTES && fault != Fault::KeepsUnterminatedForEver {
            client.tell("Line Too Long: 4096");
            return End::Refused;
        }
    }
}

/// The lines of a server that takes what it receives at once for whole lines. `None` for any other.
fn received_as_lines(fault: Fault, input: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pieces = input.split(|byte| *byte == b'\n');
    match fault {
        Fault::ReceivedIsALine => {
            Some(pieces.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
        }
        Fault::PacketIsALine if input.ends_with(b"\n") => {
            Some(vec![pieces.flatten().copied().collect()])
        }
        Fault::PacketIsItsFirstLine => Some(pieces.take(1).map(<[u8]>::to_vec).collect()),
        _ => None,
    }
}

fn line_of(shared: &Shared, client: &Arc<Client>, line: &[u8]) -> Result<(), Over> {
    let fault = shared.fault;
    let mut line = line;
    if fault != Fault::KeepsCarriageReturns {
        line = line.strip_suffix(b"\r").unwrap_or(line);
    }
    if fault == Fault::CutsAt1024 {
        line = &line[..line.len().min(1024)];
    }
    if line.len() > LINE_BYTES && fault != Fault::NoLimit {
        client.tell("Line Too Long: 4096");
        return Ok(());
    }
    let line = match std::str::from_utf8(line) {
        Ok(line) => line.to_owned(),
        Err(_) if fault == Fault::GarbageEndsTheClient => return Err(Over),
        Err(_) if fault == Fault::GarbageIsReplaced => String::from_utf8_lossy(line).into_owned(),
        Err(_) => {
            client.tell("Invalid UTF-8");
            return Ok(());
        }
    };
    let is_blank = |c: char| match fault {
        Fault::TrimsAllWhiteSpace => c.is_whitespace(),
        _ => matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c'),
    };
    if line.chars().all(is_blank) && fault != Fault::AnswersBlankLines {
        return Ok(());
    }
    let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
    let argument = match fault {
        Fault::KeepsCarriageReturns => argument.trim_matches(|c| c == ' '),
        _ => argument.trim_matches(is_blank),
    };
    let joined = argument.split_whitespace().collect::<Vec<_>>().join(" ");
    let argument = if fault == Fault::JoinsWords { &joined } else { argument };
    let is_control = |c: char| protocol::is_control(c);
    let is_checked = !matches!(fault, Fault::ControlsPass | Fault::KeepsCarriageReturns);
    if is_checked && (command.chars().any(is_control) || argument.chars().any(is_control)) {
        client.tell("Control Character");
        return Ok(());
    }
    answer(shared, client, &line, command, argument)
}
