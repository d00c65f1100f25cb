//! `--tls`, `--ca` and `--pin`: whether to speak TLS, and whom to trust then.

use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::FalseyValueParser;

use super::variable::given;
use crate::exit::{Exit, Failure};
use crate::trust::Trust;

/// Of these options in the help. Given to each of them, for that of a struct holds for whatever follows it.
const HEADING: &str = "TLS";

/// Whether to speak TLS, and whom to trust then.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// Connect with TLS; the server must be one that this machine's authorities vouch for
    #[arg(long, env = "CHAT_TLS", value_parser = FalseyValueParser::new(), hide_env_values = true)]
    #[arg(help_heading = HEADING)]
    pub tls: bool,

    /// Trust the authorities in this file, in PEM, instead of this machine's
    #[arg(long, env = "CHAT_CA", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = HEADING)]
    pub ca: Option<String>,

    /// Trust this certificate alone, whoever vouches for it; servers print it at their start
    #[arg(long, env = "CHAT_PIN", value_name = "SHA256", value_hint = ValueHint::Other)]
    #[arg(help_heading = HEADING)]
    pub pin: Option<String>,
}

impl TlsArgs {
    /// Whom to trust. `None` is plain TCP.
    ///
    /// # Errors
    ///
    /// When two of them are to be trusted, or one and TLS is not asked for: nothing may go over the
    /// network in the open by mistake.
    pub fn trust(&self) -> Result<Option<Trust>, Failure> {
        let wrong = |reason: &str| Failure::new(Exit::Usage, reason);
        let trust = match (given(self.pin.as_deref()), given(self.ca.as_deref())) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "--ca and --pin cannot be used together, nor CHAT_CA and CHAT_PIN",
                ));
            }
            (Some(pin), None) => Trust::Pin(pin.parse().map_err(wrong)?),
            (None, Some(file)) => Trust::Authority(PathBuf::from(file)),
            (None, None) => Trust::System,
        };
        match (self.tls, trust) {
            (true, trust) => Ok(Some(trust)),
            (false, Trust::System) => Ok(None),
            (false, _) => Err(wrong("--ca and --pin are for TLS; give --tls, or set CHAT_TLS=1")),
        }
    }

    /// The variables that say the same to another program.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 3] {
        let tls = if self.tls { "1" } else { "" };
        [
            ("CHAT_TLS", tls.to_owned()),
            ("CHAT_CA", self.ca.clone().unwrap_or_default()),
            ("CHAT_PIN", self.pin.clone().unwrap_or_default()),
        ]
    }
}
