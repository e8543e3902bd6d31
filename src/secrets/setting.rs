//! A setting that holds a secret, or names the SSM parameter that holds it.

use super::credential::{Parameter, SecretSource};
use super::secret::Secret;
use crate::config::{Reader, Setting};

/// The two settings of one secret.
pub struct SecretSetting {
    /// Gives the secret itself.
    pub value: Setting,
    /// Names the SSM parameter that holds it; goes before the value.
    pub parameter: Setting,
    /// Reads the secret, from wherever it comes.
    pub parse: fn(&str) -> Option<Secret>,
}

impl SecretSetting {
    /// Whether the secret is given in one of the two ways.
    pub fn is_set(&self, reader: &Reader<'_>) -> bool {
        reader.value(&self.parameter).or_else(|| reader.value(&self.value)).is_some()
    }

    /// Where the secret comes from, if it is given.
    pub fn read(&self, reader: &mut Reader<'_>) -> Option<SecretSource> {
        if reader.value(&self.parameter).is_none() {
            return reader.optional(&self.value, self.parse).map(SecretSource::Given);
        }
        let name = reader.aws_name(&self.parameter)?;
        Some(SecretSource::Parameter(Parameter {
            setting: self.parameter.name,
            name,
            shape: self.value.shape,
            parse: self.parse,
        }))
    }

    /// The same for a secret that must be there; `how` says how to get one.
    pub fn required(&self, reader: &mut Reader<'_>, how: &'static str) -> Option<SecretSource> {
        if !self.is_set(reader) {
            reader.missing(&self.value, how);
        }
        self.read(reader)
    }
}
