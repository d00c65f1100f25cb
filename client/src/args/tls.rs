//! `--tls`, `--ca` and `--pin`: whether to speak TLS, and whom to trust then.

use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::FalseyValueParser;

use crate::exit::{Exit, Failure};
use crate::trust::{Pin, Trust};

/// Whether to speak TLS, and whom to trust then.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Connect with TLS; the server must be one that this machine's authorities vouch for
    #[arg(long, env = "CHAT_TLS", value_parser = FalseyValueParser::new(), hide_env_values = true)]
    pub tls: bool,

    /// Trust the authorities in this file, in PEM, instead of this machine's
    #[arg(long, env = "CHAT_CA", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<PathBuf>,

    /// Trust this certificate alone, whoever vouches for it; servers print it at their start
    #[arg(long, env = "CHAT_PIN", value_name = "SHA256", value_hint = ValueHint::Other)]
    #[arg(conflicts_with = "ca")]
    pub pin: Option<Pin>,
}

impl TlsArgs {
    /// Whom to trust. `None` is plain TCP.
    ///
    /// # Errors
    ///
    /// When somebody is to be trusted and TLS is not asked for: nothing may go over the network in
    /// the open by mistake.
    pub fn trust(&self) -> Result<Option<Trust>, Failure> {
        let trust = match (self.pin, &self.ca) {
            (Some(pin), _) => Trust::Pin(pin),
            (None, Some(file)) => Trust::Authority(file.clone()),
            (None, None) => Trust::System,
        };
        match (self.tls, trust) {
            (true, trust) => Ok(Some(trust)),
            (false, Trust::System) => Ok(None),
            (false, _) => {
                let reason = "--ca and --pin are for TLS; give --tls, or set CHAT_TLS=1";
                Err(Failure::new(Exit::Usage, reason))
            }
        }
    }

    /// The variables that say the same to another program.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 3] {
        let ca = self.ca.as_ref().map(|file| file.display().to_string());
        let tls = if self.tls { "1" } else { "" };
        [
            ("CHAT_TLS", tls.to_owned()),
            ("CHAT_CA", ca.unwrap_or_default()),
            ("CHAT_PIN", self.pin.map(|pin| pin.to_string()).unwrap_or_default()),
        ]
    }
}
