//! `chat-server make-users`: makes secrets for names, the lines for the file of `--users`, and a sheet
//! to cut up and hand out.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use chat_server::secrets;
use protocol::UserName;

use super::stdio;

/// The longest list of names that is read, in bytes.
const NAMES_BYTES: u64 = 4 * 1024 * 1024;

/// Makes a secret for each of the names, or of those on stdin. The lines for the file go to stdout, the
/// sheet into a new file or to stderr.
pub fn run(names: &[UserName], sheet: Option<&Path>) -> anyhow::Result<()> {
    let names = if names.is_empty() { read_names()? } else { names.to_vec() };
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
        bail!("{name} is there twice, or looks like another of the names");
    }
    let (mut lines, mut secrets) = (String::new(), String::new());
    for name in &names {
        let (secret, hash) = secrets::make().context("cannot make a secret")?;
        lines += &format!("{name}:{hash}\n");
        secrets += &format!("{name} {secret}\n");
    }
    // The sheet first: a name whose secret nobody knows would be of no use.
    match sheet {
        Some(path) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(secrets.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => stdio::stderr()
            .and_then(|mut stderr| stderr.write_all(secrets.as_bytes()))
            .context("cannot write the sheet")?,
    }
    stdio::stdout()
        .and_then(|mut stdout| stdout.write_all(lines.as_bytes()))
        .context("cannot write to stdout")
}

fn read_names() -> anyhow::Result<Vec<UserName>> {
    let mut text = String::new();
    io::stdin()
        .take(NAMES_BYTES)
        .read_to_string(&mut text)
        .context("cannot read the names from stdin")?;
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    let names = lines
        .map(|(number, line)| {
            UserName::parse(line)
                .with_context(|| format!("line {number} of stdin cannot be a name: {line:?}"))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(!names.is_empty(), "there is no name; give some, or one a line on stdin");
    Ok(names)
}
