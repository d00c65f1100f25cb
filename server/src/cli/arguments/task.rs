//! What the program does beside serving, and how it is asked for.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use protocol::UserName;

/// What the program does beside serving.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Make a line for the file of --operators from a password, asked for or read from stdin
    #[command(after_help = "Exit codes: 0 made, 1 not made, 2 wrong usage.")]
    HashPassword {
        /// The operator's name; without it, only the hash is printed
        #[arg(value_parser = name)]
        name: Option<UserName>,
    },
    /// Make secrets for names, and the lines for the file of --users
    ///
    /// The lines come on stdout. The sheet to hand out has a name and a secret a line.
    #[command(after_help = "Exit codes: 0 made, 1 not made, 2 wrong usage.")]
    MakeUsers {
        /// The names; without any, those of stdin, one a line
        #[arg(value_parser = name)]
        names: Vec<UserName>,

        /// Write the sheet into this new file; without it, it comes on stderr
        #[arg(long, value_name = "FILE")]
        sheet: Option<PathBuf>,
    },
    /// Make a certificate that vouches for itself, and its key, and print its pin
    #[command(after_help = "Exit codes: 0 made, 1 not made, 2 wrong usage.")]
    Certificate {
        /// Names and addresses by which clients know the server
        #[arg(required = true)]
        names: Vec<String>,

        /// Put certificate.pem and key.pem here
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        out: PathBuf,
    },
    /// Say what is wrong with a file of --config, and in which line
    #[command(after_help = "Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.")]
    CheckConfig {
        /// The file
        file: PathBuf,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

fn name(text: &str) -> Result<UserName, String> {
    UserName::parse(text).map_err(|error| format!("this cannot be a name: {error}"))
}
