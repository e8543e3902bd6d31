//! What was meant by a mistyped line.

use serde_json::Value;
use standins::github::Scenario;

use super::input::{WORDS, is_user};

/// The line that was probably meant, if one is near.
pub(super) fn meant(line: &str, commands: &Value) -> Option<String> {
    let line = line.trim();
    let (before, text) = match line.split_once(':') {
        Some((user, text)) if is_user(user) && text.trim_start().starts_with('/') => {
            (format!("{user}: "), text.trim_start())
        }
        _ => (String::new(), line),
    };
    let meant = match text.strip_prefix('/') {
        Some(text) => command(text, commands)?,
        None => word(text, commands)?,
    };
    let meant = before + &meant;
    (meant != line).then_some(meant)
}

fn command(text: &str, commands: &Value) -> Option<String> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let found = nearest(name, names(commands))?;
    let command = commands.as_array()?.iter().find(|command| command["name"] == found)?;
    let mut meant = format!("/{found}");
    for part in rest.split_whitespace() {
        meant.push(' ');
        match part.split_once(':') {
            Some((option, value)) => {
                let option = nearest(option, names(&command["options"])).unwrap_or(option);
                meant.push_str(&format!("{option}:{value}"));
            }
            None => meant.push_str(part),
        }
    }
    Some(meant)
}

fn word(text: &str, commands: &Value) -> Option<String> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some(word) = nearest(first, WORDS.into_iter()) {
        let rest = if word == "scenario" {
            nearest(rest, Scenario::names().iter().map(|(name, _)| *name)).unwrap_or(rest)
        } else {
            rest
        };
        return Some(format!("{word} {rest}").trim_end().to_owned());
    }
    // The slash was forgotten.
    command(text, commands)
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str())
}

/// The name that differs least, if it differs in no more than every third letter.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let most = (typed.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::damerau_levenshtein(&typed, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_line_is_guessed() {
        let commands = json!([
            {"name": "deploy-client", "options": [{"name": "wait"}, {"name": "ref"}]},
            {"name": "agents"},
        ]);
        for (typed, expected) in [
            ("/deploi-client wait:true", Some("/deploy-client wait:true")),
            ("/deploy-client waitt:true ref:main", Some("/deploy-client wait:true ref:main")),
            ("grace: /agentss", Some("grace: /agents")),
            ("deploy-client wait:true", Some("/deploy-client wait:true")),
            ("scenarioo failurre", Some("scenario failure")),
            ("helpp", Some("help")),
            ("/agents", None),
            ("/nothing-like-it", None),
            ("tell me a story", None),
        ] {
            assert_eq!(meant(typed, &commands).as_deref(), expected, "{typed}");
        }
    }
}
