//! What a typed line becomes: words that are commands, text that is said, and what is secret.

use super::*;

fn read(line: &str) -> Input {
    Input::read(line, Vocabulary::default())
}

#[test]
fn where_there_are_fewer_commands_nothing_knows_the_others() {
    let few = Vocabulary::of(&[Command::Say, Command::Look, Command::Help]);
    let unknown = |word: &str, meant| Input::Unknown(word.to_owned(), meant);
    for (line, expected) in [
        ("/look", Input::Send("look".to_owned())),
        ("/names", Input::Send("look".to_owned())),
        ("/rooms", unknown("rooms", None)),
        ("/list", unknown("rooms", None)),
        ("/roms", unknown("roms", None)),
        ("/r hi", unknown("r", None)),
        ("/op pass word", unknown("op", None)),
        ("/nick al pass word", unknown("rename", None)),
        ("/quit", Input::Quit),
        ("/help", Input::Help(None)),
        ("hi", Input::Send("say hi".to_owned())),
    ] {
        assert_eq!(Input::read(line, few), expected, "{line:?}");
    }
    assert_eq!(few.explained(Some("rooms")), []);
    assert_eq!((few.usage("me"), few.usage("look")), (None, Some("look")));
    let words: Vec<_> = few.words().take(3).collect();
    assert_eq!(words, ["say", "look", "help"]);
}

#[test]
fn a_password_is_never_said() {
    for line in ["/op pass word", " /op pass word", "/OP  pass word ", "\t/Op\tpass word"] {
        assert_eq!(read(line), Input::Send("op pass word".to_owned()), "{line:?}");
    }
    for line in ["/rename al  pass word", " /NICK\tal\tpass word "] {
        let expected = Input::Send("rename al pass word".to_owned());
        assert_eq!(read(line), expected, "{line:?}");
        assert_eq!(without_secret(&as_typed("rename al x")), "/rename al");
    }
    assert_eq!(read("/login al x"), Input::Unknown("login".to_owned(), None));
    for line in ["/op", " /op "] {
        assert_eq!(read(line), Input::Incomplete("op [NAME] PASSWORD"), "{line:?}");
    }
}

#[test]
fn passwords_are_secret() {
    for (line, expected) in [
        ("/op x", true),
        (" /OP\tx", true),
        ("/opera", false),
        ("op x", false),
        ("/rename al", false),
        (" /Rename al x", true),
        ("/nick al\tx", true),
        ("/login al x", true),
        ("/msg al x", false),
        ("", false),
    ] {
        assert_eq!(is_secret(line), expected, "{line:?}");
    }
}

#[test]
fn what_is_typed_is_said_unless_it_is_a_command() {
    let send = |line: &str| Input::Send(line.to_owned());
    let unknown = |word: &str, meant| Input::Unknown(word.to_owned(), meant);
    for (line, expected) in [
        ("", Input::Nothing),
        ("  ", Input::Nothing),
        ("hi", send("say hi")),
        ("say hi", send("say say hi")),
        ("//look", send("say /look")),
        ("/look", send("look")),
        ("/msg bo  hi", send("msg bo  hi")),
        ("/quit", Input::Quit),
        ("/logout", Input::Quit),
        ("/resend", Input::Resend),
        ("/grep two words ", Input::Grep("two words".to_owned())),
        ("/grep ", Input::Incomplete("grep TEXT")),
        ("/reconnect", Input::Reconnect),
        ("/help", Input::Help(None)),
        ("/help me", Input::Help(Some("me".to_owned()))),
        ("/help /me", Input::Help(Some("me".to_owned()))),
        ("/msg", Input::Incomplete("msg NAME TEXT")),
        ("/msg bo ", Input::Incomplete("msg NAME TEXT")),
        ("/me  ", Input::Incomplete("me TEXT")),
        ("/kick bo", send("kick bo")),
        ("/topic", send("topic")),
        ("/lokk", unknown("lokk", Some("look"))),
        ("/jion main", unknown("jion", Some("join"))),
        ("/qiut", unknown("qiut", Some("quit"))),
        ("/m bo  secret", Input::Send("msg bo  secret".to_owned())),
        ("/m secret", Input::Incomplete("msg NAME TEXT")),
        ("/nick cy", Input::Send("rename cy".to_owned())),
        ("/names", Input::Send("look".to_owned())),
        ("/who", Input::Send("who".to_owned())),
        ("/part", Input::Send("join main".to_owned())),
        ("/part den", Input::Send("join main".to_owned())),
        ("/q", Input::Quit),
        ("/h me", Input::Help(Some("me".to_owned()))),
        ("/r  hi", Input::Reply(" hi".to_owned())),
        ("/r ", Input::Incomplete("r TEXT")),
        ("/quiet", Input::Quiet),
        ("/clear", Input::Clear),
        ("/ignore bo", Input::Ignore(Some("bo".to_owned()))),
        ("/ignore", Input::Ignore(None)),
        ("/kcik cy", unknown("kcik", None)),
        ("/em secret", unknown("em", None)),
        ("/away", unknown("away", None)),
        ("/since", unknown("since", None)),
        ("/login x", unknown("login", Some("join"))),
        ("/xyzzy", unknown("xyzzy", None)),
        ("/", unknown("", None)),
    ] {
        let typed = read(line);
        assert_eq!(typed, expected, "{line:?}");
        match typed {
            Input::Send(request) if !is_alias(line) => assert_eq!(as_typed(&request), line),
            _ => {}
        }
    }
}

fn is_alias(line: &str) -> bool {
    ALIASES.iter().any(|(alias, _)| line.split(' ').next() == Some(&format!("/{alias}")))
}

#[test]
fn an_alias_hides_no_command_and_leads_to_one() {
    let all = Vocabulary::default();
    for (alias, meant) in ALIASES {
        assert!(!all.words().any(|word| word == *alias), "{alias}");
        assert!(all.words().any(|word| meant.split(' ').next() == Some(word)), "{meant}");
    }
}

#[test]
fn every_word_that_can_be_typed_is_explained() {
    let all = Vocabulary::default();
    for word in all.words().filter(|word| *word != "help") {
        let explained = all.explained(Some(word));
        assert!(explained[0].0.starts_with(&format!("/{word}")) && explained.len() == 1);
    }
    assert_eq!(all.explained(None).len(), all.words().count() - 1);
    assert_eq!(all.explained(Some("xyzzy")), []);
}
