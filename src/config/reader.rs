//! How one setting is read: what it must look like, and what is said when it does not.

use std::time::Duration;

use url::Url;

use super::Problem;

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
