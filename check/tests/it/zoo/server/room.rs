//! What the requests do, and what the others see of it.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::{Client, End, Over, Shared};
use crate::zoo::Fault;

pub fn answer(
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
            others.iter().for_each(|other| other.write_in_two(&line));
        }
        Fault::SendsUnderTheLock => room.iter().for_each(|other| drop(other.write(&line))),
        Fault::DeadPeerEndsTheSpeaker => {
            for other in &*room {
                other.write(&line).map_err(|_| Over)?;
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

pub fn leave(shared: &Shared, client: &Arc<Client>, end: &End) {
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
