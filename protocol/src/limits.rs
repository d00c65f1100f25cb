//! The numbers of the contract, each with its unit. The server's flags start from these.

use std::time::Duration;

/// The TCP port when none is named.
pub const PORT: u16 = 6666;

/// Bytes in a request line, without its newline.
pub const LINE_BYTES: usize = 4096;

/// Bytes without a newline after which a client is taken for a program that sends no lines.
pub const UNTERMINATED_BYTES: usize = 64 * 1024;

/// Characters (Unicode scalar values) in the name of a user or a room.
pub const NAME_CHARACTERS: usize = 32;

/// Names that a user can ignore at once.
pub const IGNORED_NAMES: usize = 32;

/// Bytes of a room's most recent lines that the server keeps for slow readers and `history`.
pub const BACKLOG_BYTES: usize = 1024 * 1024;

/// Lines that `history` shows when no number is given.
pub const HISTORY_LINES: usize = 20;

/// Lines that `history` shows at most, whatever number is given.
pub const HISTORY_MOST_LINES: usize = 10_000;

/// How long a stopping server goes on sending what it owes.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Connections at once.
pub const CLIENTS: usize = 10_000;

/// Rooms that a server has at once, or has files of: as many as connections, so that everybody may
/// be in a room alone.
pub const ROOMS: usize = 10_000;

/// How long a connection may stay in the login room.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// Lines that one client may send at once, before its rate counts.
pub const BURST_LINES: u32 = 100;

/// Lines a second that are read of one client in the long run. 0 is no limit.
pub const LINES_PER_SECOND: u32 = 20;

/// How long a client that takes no byte is kept while bytes wait for it.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(60);
