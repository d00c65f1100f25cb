//! Names that are allowed, names that are not, and names that are one.

use super::*;

#[track_caller]
fn check_name(text: &str, expected: Result<(), &str>) {
    let answer = UserName::parse(text).map(drop).map_err(|error| error.to_string());
    assert_eq!(answer, expected.map_err(str::to_owned), "{text:?}");
}

#[test]
fn names_from_everywhere_are_allowed() {
    for name in [
        "alice",
        "Bob_2",
        "7of9",
        "a",
        "jean-luc.p",
        "Zoé",
        "Ærø",
        "Çelik",
        "Nguyễn",
        "王小明",
        "李雷Tom",
        "さくら",
        "김철수",
        "محمد",
        "אברהם",
        "अनिता",
        "हिन्दी",
        "Ольга",
        "Γιώργος",
        "สมชาย",
        "தமிழ்",
        "Łukasz",
        "ñandú",
    ] {
        check_name(name, Ok(()));
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    for (name, why) in [
        ("", "it is empty"),
        ("al ice", "a space is not allowed"),
        ("a:b", ": is not allowed"),
        ("o'neil", "' is not allowed"),
        ("a/b", "/ is not allowed"),
        ("tab\there", "U+0009 is not allowed"),
        ("bell\u{7}", "U+0007 is not allowed"),
        ("-rf", "it must not start with -"),
        (".hidden", "it must not start with ."),
        ("..", "it must not start with ."),
        ("_x", "it must not start with _"),
        ("\u{301}a", "it must not start with U+0301"),
        ("Server", "reserved"),
        ("TOPIC", "reserved"),
    ] {
        check_name(name, Err(why));
    }
    check_name(&"x".repeat(NAME_CHARACTERS), Ok(()));
    check_name(&"王".repeat(NAME_CHARACTERS), Ok(()));
    check_name(&"x".repeat(NAME_CHARACTERS + 1), Err("longer than 32 characters"));
}

#[test]
fn forgeries_are_refused() {
    for (name, why) in [
        ("b\u{43e}b", "it mixes scripts"),
        ("p\u{430}ypal", "it mixes scripts"),
        ("αdmin", "it mixes scripts"),
        ("a\u{200b}b", "U+200B is not allowed"),
        ("a\u{200d}b", "U+200D is not allowed"),
        ("a\u{feff}", "U+FEFF is not allowed"),
        ("\u{202e}ecila", "U+202E is not allowed"),
        ("\u{2066}a", "U+2066 is not allowed"),
        ("ａlice", "U+FF41 is not allowed"),
        ("ﬁsh", "U+FB01 is not allowed"),
        ("a\u{3164}", "U+3164 is not allowed"),
        ("a\u{301}\u{301}", "too many marks on one letter"),
        ("a\u{300}\u{301}\u{302}\u{303}\u{304}", "too many marks on one letter"),
        ("🙂", "U+1F642 is not allowed"),
    ] {
        check_name(name, Err(why));
    }
}

#[test]
fn nobody_is_called_like_a_part_of_the_server() {
    for name in [
        "Klcked",
        "toplc",
        "p0ng",
        "SERVER",
        "s\u{435}rver",
        "ADMlN",
        "adrnin",
        "Root",
        "r00t",
        "0perator",
        "system",
    ] {
        let answer = UserName::parse(name).unwrap_err();
        assert!(matches!(answer, NameError::Reserved | NameError::MixedScripts), "{name}");
    }
    assert_eq!(RoomName::parse("P0NG"), Err(NameError::Reserved));
    assert!(RoomName::parse("operator").is_ok());
}

#[test]
fn nobody_is_called_like_an_address() {
    for name in [
        "10.0.0.1",
        "127.0.0.300",
        "127.0.0.001",
        "192.168.1",
        "10.",
        "lO.0.0.I",
        "0x7f000006",
        "0X7F.1",
        "0x7f.0.0.06",
    ] {
        check_name(name, Err("it reads as an address"));
    }
    for name in [
        "7of9",
        "42",
        "0x",
        "0xen",
        "0x7f.x",
        "017700000006",
        "v1.2",
        "jean.luc",
        "1.2.3.x",
        "a.b.c.d",
    ] {
        check_name(name, Ok(()));
    }
    assert!(RoomName::parse("2026.1").is_ok());
}

#[test]
fn letters_that_come_in_parts_are_put_together() {
    for (parts, whole) in [("\u{1100}\u{1175}\u{11b7}", "\u{ae40}"), ("cafe\u{301}", "caf\u{e9}")] {
        assert_eq!(UserName::parse(parts).unwrap().as_str(), whole);
        assert_eq!(RoomName::parse(parts).unwrap().as_str(), whole);
    }
    check_name(&"\u{1100}\u{1175}\u{11b7}".repeat(NAME_CHARACTERS), Ok(()));
}

#[test]
fn names_that_look_the_same_are_the_same() {
    let hash = |name: &UserName| {
        let mut hasher = std::hash::DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish()
    };
    for (one, other) in [("alice", "aIice"), ("BOB", "B0B"), ("сор", "COP")] {
        let [one, other] = [one, other].map(|name| UserName::parse(name).unwrap());
        assert_eq!(one, other);
        assert_eq!(hash(&one), hash(&other));
    }
    for name in ["MAIN", "maln", "rnain"] {
        assert_eq!(RoomName::main(), RoomName::parse(name).unwrap(), "{name}");
    }
    check_name("\u{39d}\u{3a5}", Err("it looks like a name in other letters"));
}
