//! Reads settings from the environment: typed, with every problem reported at once and no value shown.
//!
//! Each module declares the settings that it owns as [`Setting`]s and reads them with a [`Reader`];
//! `docs/settings.md` is made from the same declarations.

use std::time::Duration;

use url::Url;

/// The declaration of a setting. A [`Reader`] reads nothing else.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What it is for, in Markdown, for `docs/settings.md`.
    pub about: &'static str,
    /// What holds without it, in Markdown.
    pub default: &'static str,
    /// What it must look like, to follow "it is not valid: ".
    pub shape: &'static str,
}

/// What is wrong with one setting. It names the setting and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not set, or empty. With how to get a value.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// Set to something that it cannot be. With what it must look like.
    #[error("{0} is not valid: {1}")]
    Invalid(&'static str, &'static str),
}

impl Problem {
    /// The setting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(name, _) | Self::Invalid(name, _) => name,
        }
    }
}

/// Gives a variable's value, if it is set.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads settings and collects what is wrong with them.
pub struct Reader<'a> {
    env: Env<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads from this environment.
    pub fn new(env: Env<'a>) -> Self {
        Self { env, problems: Vec::new() }
    }

    /// What was wrong, in the order of reading.
    pub fn problems(self) -> Vec<Problem> {
        self.problems
    }

    /// A variable's value without surrounding white space. Empty counts as not set, because that is what
    /// a template's unset parameter gives.
    pub fn value(&self, setting: &Setting) -> Option<String> {
        let value = (self.env)(setting.name)?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// Notes that a setting is not set; `how` says how to get a value.
    pub fn missing(&mut self, setting: &Setting, how: &'static str) {
        self.problems.push(Problem::Missing(setting.name, how));
    }

    /// A setting that must be there; `how` says how to get a value.
    pub fn required<T>(
        &mut self,
        setting: &Setting,
        how: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if self.value(setting).is_none() {
            self.missing(setting, how);
        }
        self.optional(setting, parse)
    }

    /// A setting that may be left out.
    pub fn optional<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(&self.value(setting)?);
        if parsed.is_none() {
            self.problems.push(Problem::Invalid(setting.name, setting.shape));
        }
        parsed
    }

    /// Values separated by commas; none if it is not set.
    pub fn list<T>(&mut self, setting: &Setting, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let entries = |text: &str| {
            text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(&parse).collect()
        };
        self.optional(setting, entries).unwrap_or_default()
    }

    /// True or false; false if it is not set.
    pub fn boolean(&mut self, setting: &Setting) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        };
        self.optional(setting, parse).unwrap_or_default()
    }

    /// Seconds between two limits, fractions included.
    pub fn seconds(
        &mut self,
        setting: &Setting,
        [min, max]: [f64; 2],
        default: Duration,
    ) -> Duration {
        let parse = |text: &str| text.parse().ok().filter(|s| (min..=max).contains(s));
        self.optional(setting, parse).map_or(default, Duration::from_secs_f64)
    }

    /// An id of Discord's.
    pub fn id(&mut self, setting: &Setting) -> Option<u64> {
        self.optional(setting, |text| text.parse().ok())
    }

    /// The name or ARN of something on AWS, which takes a build with AWS.
    pub fn aws_name(&mut self, setting: &Setting) -> Option<String> {
        let name = self.value(setting)?;
        if !cfg!(feature = "aws") {
            self.problems.push(Problem::Invalid(setting.name, NO_AWS));
            return None;
        }
        self.optional(setting, |_| is_aws_name(&name).then(|| name.clone()))
    }

    /// The base URL of an API, without a trailing slash.
    pub fn api_base(&mut self, setting: &Setting, default: &str) -> String {
        let parse = |text: &str| {
            let url = Url::parse(text).ok()?;
            let usable = matches!(url.scheme(), "https" | "http")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            usable.then(|| url.as_str().trim_end_matches('/').to_owned())
        };
        self.optional(setting, parse).unwrap_or_else(|| default.to_owned())
    }
}

/// What is wrong with a setting that names something on AWS, in a build without it.
const NO_AWS: &str = "this build has no AWS support: build with the feature `aws`";

/// Whether this can be the name of something on AWS, or its ARN.
fn is_aws_name(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/:".contains(&b))
}
