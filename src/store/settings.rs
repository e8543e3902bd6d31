//! Where is remembered what outlives a process.

use std::path::PathBuf;

use crate::config::{Reader, Setting};

pub(crate) const TABLE_NAME: Setting = Setting {
    name: "TABLE_NAME",
    about: "the DynamoDB table that all processes share, by name or ARN. What one process has done no other does again.",
    default: "required on Lambda; `serve` has its `DATA_FILE`",
    shape: "it must be the name or ARN of a DynamoDB table",
};

pub(crate) const DATA_FILE: Setting = Setting {
    name: "DATA_FILE",
    about: "the file in which `serve` remembers what must outlive it, if there is no `TABLE_NAME`. One process writes to it.",
    default: "`deckhand.redb`",
    shape: "it must be the path of a file",
};

const DEFAULT_FILE: &str = "deckhand.redb";

/// How to create the table.
pub(crate) const HOW_TO_GET_A_TABLE: &str =
    "on Lambda a DynamoDB table is required; the template makes one and sets it";

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&TABLE_NAME, &DATA_FILE];

/// `TABLE_NAME`, `DATA_FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The DynamoDB table that all processes share. It goes before the file.
    pub table: Option<String>,
    /// The file of `serve`.
    pub file: PathBuf,
}

impl Settings {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let table = reader.aws_name(&TABLE_NAME);
        let file = reader.value(&DATA_FILE).unwrap_or_else(|| DEFAULT_FILE.to_owned()).into();
        Self { table, file }
    }
}
