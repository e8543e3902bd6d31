//! What the Discord client does with typed text: it turns it into a command's options, or refuses.

use serde_json::{Map, Value, json};

/// A command with its options, as `data` of an interaction has it.
pub(super) fn data(commands: &[Value], text: &str) -> Result<Value, String> {
    build(commands, words(text)?, None)
}

/// The same for autocomplete: the option whose value holds a `|` has the focus, and required
/// options may still be missing.
pub(super) fn partial(commands: &[Value], text: &str) -> Result<Value, String> {
    const CURSOR: char = '|';
    if text.matches(CURSOR).count() != 1 {
        return Err("there must be one cursor, written as |".into());
    }
    let mut words = words(text)?;
    let mut focused = None;
    for (name, value) in &mut words {
        if let Some(value) = value.as_mut().filter(|value| value.contains(CURSOR)) {
            *value = value.replace(CURSOR, "");
            focused = Some(name.clone());
        }
    }
    build(commands, words, focused.as_deref())
}

/// What a person chose in the form that the client makes of a command.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// The command without its slash, with subcommands after spaces.
    pub command: &'a str,
    /// The options' names, and what was filled in. A value may hold anything: nothing is split.
    pub options: &'a [(String, String)],
    /// The option that is being typed, for suggestions; none: the command is sent.
    pub focused: Option<&'a str>,
}

impl Chosen<'_> {
    /// The command's `data`.
    pub(super) fn data(self, commands: &[Value]) -> Result<Value, String> {
        let names = self.command.split_whitespace().map(|name| (name.to_owned(), None));
        let values = self.options.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
        build(commands, names.chain(values).collect(), self.focused)
    }

    /// The command as a person would type it.
    pub fn text(self) -> String {
        let mut text = format!("/{}", self.command);
        for (name, value) in self.options {
            let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
            text.push_str(&format!(" {name}:{quote}{value}{quote}"));
        }
        text
    }
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    split(text.trim().strip_prefix('/').ok_or("a command begins with a slash")?)
}

fn build(commands: &[Value], words: Vec<Word>, focused: Option<&str>) -> Result<Value, String> {
    let mut words = words.into_iter().peekable();
    let Some((name, None)) = words.next() else {
        return Err("type a command's name first".into());
    };
    let is_it = |command: &&Value| {
        command["name"] == name.as_str() && command["type"].as_u64().unwrap_or(1) == 1
    };
    let command = commands.iter().find(is_it).ok_or_else(|| {
        let known: Vec<&str> = commands.iter().filter_map(|c| c["name"].as_str()).collect();
        format!("there is no command /{name}; there are: {}", known.join(", "))
    })?;

    // Descend into subcommands by the words that carry no value.
    let mut level = command;
    let mut path = Vec::new();
    while let Some((word, None)) = words.peek() {
        let found = options_of(level)
            .iter()
            .find(|option| is_subcommand(option) && option["name"] == word.as_str());
        level = found.ok_or_else(|| no_value(word))?;
        path.push(level);
        words.next();
    }
    if options_of(level).iter().any(is_subcommand) {
        return Err(format!("/{name} needs a subcommand"));
    }
    let mut options = values(level, words, focused)?;
    for subcommand in path.iter().rev() {
        let mut nested = json!({"name": subcommand["name"], "type": subcommand["type"]});
        nested["options"] = Value::Array(options);
        options = vec![nested];
    }
    let mut data = Map::new();
    data.insert("id".into(), command["id"].clone());
    data.insert("name".into(), command["name"].clone());
    data.insert("type".into(), json!(1));
    if !options.is_empty() {
        data.insert("options".into(), Value::Array(options));
    }
    if let Some(guild) = command.get("guild_id") {
        data.insert("guild_id".into(), guild.clone());
    }
    Ok(Value::Object(data))
}

fn no_value(word: &str) -> String {
    format!("{word:?} has no value; write option:value, with quotes around spaces")
}

fn options_of(level: &Value) -> &[Value] {
    level["options"].as_array().map_or(&[], Vec::as_slice)
}

fn is_subcommand(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(1 | 2))
}

type Word = (String, Option<String>);

/// Splits at spaces outside quotes; a word is a name, or a name and a value.
fn split(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix(':') else {
            words.push((name, None));
            rest = rest.trim_start();
            continue;
        };
        let value = match after.strip_prefix('"') {
            Some(quoted) => {
                let end =
                    quoted.find('"').ok_or_else(|| format!("the quote of {name} is not closed"))?;
                rest = &quoted[end + 1..];
                &quoted[..end]
            }
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                rest = &after[end..];
                &after[..end]
            }
        };
        words.push((name, Some(value.to_owned())));
        rest = rest.trim_start();
    }
    Ok(words)
}

fn values(
    level: &Value,
    words: impl Iterator<Item = Word>,
    focused: Option<&str>,
) -> Result<Vec<Value>, String> {
    let mut given: Vec<Value> = Vec::new();
    for (name, text) in words {
        let option = options_of(level)
            .iter()
            .find(|option| option["name"] == name.as_str())
            .ok_or_else(|| format!("there is no option {name}"));
        let Some(text) = text else {
            return Err(no_value(&name));
        };
        let option = option?;
        if given.iter().any(|other| other["name"] == name.as_str()) {
            return Err(format!("the option {name} is given twice"));
        }
        if focused == Some(name.as_str()) {
            if option["autocomplete"] != true {
                return Err(format!("the option {name} offers no suggestions"));
            }
            let kind = &option["type"];
            given.push(json!({"name": name, "type": kind, "value": text, "focused": true}));
            continue;
        }
        let value = value(option, &text).map_err(|why| format!("the option {name} {why}"))?;
        given.push(json!({"name": name, "type": option["type"], "value": value}));
    }
    let missing = options_of(level).iter().find(|option| {
        option["required"] == true && !given.iter().any(|other| other["name"] == option["name"])
    });
    match missing {
        Some(option) if focused.is_none() => {
            Err(format!("the option {} is required", option["name"].as_str().unwrap_or_default()))
        }
        _ => Ok(given),
    }
}

fn value(option: &Value, text: &str) -> Result<Value, String> {
    if let Some(choices) = option["choices"].as_array().filter(|all| !all.is_empty()) {
        let chosen = choices.iter().find(|choice| {
            choice["name"] == text
                || choice["value"] == text
                || serde_json::from_str(text).is_ok_and(|value: Value| choice["value"] == value)
        });
        return chosen
            .map(|choice| choice["value"].clone())
            .ok_or_else(|| format!("does not offer {text:?}"));
    }
    let within = |number: f64, low: &str, high: &str| {
        let low = option[low].as_f64().is_none_or(|low| low <= number);
        let high = option[high].as_f64().is_none_or(|high| number <= high);
        if low && high { Ok(()) } else { Err("is out of its limits".to_owned()) }
    };
    match option["type"].as_u64() {
        Some(3) => {
            within(text.chars().count() as f64, "min_length", "max_length")?;
            if text.is_empty() {
                return Err("is empty".into());
            }
            Ok(json!(text))
        }
        Some(4) => {
            let number: i64 = text.parse().map_err(|_| "needs a whole number")?;
            within(number as f64, "min_value", "max_value")?;
            Ok(json!(number))
        }
        Some(5) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err("is either true or false".into()),
        },
        Some(10) => {
            let number: f64 = text.parse().map_err(|_| "needs a number")?;
            within(number, "min_value", "max_value")?;
            Ok(json!(number))
        }
        Some(6..=9) => {
            let id = text.trim_matches(|c: char| "<@!&#>".contains(c));
            if id.parse::<u64>().is_ok() {
                Ok(json!(id))
            } else {
                Err("needs an id or a mention".into())
            }
        }
        _ => Err("has a type that this stand-in cannot type".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "deploy-client", "options": [
                {"name": "ref", "type": 3, "required": true},
                {"name": "wait", "type": 5},
                {"name": "count", "type": 4, "min_value": 1, "max_value": 5},
                {"name": "ratio", "type": 10},
                {"name": "env", "type": 3, "choices": [{"name": "Production", "value": "prod"}]},
                {"name": "run", "type": 4, "autocomplete": true},
            ]}),
            json!({"id": "2", "name": "set", "options": [
                {"name": "secret", "type": 1, "options": [{"name": "name", "type": 3}]},
            ]}),
        ]
    }

    #[test]
    fn typed_text_becomes_typed_options() {
        let text = "/deploy-client wait:true ref:\"a b:c\" count:3 ratio:0.5 env:Production";
        let data = data(&commands(), text).unwrap();
        assert_eq!(
            data["options"],
            json!([
                {"name": "wait", "type": 5, "value": true},
                {"name": "ref", "type": 3, "value": "a b:c"},
                {"name": "count", "type": 4, "value": 3},
                {"name": "ratio", "type": 10, "value": 0.5},
                {"name": "env", "type": 3, "value": "prod"},
            ])
        );
    }

    #[test]
    fn a_value_may_hold_colons() {
        let data = data(&commands(), "/deploy-client ref:https://x.test/a?b=c:d").unwrap();
        assert_eq!(data["options"][0]["value"], "https://x.test/a?b=c:d");
    }

    #[test]
    fn what_was_chosen_in_a_form_is_not_split() {
        let options = [("ref".to_owned(), "a \"b\" | wait:true".to_owned())];
        let chosen = Chosen { command: "deploy-client", options: &options, focused: None };
        let value = json!([{"name": "ref", "type": 3, "value": "a \"b\" | wait:true"}]);
        assert_eq!(chosen.data(&commands()).unwrap()["options"], value);
        assert_eq!(chosen.text(), "/deploy-client ref:\"a \"b\" | wait:true\"");
        let going =
            Chosen { options: &[("run".into(), "1".into())], focused: Some("run"), ..chosen };
        assert_eq!(going.data(&commands()).unwrap()["options"][0]["focused"], true);
        let nested = Chosen { command: "set secret", options: &[], focused: None };
        assert_eq!(nested.data(&commands()).unwrap()["options"][0]["name"], "secret");
    }

    #[test]
    fn subcommands_nest() {
        let data = data(&commands(), "/set secret name:X").unwrap();
        let option = json!({"name": "name", "type": 3, "value": "X"});
        let nested = json!([{"name": "secret", "type": 1, "options": [option]}]);
        assert_eq!(data["options"], nested);
    }

    #[test]
    fn an_option_that_is_being_typed_has_the_focus_and_is_text() {
        let typed = partial(&commands(), "/deploy-client wait:true run:1|2").unwrap();
        let focused = json!({"name": "run", "type": 4, "value": "12", "focused": true});
        let wait = json!({"name": "wait", "type": 5, "value": true});
        assert_eq!(typed["options"], json!([wait, focused]));
        let empty = partial(&commands(), "/deploy-client run:|").unwrap();
        assert_eq!(empty["options"][0]["value"], "");
        assert!(
            partial(&commands(), "/deploy-client ref:r|").unwrap_err().contains("no suggestions")
        );
        assert!(partial(&commands(), "/deploy-client run:1").unwrap_err().contains("one cursor"));
    }

    #[test]
    fn the_client_refuses_what_does_not_fit() {
        for (text, why) in [
            ("deploy", "a command begins with a slash"),
            ("/", "type a command's name first"),
            ("/nope", "there is no command /nope; there are: deploy-client, set"),
            ("/deploy-client", "the option ref is required"),
            ("/deploy-client ref:a b", "\"b\" has no value"),
            ("/deploy-client ref:a x:1", "there is no option x"),
            ("/deploy-client ref:a ref:b", "the option ref is given twice"),
            ("/deploy-client ref:a wait:yes", "the option wait is either true or false"),
            ("/deploy-client ref:a count:9", "the option count is out of its limits"),
            ("/deploy-client ref:a env:dev", "the option env does not offer \"dev\""),
            ("/deploy-client ref:\"a", "the quote of ref is not closed"),
            ("/set name:x", "/set needs a subcommand"),
        ] {
            let refused = data(&commands(), text).unwrap_err();
            assert!(refused.starts_with(why), "{text}: {refused}");
        }
    }
}
