//! The setting for the shared table.

use crate::config::{Reader, Setting};

pub(crate) const TABLE_NAME: Setting = Setting {
    name: "TABLE_NAME",
    about: "the DynamoDB table that all processes share, by name or ARN. What one process has done no other does again.",
    default: "required on Lambda; with `serve` the process remembers for itself",
    shape: "it must be the name or ARN of a DynamoDB table",
};

/// How to create the table.
pub(crate) const HOW_TO_GET_A_TABLE: &str =
    "on Lambda a DynamoDB table is required; the template makes one and sets it";

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&TABLE_NAME];

/// Reads the table's name.
pub(crate) fn table(reader: &mut Reader<'_>) -> Option<String> {
    reader.aws_name(&TABLE_NAME)
}
