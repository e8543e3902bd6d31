//! `agents.toml` as it is written, with the place of each value, before it is checked.

use serde::Deserialize;
use toml::Spanned;

use super::input::RawInput;
use super::verification::{RawCheck, RawStep};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(rename = "agent")]
    pub(super) agents: Vec<RawAgent>,
    #[serde(rename = "watch", default)]
    pub(super) watches: Vec<RawWatch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAgent {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) description: Spanned<String>,
    pub(super) command: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) workflow: Option<Spanned<String>>,
    pub(super) repository: Option<Spanned<String>>,
    #[serde(rename = "ref")]
    pub(super) default_ref: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) allowed_refs: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) inputs: Vec<RawInput>,
    pub(super) reported: Option<Spanned<bool>>,
    pub(super) environment: Option<Spanned<String>>,
    pub(super) sha_input: Option<Spanned<String>>,
    pub(super) verifies: Option<Spanned<String>>,
    pub(super) run_command: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) steps: Vec<RawStep>,
    #[serde(default)]
    pub(super) checks: Vec<Spanned<RawCheck>>,
    pub(super) allowed_users: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) allowed_roles: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWatch {
    pub(super) repository: Option<Spanned<String>>,
    pub(super) workflows: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) branches: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) events: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) only: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) channel: Spanned<RawId>,
    pub(super) ping: Option<Spanned<RawId>>,
}

/// An id of Discord's. It fits into TOML's numbers, too.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawId {
    Text(String),
    Number(u64),
}
