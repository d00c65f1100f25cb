//! A small server that is right up to level 5, but for the one mistake that it is given.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use protocol::limits::{LINE_BYTES, UNTERMINATED_BYTES};

use super::fault::Fault;

/// Lines that wait for one client at most. Who is further behind misses the rest.
const QUEUE: usize = 4000;

/// A running server.
pub struct ZooServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    fault: Fault,
    is_stopped: AtomicBool,
    /// Those who have logged in, in order of entry.
    room: Mutex<Vec<Arc<Client>>>,
    /// All who have connected.
    everyone: Mutex<Vec<Weak<Client>>>,
    said: Mutex<Vec<String>>,
    one_at_a_time: Mutex<()>,
}

struct Client {
    stream: TcpStream,
    name: Mutex<String>,
    queue: SyncSender<Option<String>>,
}

impl ZooServer {
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            fault,
            is_stopped: AtomicBool::new(false),
            room: Mutex::default(),
            everyone: Mutex::default(),
            said: Mutex::default(),
            one_at_a_time: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            let mut threads = Vec::new();
            for stream in listener.incoming() {
                if accepting.is_stopped.load(Ordering::Acquire) {
                    break;
                }
                let (stream, shared) = (stream.unwrap(), Arc::clone(&accepting));
                threads.push(thread::spawn(move || serve(&shared, stream)));
            }
            for thread in threads {
                thread.join().unwrap();
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }
}

impl Drop for ZooServer {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let everyone = self.shared.everyone.lock();
        for client in everyone.iter().filter_map(Weak::upgrade) {
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        drop(everyone);
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

/// How a client went.
#[derive(PartialEq)]
enum End {
    Logout,
    Closed,
    Reset,
    Refused,
}

fn serve(shared: &Shared, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let (queue, queued) = sync_channel(QUEUE);
    let writing = stream.try_clone().unwrap();
    let fault = shared.fault;
    let name = Mutex::default();
    let client = Arc::new(Client { stream, name, queue });
    shared.everyone.lock().push(Arc::downgrade(&client));
    if shared.is_stopped.load(Ordering::Acquire) {
        return;
    }
    let writer = thread::spawn(move || write(writing, &queued, fault));
    let end = converse(shared, &client);
    leave(shared, &client, &end);
    if fault == Fault::LogoutKeepsTheConnection && end == End::Logout {
        let mut rest = [0; 64];
        while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
    }
    let drops = match fault {
        Fault::DropsWhatIsOwed => end == End::Logout,
        Fault::ClosesAtTheEndOfInput => end == End::Closed,
        _ => false,
    };
    if drops {
        let _ = client.stream.shutdown(Shutdown::Both);
    }
    let _ = client.queue.send(None);
    let _ = writer.join();
    if fault == Fault::ClosesWithUnreadInput {
        return;
    }
    let _ = client.stream.shutdown(Shutdown::Write);
    // Closing with unread input would become a reset, which throws away what was sent.
    let _ = client.stream.set_read_timeout(Some(Duration::from_millis(200)));
    let mut rest = [0; 4096];
    while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
    let _ = client.stream.shutdown(Shutdown::Both);
}

fn write(mut stream: TcpStream, queued: &Receiver<Option<String>>, fault: Fault) {
    while let Ok(Some(line)) = queued.recv() {
        let end = if fault == Fault::RepliesWithoutNewline { "" } else { "\n" };
        if matches!(fault, Fault::DropsWhatIsOwed | Fault::ClosesAtTheEndOfInput) {
            thread::sleep(Duration::from_millis(2));
        }
        if stream.write_all(format!("{line}{end}").as_bytes()).is_err() {
            break;
        }
    }
}

fn converse(shared: &Shared, client: &Arc<Client>) -> End {
    let fault = shared.fault;
    let is_held = fault == Fault::OneClientAtATime;
    let held = is_held.then(|| shared.one_at_a_time.lock());
    match fault {
        Fault::ClosesAtOnce => return End::Refused,
        Fault::NoGreeting | Fault::GreetsAfterLogin => {}
        Fault::GreetingMisspelt => client.tell("Connected Successfully"),
        _ => client.tell("Connect Success"),
    }
    if fault == Fault::Floods {
        let piece = [b'x'; 4096];
        while (&client.stream).write_all(&piece).is_ok() {}
        return End::Refused;
    }
    let _turn = (fault == Fault::WaitsForSilentClients).then(|| shared.one_at_a_time.lock());
    let end = read_lines(shared, client);
    drop(held);
    end
}

fn read_lines(shared: &Shared, client: &Arc<Client>) -> End {
    let fault = shared.fault;
    let at_once = if fault == Fault::ClosesWithUnreadInput { 1024 } else { 64 * 1024 };
    let mut buffer = vec![0; at_once];
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let length = match (&client.stream).read(&mut buffer) {
            Ok(0) => {
                if !kept.is_empty() && fault != Fault::DropsLastWords {
                    let line = std::mem::take(&mut kept);
                    if line_of(shared, client, &line).is_err() {
                        return End::Logout;
                    }
                }
                return End::Closed;
            }
            Ok(length) => length,
            Err(_) => {
                if fault == Fault::HalfALineIsSaid {
                    let _ = line_of(shared, client, &kept);
                }
                return End::Reset;
            }
        };
        let mut input = &buffer[..length];
        let _held =
            (fault == Fault::LongLineStopsTheRoom && !input.contains(&b'\n') && length > 4096)
                .then(|| {
                    let held = shared.room.lock();
                    let mut rest = [0; 4096];
                    while (&client.stream).read(&mut rest).is_ok_and(|length| length > 0) {}
                    held
                });
        if fault == Fault::DecodesEachPacket && std::str::from_utf8(input).is_err() {
            client.tell("Invalid UTF-8");
            continue;
        }
        match fault {
            Fault::ReceivedIsALine => {
                for line in input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    if line_of(shared, client, line).is_err() {
                        return End::Logout;
                    }
                }
                continue;
            }
            Fault::PacketIsALine if input.ends_with(b"\n") => {
                let line: Vec<u8> = input.iter().copied().filter(|byte| *byte != b'\n').collect();
                if line_of(shared, client, &line).is_err() {
                    return End::Logout;
                }
                continue;
            }
            Fault::PacketIsItsFirstLine => {
                let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
                if line_of(shared, client, &input[..end]).is_err() {
                    return End::Logout;
                }
                continue;
            }
            _ => {}
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

/// The client shall be closed.
struct Over;

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

fn answer(
    shared: &Shared,
    client: &Arc<Client>,
    line: &str,
    command: &str,
    argument: &str,
) -> Result<(), Over> {
    let fault = shared.fault;
    let lower = command.to_lowercase();
    let command = if fault == Fault::CommandsInAnyCase { &lower } else { command };
    let is_in = !client.name.lock().is_empty();
    let must_be_empty = match command {
        "look" => fault == Fault::LookTakesNoArgument,
        "logout" => fault == Fault::LogoutTakesNoArgument,
        _ => false,
    };
    let is_known = !must_be_empty || argument.is_empty();
    match command {
        "logout" if is_known && (is_in || fault != Fault::NoLogoutBeforeLogin) => return Err(Over),
        "login" if !is_in || fault == Fault::LoginTwiceAllowed => {
            return login(shared, client, argument);
        }
        "say" if is_in || fault == Fault::SayBeforeLoginAllowed => {
            if !argument.is_empty() || fault != Fault::IgnoresSilentSpeech {
                return say(shared, client, argument);
            }
        }
        "look" if is_in && is_known => look(shared, client),
        _ => match fault {
            Fault::UnknownIsSilent => {}
            Fault::UnknownRepeatsTheLine => client.tell(&format!("Unknown command: {line}")),
            _ => client.tell(&format!("Unknown command: {command}")),
        },
    }
    Ok(())
}

fn login(shared: &Shared, client: &Arc<Client>, name: &str) -> Result<(), Over> {
    let fault = shared.fault;
    let is_same = |other: &str| match fault {
        Fault::TakenNameAllowed => false,
        Fault::NamesDifferByCase => other == name,
        _ => other.eq_ignore_ascii_case(name),
    };
    if name.is_empty() && fault != Fault::EmptyNameAllowed {
        client.tell("UserName Empty");
        return Ok(());
    }
    if name.contains([' ', ':']) {
        client.tell("UserName Invalid: neither spaces nor colons");
        return Ok(());
    }
    let mut room = shared.room.lock();
    let is_taken = room.iter().any(|other| is_same(&other.name.lock()));
    if fault == Fault::LooksUpThenEnters {
        drop(room);
        thread::sleep(Duration::from_millis(5));
        room = shared.room.lock();
    }
    if is_taken {
        client.tell("UserName Exist");
        return if fault == Fault::ClosesAfterARefusal { Err(Over) } else { Ok(()) };
    }
    if fault == Fault::GreetsAfterLogin {
        client.tell("Connect Success");
    }
    client.tell("Login Success");
    if fault != Fault::NobodyEnters {
        tell_all(&room, &format!("{name} has entered the room."));
    }
    if fault == Fault::TellsOldLines {
        shared.said.lock().iter().for_each(|line| client.tell(line));
    }
    name.clone_into(&mut client.name.lock());
    if fault == Fault::SeesItsOwnEntry {
        client.tell(&format!("{name} has entered the room."));
    }
    room.push(Arc::clone(client));
    Ok(())
}

fn say(shared: &Shared, client: &Arc<Client>, text: &str) -> Result<(), Over> {
    let fault = shared.fault;
    let line = format!("{}: {text}", client.name.lock());
    let room = shared.room.lock();
    if fault == Fault::TellsOldLines {
        shared.said.lock().push(line.clone());
    }
    let is_own = |other: &Arc<Client>| Arc::ptr_eq(other, client);
    match fault {
        Fault::NoEcho => {
            room.iter().filter(|other| !is_own(other)).for_each(|other| other.tell(&line));
        }
        Fault::EchoesTwice => {
            client.tell(&line);
            tell_all(&room, &line);
        }
        Fault::TellsOnlyTheSpeaker => client.tell(&line),
        Fault::TellsThoseBeforeLogin => {
            let everyone = shared.everyone.lock();
            everyone.iter().filter_map(Weak::upgrade).for_each(|other| other.tell(&line));
        }
        Fault::NoOrder => {
            let others = room.clone();
            drop(room);
            // Each thread begins with its own client, so two of them pass each other.
            client.tell(&line);
            thread::yield_now();
            others.iter().filter(|other| !is_own(other)).for_each(|other| other.tell(&line));
        }
        Fault::TwoWritesALine => {
            let others = room.clone();
            drop(room);
            for other in others {
                let (start, end) = line.as_bytes().split_at(line.len() / 2);
                let _ = (&other.stream).write_all(start);
                thread::yield_now();
                let _ = (&other.stream).write_all(&[end, b"\n"].concat());
            }
        }
        Fault::SendsUnderTheLock => {
            for other in &*room {
                let _ = (&other.stream).write_all(format!("{line}\n").as_bytes());
            }
        }
        Fault::DeadPeerEndsTheSpeaker => {
            for other in &*room {
                let sent = (&other.stream).write_all(format!("{line}\n").as_bytes());
                sent.map_err(|_| Over)?;
            }
        }
        _ => tell_all(&room, &line),
    }
    Ok(())
}

fn look(shared: &Shared, client: &Arc<Client>) {
    let fault = shared.fault;
    let room = shared.room.lock();
    let mut names: Vec<String> = room.iter().map(|other| other.name.lock().clone()).collect();
    match fault {
        Fault::SortsTheList => names.sort(),
        Fault::ListsTheLatestFirst => names.reverse(),
        Fault::ListsOthersOnly => names.retain(|name| *name != *client.name.lock()),
        _ => {}
    }
    let list = format!("Online Users:\n{}", names.join("\n"));
    match fault {
        Fault::ListsForEverybody => tell_all(&room, &list),
        Fault::ListOvertakes => {
            let client = Arc::clone(client);
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(5));
                client.tell(&list);
            });
        }
        _ => client.tell(&list),
    }
}

fn leave(shared: &Shared, client: &Arc<Client>, end: &End) {
    let fault = shared.fault;
    let name = client.name.lock().clone();
    let mut room = shared.room.lock();
    let keeps = match fault {
        Fault::NameLostAfterReset | Fault::DeadPeerEndsTheSpeaker => *end == End::Reset,
        Fault::NameLostAfterClosing => *end == End::Closed,
        Fault::NameLostAfterLogout => *end == End::Logout,
        _ => false,
    };
    let gone = format!("{name} has left the room.");
    if keeps {
        tell_all(&room, &gone);
        return;
    }
    let before = room.len();
    room.retain(|other| !Arc::ptr_eq(other, client));
    let was_in = room.len() < before;
    if (was_in || fault == Fault::LeavesBeforeLogin) && fault != Fault::NobodyLeaves {
        tell_all(&room, &gone);
        if fault == Fault::LeavesTwice {
            tell_all(&room, &gone);
        }
    }
}

fn tell_all(room: &[Arc<Client>], line: &str) {
    room.iter().for_each(|other| other.tell(line));
}

impl Client {
    fn tell(&self, line: &str) {
        // Who is so far behind misses this line.
        let _ = self.queue.try_send(Some(line.to_owned()));
    }
}
