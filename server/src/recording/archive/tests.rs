//! The folder of transcripts: what is read of it, and who may use it.

use super::*;

const TIME: &str = "2026-11-22T10:04:05.123Z";

#[test]
fn a_room_has_its_last_whole_lines() {
    let place = tempfile::tempdir().unwrap();
    let (folder, _lock) = Folder::open(place.path().to_owned()).unwrap();
    let den = RoomName::parse("den").unwrap();
    assert_eq!(folder.earlier(&den, 100).texts(), [""; 0]);
    let line = |text| format!("{TIME} {text}\n");
    let all = ["one", "two", "three"].map(line).concat();
    fs::write(folder.path(&den), format!("{all}{TIME} torn")).unwrap();
    assert_eq!(folder.earlier(&den, 1000).texts(), ["one", "two", "three"]);
    // What begins in the middle of a line begins with the next one.
    let torn = TIME.len() + " torn".len();
    let two = torn + line("two").len() + line("three").len();
    assert_eq!(folder.earlier(&den, two - 1).texts(), ["three"]);
    assert_eq!(folder.earlier(&den, two + 1).texts(), ["two", "three"]);
    assert_eq!(folder.earlier(&den, torn).texts(), [""; 0]);
}

#[test]
fn what_the_server_has_not_written_is_no_line() {
    let place = tempfile::tempdir().unwrap();
    let (folder, _lock) = Folder::open(place.path().to_owned()).unwrap();
    let den = RoomName::parse("den").unwrap();
    let text = format!("\n{TIME}\nyesterday ann: hi\n{TIME} a\x1bb\n{TIME} \n{TIME} ann: hi\n");
    fs::write(folder.path(&den), text).unwrap();
    fs::write(folder.path(&den).with_extension("topic"), "tea\nmore").unwrap();
    let earlier = folder.earlier(&den, 1000);
    assert_eq!(earlier.texts(), ["", "ann: hi"]);
    assert_eq!(earlier.topic, "tea");
    fs::write(folder.path(&den).with_extension("topic"), "a\x07").unwrap();
    assert_eq!(folder.earlier(&den, 0).topic, "");
}

#[test]
fn a_room_is_one_file_however_its_name_is_written() {
    let place = tempfile::tempdir().unwrap();
    for name in ["Den.log", "den.log", "a b.log", ".log", "tea.txt", "cake.topic"] {
        fs::write(place.path().join(name), "").unwrap();
    }
    let (folder, _lock) = Folder::open(place.path().to_owned()).unwrap();
    let path = |name| folder.path(&RoomName::parse(name).unwrap());
    assert_eq!(path("DEN"), place.path().join("Den.log"));
    assert_eq!(path("Tea"), place.path().join("Tea.log"));
    assert_eq!(path("tea"), place.path().join("Tea.log"));
}

#[test]
fn there_are_no_more_rooms_than_may_be() {
    let place = tempfile::tempdir().unwrap();
    for name in ["den", "tea"] {
        fs::write(place.path().join(format!("{name}.log")), "").unwrap();
    }
    let (folder, _lock) = Folder::open(place.path().to_owned()).unwrap();
    let claim = |name| folder.claim(&RoomName::parse(name).unwrap(), 3);
    assert_eq!(
        ["den", "new", "NEW", "newer", "Tea"].map(claim),
        [Claim::Known, Claim::New, Claim::Known, Claim::Refused, Claim::Known]
    );
}

/// As a program has it that another thread is just starting.
#[test]
fn a_folder_that_was_given_up_is_free_though_somebody_has_its_lock_open() {
    let place = tempfile::tempdir().unwrap();
    let (_, lock) = Folder::open(place.path().to_owned()).unwrap();
    let _inherited = lock.file.try_clone().unwrap();
    Folder::open(place.path().to_owned()).unwrap_err();
    drop(lock);
    Folder::open(place.path().to_owned()).unwrap();
}

#[test]
fn a_folder_is_used_by_one_server() {
    let place = tempfile::tempdir().unwrap();
    let (_, mut lock) = Folder::open(place.path().to_owned()).unwrap();
    let error = Folder::open(place.path().to_owned()).unwrap_err().to_string();
    assert!(error.ends_with("another server uses that folder"), "{error}");
    // Made anew, it is still this one's, and may be another one's.
    let path = place.path().join(LOCK);
    fs::remove_file(&path).unwrap();
    lock.hold().unwrap();
    assert!(path.exists());
    lock.hold().unwrap();
    Folder::open(place.path().to_owned()).unwrap_err();
    fs::remove_file(&path).unwrap();
    let other = Folder::open(place.path().to_owned()).unwrap();
    let error = lock.hold().unwrap_err().to_string();
    assert_eq!(error, "another server uses that folder");
    drop(other);
    lock.hold().unwrap();
    let error = why_not_locked(TryLockError::Error(io::ErrorKind::Unsupported.into()));
    let text = "its file .lock cannot be locked: unsupported; take another file system";
    assert_eq!(error.to_string(), text);
    drop(lock);
    Folder::open(place.path().to_owned()).unwrap();
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = Folder::open(place.path().to_owned()).unwrap_err().to_string();
    assert!(error.ends_with("its .lock is no regular file; remove it"), "{error}");
}
