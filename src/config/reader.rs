//! How one setting is read: what it must look like, and what is said when it does not.

use std::time::Duration;

use url::Url;

use super::Problem;
use crate::credential::{Parameter, SecretSource};
use crate::secret::Secret;

/// A secret that a setting gives, or that another setting names the place of.
pub struct SecretSetting {
    /// Gives it.
    pub name: &'static str,
    /// Names the SSM parameter that holds it.
    pub parameter: &'static str,
    /// What it must look like.
    pub shape: &'static str,
    /// Reads it.
    pub parse: fn(&str) -> Option<Secret>,
}

/// Reads variables and collects what is wrong with them.
pub struct Reader<E> {
    pub env: E,
    pub problems: Vec<Problem>,
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    /// A variable's value without surrounding white space; empty counts as not set, because that is
    /// what a template's unset parameter gives.
    pub fn value(&self, name: &'static str) -> Option<String> {
        let value = (self.env)(name)?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    pub fn required<T>(
        &mut self,
        name: &'static str,
        how: &'static str,
        shape: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.value(name) else {
            self.problems.push(Problem::Missing(name, how));
            return None;
        };
        let parsed = parse(&value);
        if parsed.is_none() {
            self.problems.push(Problem::Invalid(name, shape));
        }
        parsed
    }

    /// A secret; its parameter goes before the value itself.
    pub fn secret(&mut self, setting: &SecretSetting) -> Option<SecretSource> {
        let SecretSetting { name, parameter, shape, parse } = *setting;
        if self.value(parameter).is_none() {
            let value = |text: &str| parse(text).map(SecretSource::Given).map(Some);
            return self.optional(name, shape, value, None);
        }
        let name = self.aws_name(parameter, "it must be an SSM parameter's name or ARN")?;
        Some(SecretSource::Parameter(Parameter { setting: parameter, name, shape, parse }))
    }

    /// The name or ARN of something on AWS, which takes a build with AWS.
    pub fn aws_name(&mut self, name: &'static str, shape: &'static str) -> Option<String> {
        let shape = if cfg!(feature = "aws") { shape } else { NO_AWS };
        let usable = |text: &str| cfg!(feature = "aws") && is_aws_name(text);
        self.optional(name, shape, |text| usable(text).then(|| Some(text.to_owned())), None)
    }

    /// A secret that must be there in one of the two ways; `how` says how to get it.
    pub fn required_secret(
        &mut self,
        setting: &SecretSetting,
        how: &'static str,
    ) -> Option<SecretSource> {
        if self.is_set(setting) {
            return self.secret(setting);
        }
        self.problems.push(Problem::Missing(setting.name, how));
        None
    }

    /// Whether the secret is given in one of the two ways.
    pub fn is_set(&self, setting: &SecretSetting) -> bool {
        self.value(setting.parameter).or_else(|| self.value(setting.name)).is_some()
    }

    pub fn optional<T>(
        &mut self,
        name: &'static str,
        shape: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        default: T,
    ) -> T {
        let Some(value) = self.value(name) else {
            return default;
        };
        parse(&value).unwrap_or_else(|| {
            self.problems.push(Problem::Invalid(name, shape));
            default
        })
    }

    pub fn list<T>(
        &mut self,
        name: &'static str,
        shape: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let entries = |text: &str| {
            text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(&parse).collect()
        };
        self.optional(name, shape, entries, Vec::new())
    }

    pub fn seconds(
        &mut self,
        name: &'static str,
        shape: &'static str,
        min: f64,
        max: f64,
        default: f64,
    ) -> Duration {
        let parse = |text: &str| text.parse().ok().filter(|s| (min..=max).contains(s));
        Duration::from_secs_f64(self.optional(name, shape, parse, default))
    }

    pub fn base(&mut self, name: &'static str, default: &str) -> String {
        let parse = |text: &str| {
            let url = Url::parse(text).ok()?;
            let usable = matches!(url.scheme(), "https" | "http")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            usable.then(|| url.as_str().trim_end_matches('/').to_owned())
        };
        self.optional(name, "it must be an http(s) URL", parse, default.to_owned())
    }
}

/// What is wrong with a setting that names something on AWS, in a build without it.
const NO_AWS: &str = "this build has no AWS support: build with the feature `aws`";

/// Whether this can be the name of something on AWS, or its ARN.
fn is_aws_name(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/:".contains(&b))
}
