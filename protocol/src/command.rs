//! The table of commands: what there is to ask for, in one place. Parsing, `help`, completion, the
//! trace and the documentation all read it, so they cannot differ.
//!
//! It is long because a table in two places would be two tables. It knows nothing of requests. What a command's argument means stands in
//! [`request`](crate::request).

/// Where a command is known. Elsewhere it is an unknown command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Before login.
    Login,
    /// In the login room, and to those who watch a room, on a server that has watchers.
    Watch,
    /// In a chat room, and to those who watch one.
    Read,
    /// In a chat room.
    Chat,
    /// Everywhere.
    Any,
    /// In a chat room of a server that has operators.
    Moderated,
    /// The same. All users know the command, and only operators may use it.
    Operators,
}

/// How far a client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is in the login room.
    LoginRoom,
    /// It reads a chat room without a name.
    Watching,
    /// It is a user in a chat room.
    ChatRoom,
}

/// Where a client is when it gives a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// How far the client has come.
    pub place: Place,
    /// Whether the server was given operators.
    pub has_operators: bool,
    /// Whether the server lets people read without a name.
    pub has_watchers: bool,
}

impl Scope {
    /// Whether a client that is there knows a command of this scope.
    #[must_use]
    pub fn allows(self, context: Context) -> bool {
        let Context { place, has_operators, has_watchers } = context;
        match self {
            Scope::Login => place == Place::LoginRoom,
            Scope::Watch => place != Place::ChatRoom && has_watchers,
            Scope::Read => place != Place::LoginRoom,
            Scope::Chat => place == Place::ChatRoom,
            Scope::Any => true,
            Scope::Moderated | Scope::Operators => place == Place::ChatRoom && has_operators,
        }
    }
}

/// One row of the table: all that can be said of a command without carrying it out.
#[derive(Debug)]
pub struct Spec {
    /// The word that a request starts with.
    pub name: &'static str,
    /// The name and what follows it, in the usual notation: `history [N]`.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
    /// Where it is known.
    pub scope: Scope,
    /// What of the argument is a password.
    pub secret: Secret,
}

/// Which part of an argument is a password. No log, no screen and no history may keep that part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// None of it.
    Nothing,
    /// Whatever follows its first word.
    AfterName,
    /// All of it.
    All,
}

/// Makes the enum, the list of its variants and the rows from one table. A command that is added
/// to the table can then be missing nowhere.
macro_rules! commands {
    ($($(#[$documentation:meta])* $command:ident: $spec:expr;)*) => {
        /// A command, without its argument.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $($(#[$documentation])* $command,)*
        }

        impl Command {
            /// Every command, in the order in which `help` shows them.
            pub const ALL: &'static [Command] = &[$(Command::$command,)*];

            /// The command's row of the table.
            #[must_use]
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Command::$command => &$spec,)*
                }
            }
        }
    };
}

commands! {
    /// Enter the chat under a name.
    Login: Spec {
        name: "login",
        usage: "login NAME [SECRET]",
        help: "enter the chat under this name",
        scope: Scope::Login,
        secret: Secret::AfterName,
    };
    /// Read a room without a name.
    Watch: Spec {
        name: "watch",
        usage: "watch [ROOM]",
        help: "read a room without a name, and without being in it",
        scope: Scope::Watch,
        secret: Secret::Nothing,
    };
    /// Say something to the room.
    Say: Spec {
        name: "say",
        usage: "say TEXT",
        help: "say something to everyone in the room",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// List who is in the room.
    Look: Spec {
        name: "look",
        usage: "look",
        help: "list who is in the room",
        scope: Scope::Read,
        secret: Secret::Nothing,
    };
    /// End the connection.
    Logout: Spec {
        name: "logout",
        usage: "logout",
        help: "leave the chat",
        scope: Scope::Any,
        secret: Secret::Nothing,
    };
    /// Go to another room.
    Join: Spec {
        name: "join",
        usage: "join ROOM",
        help: "go to another room",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// List the rooms.
    Rooms: Spec {
        name: "rooms",
        usage: "rooms",
        help: "list the rooms and how many are in each",
        scope: Scope::Read,
        secret: Secret::Nothing,
    };
    /// Say something to one user.
    Message: Spec {
        name: "msg",
        usage: "msg NAME TEXT",
        help: "say something to one user alone, in whatever room",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// Take no private messages of a user.
    Ignore: Spec {
        name: "ignore",
        usage: "ignore NAME",
        help: "take no private messages of a user",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// Take the private messages of a user again.
    Unignore: Spec {
        name: "unignore",
        usage: "unignore NAME",
        help: "take private messages of that user again",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// Tell the room what the user does.
    Me: Spec {
        name: "me",
        usage: "me TEXT",
        help: "tell the room what you do",
        scope: Scope::Chat,
        secret: Secret::Nothing,
    };
    /// Take another name.
    Rename: Spec {
        name: "rename",
        usage: "rename NAME [SECRET]",
        help: "take another name",
        scope: Scope::Chat,
        secret: Secret::AfterName,
    };
    /// Show or set the topic of the room.
    Topic: Spec {
        name: "topic",
        usage: "topic [TEXT]",
        help: "show or set the topic of the room",
        scope: Scope::Read,
        secret: Secret::Nothing,
    };
    /// Show the last lines of the room.
    History: Spec {
        name: "history",
        usage: "history [N]",
        help: "show the last N lines of the room (20)",
        scope: Scope::Read,
        secret: Secret::Nothing,
    };
    /// Tell the present position in the room, or list the lines after a position.
    Since: Spec {
        name: "since",
        usage: "since [POSITION]",
        help: "show what you were not sent after POSITION, or tell the present one",
        scope: Scope::Read,
        secret: Secret::Nothing,
    };
    /// Become an operator.
    Operator: Spec {
        name: "op",
        usage: "op [NAME] PASSWORD",
        help: "become an operator",
        scope: Scope::Moderated,
        secret: Secret::All,
    };
    /// End the connection of a user.
    Kick: Spec {
        name: "kick",
        usage: "kick NAME [REASON]",
        help: "end the connection of a user",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// Forbid a user to speak.
    Mute: Spec {
        name: "mute",
        usage: "mute NAME MINUTES",
        help: "let a user say nothing for so long; 0 ends it",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// Keep a name or an address out.
    Ban: Spec {
        name: "ban",
        usage: "ban NAME|ADDRESS MINUTES",
        help: "keep a name or an address out for so long; 0 ends it",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// List who is connected.
    Who: Spec {
        name: "who",
        usage: "who",
        help: "list who is connected, from where, and since when",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// List who is kept out.
    Bans: Spec {
        name: "bans",
        usage: "bans",
        help: "list who is kept out, and for how many minutes",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// Tell every room.
    Announce: Spec {
        name: "announce",
        usage: "announce TEXT",
        help: "tell everyone in every room",
        scope: Scope::Operators,
        secret: Secret::Nothing,
    };
    /// Ask for an answer that marks a place in what the server sends.
    Ping: Spec {
        name: "ping",
        usage: "ping [TOKEN]",
        help: "get `pong TOKEN` once all that was owed before is sent",
        scope: Scope::Any,
        secret: Secret::Nothing,
    };
    /// List the commands, or explain one.
    Help: Spec {
        name: "help",
        usage: "help [COMMAND]",
        help: "list the commands, or explain one",
        scope: Scope::Any,
        secret: Secret::Nothing,
    };
}

impl Command {
    /// The command of this exact name.
    #[must_use]
    pub fn find(name: &str) -> Option<Command> {
        Command::ALL.iter().copied().find(|command| command.spec().name == name)
    }

    /// The commands whose argument is a password, or has one in it.
    pub fn secrets() -> impl Iterator<Item = Command> {
        Command::ALL.iter().copied().filter(|command| command.spec().secret != Secret::Nothing)
    }

    /// The command with a secret that `word` names, or was meant to name: in capitals it is no
    /// command, and what follows it is a password all the same.
    #[must_use]
    pub fn find_secret(word: &[u8]) -> Option<Command> {
        Command::secrets().find(|command| word.eq_ignore_ascii_case(command.spec().name.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
