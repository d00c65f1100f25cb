//! The table of commands: names, scopes and secrets.

use super::*;

#[test]
fn a_usage_begins_with_the_name_and_no_name_stands_twice() {
    for command in Command::ALL {
        let Spec { name, usage, .. } = command.spec();
        assert_eq!(usage.split(' ').next(), Some(*name));
        assert_eq!(Command::find(name), Some(*command));
    }
    assert_eq!(Command::find("LOGIN"), None);
}

#[test]
fn a_scope_says_where_a_command_is_known() {
    use Place::{ChatRoom, LoginRoom, Watching};

    let known = |scope: Scope, has_all: bool| {
        let known_at =
            |place| scope.allows(Context { place, has_operators: has_all, has_watchers: has_all });
        [LoginRoom, Watching, ChatRoom].map(known_at)
    };
    for (scope, expected) in [
        (Scope::Login, [true, false, false]),
        (Scope::Read, [false, true, true]),
        (Scope::Chat, [false, false, true]),
        (Scope::Any, [true; 3]),
    ] {
        assert_eq!(known(scope, false), expected);
        assert_eq!(known(scope, true), expected);
    }
    for (scope, expected) in [
        (Scope::Watch, [true, true, false]),
        (Scope::Moderated, [false, false, true]),
        (Scope::Operators, [false, false, true]),
    ] {
        assert_eq!(known(scope, false), [false; 3]);
        assert_eq!(known(scope, true), expected);
    }
}

#[test]
fn a_secret_is_one_however_its_command_is_written() {
    assert_eq!(Command::find_secret(b"oP"), Some(Command::Operator));
    assert_eq!(Command::find_secret(b"Login"), Some(Command::Login));
    assert_eq!(Command::find_secret(b"say"), None);
    assert_eq!(Command::find_secret(b"opera"), None);
}
