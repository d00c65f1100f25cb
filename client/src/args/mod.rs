//! The command line. Nothing here connects or reads a terminal; [`documents`] prints what is made of it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`chat`] | the whole: the options of the chat, and the subcommands |
//! | [`server`], [`tls`], [`limits`], [`appearance`] | options that several of them share |
//! | [`secret`] | the password of a name |
//! | [`script`], [`act`], [`lan`] | the options of the subcommands |
//! | `variable` | what of them stands in the environment too |
//! | [`examples`] | examples of each command |
//! | [`settings`] | the same with what the user's own file says |
//! | [`documents`] | help, completions, the manual page |

pub mod act;
pub mod appearance;
pub mod chat;
pub mod documents;
pub mod examples;
pub mod lan;
pub mod limits;
pub mod script;
pub mod secret;
pub mod server;
pub mod settings;
pub mod tls;
mod variable;
