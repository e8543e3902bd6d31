//! What Discord takes of a command that is registered, so that a mistake shows before the request.
//!
//! <https://docs.discord.com/developers/interactions/application-commands#application-command-object>

use serde_json::Value;

use super::registration::{list, name_of};

/// The most slash commands of an application, in all servers or in one.
pub const MAX_COMMANDS: usize = 100;

/// The most options of a command.
pub const MAX_OPTIONS: usize = 25;

/// The most characters of a command: its name, its description, and those of its options and their choices.
pub const MAX_CHARACTERS: usize = 8_000;

/// The most choices of an option.
pub const MAX_CHOICES: usize = 25;

/// A part of a command that Discord would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What it is about.
    pub part: Part,
    /// Why, after the part's name: "has 101 characters; …".
    pub why: String,
}

/// A part of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Its name.
    Name,
    /// Its description.
    Description,
    /// All its options.
    Options,
    /// One option, by its name.
    Option(String),
    /// Everything together. The name of the option with the most characters, if there is one.
    Whole(Option<String>),
}

/// What Discord would refuse in a command.
pub fn refused(command: &Value) -> Vec<Refused> {
    let options: Vec<&Value> = command.get("options").into_iter().flat_map(list).collect();
    let mut all = Vec::new();
    let mut add = |part, why: Option<String>| all.extend(why.map(|why| Refused { part, why }));
    add(Part::Name, wrong_name(name_of(command)));
    add(Part::Description, wrong_length(text(command, "description")));
    if options.len() > MAX_OPTIONS {
        let why = format!("are {}; Discord takes at most {MAX_OPTIONS}", options.len());
        add(Part::Options, Some(why));
    }
    for option in &options {
        let why = wrong_name(name_of(option))
            .or_else(|| wrong_length(text(option, "description")))
            .or_else(|| wrong_choices(option));
        add(Part::Option(name_of(option).to_owned()), why);
    }
    let characters = characters(command);
    if characters > MAX_CHARACTERS {
        let longest = options.iter().max_by_key(|option| self::characters(option));
        let longest = longest.map(|option| name_of(option).to_owned());
        let why = format!(
            "has {characters} characters with all names, descriptions and choices; Discord takes at most \
             {MAX_CHARACTERS}"
        );
        add(Part::Whole(longest), Some(why));
    }
    all
}

/// The characters that Discord counts: names, descriptions and values, also of options and choices.
pub fn characters(part: &Value) -> usize {
    let own: usize =
        ["name", "description", "value"].iter().map(|key| text(part, key).chars().count()).sum();
    let parts = ["options", "choices"].into_iter().filter_map(|key| part.get(key)).flat_map(list);
    own + parts.map(characters).sum::<usize>()
}

fn text<'a>(part: &'a Value, key: &str) -> &'a str {
    part.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn wrong_name(name: &str) -> Option<String> {
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_'".contains(c);
    let is_name = (1..=32).contains(&name.chars().count()) && name.chars().all(fits);
    (!is_name).then(|| format!("{name:?} must be 1 to 32 lowercase letters, digits, - and _"))
}

fn wrong_length(text: &str) -> Option<String> {
    let length = text.chars().count();
    let wrong = !(1..=100).contains(&length);
    wrong.then(|| format!("has {length} characters; Discord takes 1 to 100"))
}

fn wrong_choices(option: &Value) -> Option<String> {
    let choices: Vec<&Value> = option.get("choices").into_iter().flat_map(list).collect();
    if choices.len() > MAX_CHOICES {
        return Some(format!("has {} choices; Discord takes at most {MAX_CHOICES}", choices.len()));
    }
    choices.into_iter().find_map(|choice| wrong_length(name_of(choice)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    /// A command of 4 + 5 characters, with this changed in it.
    fn command(change: fn(&mut Value)) -> Value {
        let mut command = json!({"type": 1, "name": "ship", "description": "Ships", "options": [
            {"type": 3, "name": "to", "description": "Where", "choices": [{"name": "prod", "value": "p"}]},
        ]});
        change(&mut command);
        command
    }

    #[test]
    fn names_descriptions_and_values_are_counted_in_characters() {
        assert_eq!(characters(&command(|_| {})), 4 + 5 + 2 + 5 + 4 + 1);
        let umlauts = command(|c| c["description"] = json!("äöü😀"));
        assert_eq!(characters(&umlauts), 4 + 4 + 2 + 5 + 4 + 1);
        assert_eq!(refused(&umlauts), []);
    }

    #[rstest]
    #[case::upper_case(|c: &mut Value| c["name"] = json!("Ship"), Part::Name, "\"Ship\" must be 1 to 32")]
    #[case::long_name(|c: &mut Value| c["name"] = json!("x".repeat(33)), Part::Name, "must be 1 to 32")]
    #[case::space(|c: &mut Value| c["name"] = json!("a b"), Part::Name, "must be 1 to 32")]
    #[case::no_description(|c: &mut Value| c["description"] = json!(""), Part::Description, "has 0 characters")]
    #[case::description(|c: &mut Value| c["description"] = json!("ü".repeat(101)), Part::Description, "has 101 characters")]
    #[case::options(|c: &mut Value| c["options"] = json!(vec![json!({"name": "a", "description": "A"}); 26]), Part::Options, "are 26;")]
    #[case::option_name(|c: &mut Value| c["options"][0]["name"] = json!(""), Part::Option(String::new()), "\"\" must be 1 to 32")]
    #[case::choice(|c: &mut Value| c["options"][0]["choices"][0]["name"] = json!("x".repeat(101)), Part::Option("to".to_owned()), "has 101 characters")]
    #[case::choices(|c: &mut Value| c["options"][0]["choices"] = json!(vec![json!({"name": "a", "value": "a"}); 26]), Part::Option("to".to_owned()), "has 26 choices")]
    fn what_is_refused(#[case] change: fn(&mut Value), #[case] part: Part, #[case] why: &str) {
        let [refused] = refused(&command(change)).try_into().unwrap();
        assert_eq!(refused.part, part);
        assert!(refused.why.contains(why), "{}", refused.why);
    }

    /// A command with `characters` in all.
    fn of_length(characters: usize) -> Value {
        let choice =
            |number: usize| json!({"name": format!("{number:0>100}"), "value": "x".repeat(100)});
        let choices: Vec<Value> = (0..20).map(choice).collect();
        let option = |name| json!({"name": name, "description": "x", "choices": choices});
        // 2 + 2 * (2 + 20 * 200)
        let mut command =
            json!({"name": "a", "description": "x", "options": [option("b"), option("c")]});
        let too_many = 8_006 - characters;
        command["options"][0]["choices"][0]["value"] = json!("x".repeat(100 - too_many));
        command
    }

    #[test]
    fn eight_thousand_characters_pass_and_one_more_does_not() {
        assert_eq!(refused(&of_length(8_000)), []);
        let [one] = refused(&of_length(8_001)).try_into().unwrap();
        assert_eq!(one.part, Part::Whole(Some("c".to_owned())));
        assert!(one.why.starts_with("has 8001 characters with all names"), "{}", one.why);
    }
}
