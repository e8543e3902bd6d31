//! Options of slash commands: declares them to Discord, and parses given values by the same declaration.
//!
//! <https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-option-structure>

use serde_json::{Value, json};

use super::pattern::Pattern;
use crate::discord::interaction::{GivenOption, integer};
use crate::net::url_guard::{AllowedUrl, RefusedUrl, UrlPolicy};
use crate::text::{UserError, escape};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    pub name: String,
    /// 1 to 100 characters.
    pub description: String,
    /// Whether Discord requires a value.
    pub required: bool,
    pub kind: OptionKind,
}

/// An option's type and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// Text. With choices: one of them.
    String {
        /// The allowed values; empty: any text, which the command checks.
        choices: Vec<String>,
    },
    /// Free text that is passed on: one line in which nothing is hidden, within limits.
    Text {
        /// The most characters.
        max_length: u32,
        /// What the whole text must match.
        pattern: Option<Pattern>,
    },
    /// Text with autocomplete suggestions.
    Suggested,
    /// An integer within limits.
    Integer {
        /// Smallest allowed value.
        min: Option<i64>,
        /// Largest allowed value.
        max: Option<i64>,
    },
    Boolean,
    /// A URL that must pass the URL guard.
    Url,
}

/// A value that was checked against its declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    String(String),
    Integer(i64),
    Boolean(bool),
    Url(AllowedUrl),
}

/// The given options, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(Vec<(String, OptionValue)>);

/// Why an option is refused, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedOption {
    /// The command has no such option.
    #[error("this command has no option {name}: its registration is out of date, run `deckhand register` again", name = escape::code(.0, 32))]
    Unknown(String),
    /// A required option is missing.
    #[error("the option `{0}` is required")]
    Missing(String),
    /// A value of the wrong type.
    #[error("the option `{0}` must be {1}")]
    Type(String, &'static str),
    /// Not one of the choices.
    #[error("the option `{0}` must be one of: {choices}", choices = .1.join(", "))]
    Choice(String, Vec<String>),
    /// Too long.
    #[error("the option `{0}` takes at most {1} characters")]
    Length(String, u32),
    /// Line breaks, control characters, characters that hide or reorder others.
    #[error("the option `{0}` takes one line of characters that can be seen")]
    Unseen(String),
    /// Not what the pattern says.
    #[error("the option `{0}` must match the pattern {pattern}", pattern = escape::code(.1, 200))]
    Pattern(String, String),
    /// Outside the limits.
    #[error("the option `{0}` must be {1}")]
    Range(String, String),
    /// Refused by the URL guard.
    #[error("the URL in `{0}` is refused: {1}")]
    Url(String, RefusedUrl),
}

impl From<RefusedOption> for UserError {
    fn from(why: RefusedOption) -> Self {
        Self::new(format!("Nothing was done: {why}."))
    }
}

impl OptionSpec {
    /// The option in Discord's registration format.
    pub fn to_json(&self) -> Value {
        let (kind, more) = match &self.kind {
            OptionKind::String { choices } if choices.is_empty() => (3, json!({})),
            OptionKind::String { choices } => {
                let choice = |c: &String| json!({"name": c, "value": c});
                (3, json!({"choices": choices.iter().map(choice).collect::<Vec<_>>()}))
            }
            OptionKind::Text { max_length, .. } => (3, json!({"max_length": max_length})),
            OptionKind::Suggested => (3, json!({"autocomplete": true})),
            OptionKind::Url => (3, json!({"max_length": 2048})),
            OptionKind::Integer { min, max } => {
                let limits = [("min_value", min), ("max_value", max)];
                let set =
                    limits.into_iter().filter_map(|(key, v)| Some((key.to_owned(), json!((*v)?))));
                (4, Value::Object(set.collect()))
            }
            OptionKind::Boolean => (5, json!({})),
        };
        let mut option = json!({
            "type": kind,
            "name": self.name,
            "description": self.description,
            "required": self.required,
        });
        if let (Some(option), Value::Object(more)) = (option.as_object_mut(), more) {
            option.extend(more);
        }
        option
    }

    fn read(&self, value: &Value, urls: &UrlPolicy) -> Result<OptionValue, RefusedOption> {
        let wrong = |what| RefusedOption::Type(self.name.clone(), what);
        match &self.kind {
            OptionKind::Boolean => {
                value.as_bool().map(OptionValue::Boolean).ok_or_else(|| wrong("true or false"))
            }
            OptionKind::Integer { min, max } => {
                let number = integer(value).ok_or_else(|| wrong("a whole number"))?;
                self.within(number, *min, *max)
            }
            OptionKind::String { choices } => {
                let text = value.as_str().ok_or_else(|| wrong("a text"))?.to_owned();
                if !choices.is_empty() && !choices.contains(&text) {
                    return Err(RefusedOption::Choice(self.name.clone(), choices.clone()));
                }
                Ok(OptionValue::String(text))
            }
            OptionKind::Text { max_length, pattern } => {
                let text = value.as_str().ok_or_else(|| wrong("a text"))?;
                self.free_text(text, *max_length, pattern.as_ref())
            }
            OptionKind::Suggested => {
                let text = value.as_str().ok_or_else(|| wrong("a text"))?;
                Ok(OptionValue::String(text.to_owned()))
            }
            OptionKind::Url => {
                let text = value.as_str().ok_or_else(|| wrong("a URL"))?;
                let refused = |why| RefusedOption::Url(self.name.clone(), why);
                urls.check(text).map(OptionValue::Url).map_err(refused)
            }
        }
    }

    fn free_text(
        &self,
        text: &str,
        max_length: u32,
        pattern: Option<&Pattern>,
    ) -> Result<OptionValue, RefusedOption> {
        let name = || self.name.clone();
        if u32::try_from(text.chars().count()).is_ok_and(|length| length > max_length) {
            return Err(RefusedOption::Length(name(), max_length));
        }
        if text.chars().any(escape::is_unseen) {
            return Err(RefusedOption::Unseen(name()));
        }
        match pattern {
            Some(pattern) if !pattern.matches(text) => {
                Err(RefusedOption::Pattern(name(), pattern.to_string()))
            }
            _ => Ok(OptionValue::String(text.to_owned())),
        }
    }

    fn within(
        &self,
        n: i64,
        min: Option<i64>,
        max: Option<i64>,
    ) -> Result<OptionValue, RefusedOption> {
        if min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max) {
            return Ok(OptionValue::Integer(n));
        }
        let range = match (min, max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("{min} or more"),
            (None, Some(max)) => format!("{max} or less"),
            (None, None) => "a whole number".to_owned(),
        };
        Err(RefusedOption::Range(self.name.clone(), range))
    }
}

impl Options {
    /// Checks the given options against their declarations.
    pub fn read(
        specs: &[OptionSpec],
        given: &[GivenOption],
        urls: &UrlPolicy,
    ) -> Result<Self, RefusedOption> {
        let mut values = Vec::new();
        for option in given {
            let spec = specs.iter().find(|spec| spec.name == option.name);
            let spec = spec.ok_or_else(|| RefusedOption::Unknown(option.name.clone()))?;
            values.push((spec.name.clone(), spec.read(&option.value, urls)?));
        }
        let given = |name: &str| values.iter().any(|(given, _)| given == name);
        match specs.iter().find(|spec| spec.required && !given(&spec.name)) {
            Some(missing) => Err(RefusedOption::Missing(missing.name.clone())),
            None => Ok(Self(values)),
        }
    }

    /// The value of an option; `None` if it was not given.
    pub fn get(&self, name: &str) -> Option<&OptionValue> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// Whether a boolean option is true.
    pub fn is_true(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    /// The value of a boolean option; `None` if it was not given.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(OptionValue::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    /// The text of a string option; `None` if it was not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(OptionValue::String(text)) => Some(text),
            _ => None,
        }
    }
}

impl OptionValue {
    /// The value as a workflow input. GitHub accepts only strings.
    pub fn to_input(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(yes) => yes.to_string(),
            Self::Url(url) => url.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn text(max_length: u32, pattern: Option<&str>) -> OptionKind {
        OptionKind::Text { max_length, pattern: pattern.map(|text| Pattern::new(text).unwrap()) }
    }

    fn specs() -> Vec<OptionSpec> {
        let choices = vec!["staging".to_owned(), "production".to_owned()];
        [
            ("stage", true, OptionKind::String { choices }),
            ("count", false, OptionKind::Integer { min: Some(1), max: Some(3) }),
            ("wait", false, OptionKind::Boolean),
            ("api_base", false, OptionKind::Url),
            ("note", false, text(20, None)),
            ("version", false, text(200, Some("v[0-9]+"))),
        ]
        .map(|(name, required, kind)| OptionSpec {
            name: name.to_owned(),
            description: format!("The {name}"),
            required,
            kind,
        })
        .to_vec()
    }

    fn read(given: Value) -> Result<Options, String> {
        let given: Vec<_> = given
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| GivenOption {
                name: name.clone(),
                value: value.clone(),
                focused: false,
            })
            .collect();
        Options::read(&specs(), &given, &UrlPolicy::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_parsed_by_type_and_become_workflow_inputs() {
        let url = "https://api.example.com";
        let given = json!({"stage": "staging", "count": 2.0, "wait": true, "api_base": url,
            "note": "Grüße, ${{ x }}; 🚀", "version": "v12"});
        let options = read(given).unwrap();
        assert!(options.is_true("wait"));
        assert_eq!(options.text("stage"), Some("staging"));
        let inputs: Vec<_> =
            specs().iter().map(|spec| options.get(&spec.name).unwrap().to_input()).collect();
        assert_eq!(inputs, ["staging", "2", "true", url, "Grüße, ${{ x }}; 🚀", "v12"]);
    }

    #[rstest]
    #[case(json!({}), "the option `stage` is required")]
    #[case(json!({"stage": "moon"}), "the option `stage` must be one of: staging, production")]
    #[case(json!({"stage": 7}), "the option `stage` must be a text")]
    #[case(json!({"stage": "staging", "count": 4}), "the option `count` must be 1 to 3")]
    #[case(json!({"stage": "staging", "count": 1.5}), "the option `count` must be a whole number")]
    #[case(json!({"stage": "staging", "wait": "yes"}), "the option `wait` must be true or false")]
    #[case(
        json!({"stage": "staging", "api_base": "https://10.0.0.1"}),
        "the URL in `api_base` is refused: it points to a private, local or otherwise special address"
    )]
    #[case(
        json!({"stage": "staging", "api_base": "https://api.example.com/?a=b"}),
        "the URL in `api_base` is refused: a base URL has no query (?), no fragment (#) and no &"
    )]
    #[case(
        json!({"stage": "staging", "note": "x".repeat(21)}),
        "the option `note` takes at most 20 characters"
    )]
    #[case(
        json!({"stage": "staging", "version": "v12-beta`x`"}),
        "the option `version` must match the pattern `v[0-9]+`"
    )]
    #[case(json!({"stage": "staging", "note": 7}), "the option `note` must be a text")]
    #[case(
        json!({"`x`": 1}),
        "this command has no option `ˋxˋ`: its registration is out of date, run `deckhand register` again"
    )]
    fn an_invalid_value_is_refused_with_the_reason(#[case] given: Value, #[case] expected: &str) {
        assert_eq!(read(given), Err(expected.to_owned()));
    }

    #[rstest]
    #[case::line_feed("a\nb")]
    #[case::carriage_return("a\r")]
    #[case::tab("a\tb")]
    #[case::null("\0")]
    #[case::escape("\u{1b}[2J")]
    #[case::c1("\u{85}")]
    #[case::line_separator("a\u{2028}b")]
    #[case::right_to_left("a\u{202e}b")]
    #[case::zero_width("a\u{200b}b")]
    #[case::tag("a\u{e0041}")]
    fn a_free_text_hides_nothing(#[case] hidden: &str) {
        let expected = "the option `note` takes one line of characters that can be seen";
        let given = json!({"stage": "staging", "note": hidden});
        assert_eq!(read(given), Err(expected.to_owned()));
        // Nor does a pattern let it through.
        let spec = OptionSpec { kind: text(200, Some("(?s).*")), ..specs().remove(4) };
        assert!(spec.read(&json!(hidden), &UrlPolicy::default()).is_err());
    }

    #[test]
    fn an_option_is_declared_in_discords_format() {
        let shown: Vec<_> = specs().iter().map(OptionSpec::to_json).collect();
        assert_eq!(shown[0]["choices"][1], json!({"name": "production", "value": "production"}));
        let expected = json!({
            "type": 4, "name": "count", "description": "The count", "required": false,
            "min_value": 1, "max_value": 3,
        });
        assert_eq!(shown[1], expected);
        assert_eq!(shown[2]["type"], json!(5));
        assert_eq!((&shown[3]["type"], &shown[3]["max_length"]), (&json!(3), &json!(2048)));
        assert_eq!((&shown[4]["type"], &shown[4]["max_length"]), (&json!(3), &json!(20)));
    }
}
