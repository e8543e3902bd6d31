//! Reads typed settings from the environment. Reports all problems at once and shows no value.
//!
//! Each module declares its settings as [`Setting`]s and reads them with a [`Reader`]. `docs/settings.md` is
//! generated from the same declarations.

mod base_url;
pub(crate) mod env_file;

use std::time::Duration;

use url::Url;

pub(crate) use base_url::{NOT_IN_A_BASE, is_loopback};
pub(crate) use env_file::{BadEnvFile, EnvFile};

/// The declaration of a setting. A [`Reader`] reads nothing else.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// Its purpose, in Markdown, for `docs/settings.md`.
    pub about: &'static str,
    /// What applies when it is not set, in Markdown.
    pub default: &'static str,
    /// The valid form. Ends the sentence "… is not valid: ".
    pub shape: &'static str,
}

/// A problem with one setting. It names the setting and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not set, or empty. The text says how to get a value.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// Two values stand in each other's place.
    #[error("{0} and {1} are swapped: each has the other's value")]
    Swapped(&'static str, &'static str),
    /// The value is not valid. The text says what form it must have.
    #[error("{0} is not valid: {1}")]
    Invalid(&'static str, &'static str),
}

impl Problem {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(name, _) | Self::Invalid(name, _) | Self::Swapped(name, _) => name,
        }
    }

    /// Whether it is about this setting.
    pub fn is_of(&self, setting: &str) -> bool {
        self.name() == setting || matches!(self, Self::Swapped(_, other) if *other == setting)
    }
}

/// Looks up an environment variable; `None` if it is not set.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads settings and collects the problems.
pub struct Reader<'a> {
    env: Env<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(env: Env<'a>) -> Self {
        Self { env, problems: Vec::new() }
    }

    /// The problems, in the order of reading.
    pub fn problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The trimmed value of a variable. An empty value counts as not set: a template passes an empty text for
    /// a parameter without a value.
    pub fn value(&self, setting: &Setting) -> Option<String> {
        let value = (self.env)(setting.name)?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// Records that two settings have each other's value.
    pub fn swapped(&mut self, one: &Setting, other: &Setting) {
        self.problems.push(Problem::Swapped(one.name, other.name));
    }

    /// Records that a setting is not set; `how` says how to get a value.
    pub fn missing(&mut self, setting: &Setting, how: &'static str) {
        self.problems.push(Problem::Missing(setting.name, how));
    }

    /// A required setting; `how` says how to get a value.
    pub fn required<T>(
        &mut self,
        setting: &Setting,
        how: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.required_checked(setting, how, |text| parse(text).ok_or(setting.shape))
    }

    /// A required setting that is read as [`Self::checked`] does.
    pub fn required_checked<T>(
        &mut self,
        setting: &Setting,
        how: &'static str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        if self.value(setting).is_none() {
            self.missing(setting, how);
        }
        self.checked(setting, parse)
    }

    /// An optional setting.
    pub fn optional<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.checked(setting, |text| parse(text).ok_or(setting.shape))
    }

    /// An optional setting, where `parse` says what a value is instead of what it should be. That may end the
    /// sentence "… is not valid: ", and shows nothing of the value.
    pub fn checked<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = self.value(setting)?;
        let wrong = |what| wrapped(setting.name, &value).unwrap_or(what);
        parse(&value)
            .map_err(|what| self.problems.push(Problem::Invalid(setting.name, wrong(what))))
            .ok()
    }

    /// A comma-separated list; empty if it is not set. A value without an entry is a problem: where an empty
    /// list means "no limit", a stray comma must not lift it.
    pub fn list<T>(&mut self, setting: &Setting, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.optional(setting, |text| entries(text, &parse)).unwrap_or_default()
    }

    /// A boolean; false if it is not set.
    pub fn boolean(&mut self, setting: &Setting) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        };
        self.optional(setting, parse).unwrap_or_default()
    }

    /// A duration in seconds within two limits. Fractions are allowed.
    pub fn seconds(
        &mut self,
        setting: &Setting,
        [min, max]: [f64; 2],
        default: Duration,
    ) -> Duration {
        let parse = |text: &str| text.parse().ok().filter(|s| (min..=max).contains(s));
        self.optional(setting, parse).map_or(default, Duration::from_secs_f64)
    }

    /// A Discord id (snowflake).
    pub fn id(&mut self, setting: &Setting) -> Option<u64> {
        self.optional(setting, id)
    }

    /// The name or ARN of an AWS resource. A problem in a build without AWS support.
    pub fn aws_name(&mut self, setting: &Setting) -> Option<String> {
        let name = self.value(setting)?;
        if !cfg!(feature = "aws") {
            self.problems.push(Problem::Invalid(setting.name, NO_AWS));
            return None;
        }
        self.optional(setting, |_| is_aws_name(&name).then(|| name.clone()))
    }

    /// The base URL of an API, without its trailing slash. `mistake` says what is wrong with a URL that has the right
    /// form.
    pub fn api_base(
        &mut self,
        setting: &Setting,
        default: &str,
        mistake: impl Fn(&Url) -> Option<&'static str>,
    ) -> String {
        let parse = |text: &str| {
            let wrong = Url::parse(text).ok().and_then(|url| mistake(&url));
            wrong.map_or_else(|| base_url::api_base(text).ok_or(setting.shape), Err)
        };
        self.checked(setting, parse).unwrap_or_else(|| default.to_owned())
    }
}

/// What stands around a value that is not valid, as when it was copied with it.
fn wrapped(name: &str, value: &str) -> Option<&'static str> {
    let in_quotes = value.len() > 1
        && ['"', '\'', '`']
            .iter()
            .any(|quote| value.starts_with(*quote) && value.ends_with(*quote));
    let has_name = value.trim_start_matches("export ").strip_prefix(name);
    let has_name = has_name.is_some_and(|rest| rest.trim_start().starts_with('='));
    if in_quotes {
        Some("it is in quotes: leave the quotes out")
    } else if has_name {
        Some("it begins with its own name and an equals sign: leave them out")
    } else {
        None
    }
}

/// The entries of a comma-separated list; `None` if there is none or one cannot be parsed.
pub(crate) fn entries<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let given = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let entries: Vec<T> = given.map(parse).collect::<Option<_>>()?;
    (!entries.is_empty()).then_some(entries)
}

/// A Discord id (snowflake): digits, and not 0.
pub(crate) fn id(text: &str) -> Option<u64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| is_digits && *id > 0)
}

/// The problem with a setting that names an AWS resource, in a build without AWS support.
const NO_AWS: &str = "this build has no AWS support: build with the feature `aws`";

/// Whether this can be the name or ARN of an AWS resource.
fn is_aws_name(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/:".contains(&b))
}
