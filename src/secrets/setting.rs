//! A setting for a secret: the value itself, or the SSM parameter that holds it.

use super::credential::SecretSource;
use super::mistake::Mistake;
use super::parameter::Parameter;
use super::secret::Secret;
use crate::config::{Reader, Setting};

/// The two settings of one secret.
pub struct SecretSetting {
    /// The secret itself.
    pub value: Setting,
    /// Names the SSM parameter that holds it. It overrides `value`.
    pub parameter: Setting,
    /// Parses the secret from either source, or says what is stored there instead.
    pub parse: fn(&str) -> Result<Secret, Mistake>,
}

impl SecretSetting {
    /// Whether one of the two settings is set.
    pub fn is_set(&self, reader: &Reader<'_>) -> bool {
        reader.value(&self.parameter).or_else(|| reader.value(&self.value)).is_some()
    }

    /// The source of the secret; `None` if it is not set.
    pub fn read(&self, reader: &mut Reader<'_>) -> Option<SecretSource> {
        if reader.value(&self.parameter).is_none() {
            return reader.checked(&self.value, self.parse).map(SecretSource::Given);
        }
        let name = reader.aws_name(&self.parameter)?;
        Some(SecretSource::Parameter(Parameter {
            setting: self.parameter.name,
            name,
            parse: self.parse,
        }))
    }

    /// Reads a required secret; `how` says how to get one.
    pub fn required(&self, reader: &mut Reader<'_>, how: &'static str) -> Option<SecretSource> {
        if !self.is_set(reader) {
            reader.missing(&self.value, how);
        }
        self.read(reader)
    }
}
