//! The mode for terminals: a prompt, with the chat above it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`interactive`] | the mode, from the login to the farewell |
//! | [`typing`] | what a line that was typed leads to |
//! | [`login_dialog`] | asking for server and name |
//! | [`face`] | what the two kinds of terminal have in common |
//! | [`plain`] | lines, for a terminal that cannot move its cursor |
//! | [`editor`] | a prompt that is edited |
//! | [`helper`], [`completion`], [`usage`] | what is offered while it is edited |
//! | [`keys`] | what a key means before the editor sees it |
//! | [`layout`] | which rows and columns it takes |
//! | [`terminal`] | the terminal's modes and signals |

pub mod completion;
pub mod editor;
pub mod face;
pub mod helper;
pub mod interactive;
pub mod keys;
pub mod layout;
pub mod login_dialog;
pub mod plain;
pub mod terminal;
pub mod typing;
pub mod usage;
