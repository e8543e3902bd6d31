//! Parses the lines of the prompt, and renders its help texts.

use clap::ValueEnum;
use serde_json::Value;
use standins::github::Scenario;

use crate::world::Webhooks;

/// The words that are no commands of the bot's.
pub(super) const WORDS: [&str; 6] = ["help", "scenario", "scenarios", "push", "webhooks", "quit"];

/// A parsed line.
pub(crate) enum Input<'a> {
    /// An empty line.
    Nothing,
    /// `help`
    Help,
    /// `scenarios`
    Scenarios,
    /// `scenario NAME`
    Scenario(&'a str),
    /// `push BRANCH`
    Push(&'a str),
    /// `webhooks on`
    Webhooks(Webhooks),
    /// `quit`
    Quit,
    /// `/command …`, or `bob: /command …`
    Command {
        /// The user that the line names.
        user: Option<&'a str>,
        /// From the slash on.
        text: &'a str,
    },
    /// `> Cancel`, or `bob: > Cancel`
    Press {
        /// The user that the line names.
        user: Option<&'a str>,
        /// What stands on the button.
        label: &'a str,
    },
}

/// Parses a line. The error says what can be typed instead.
pub(crate) fn read(line: &str) -> Result<Input<'_>, String> {
    let line = line.trim();
    let (user, text) = match line.split_once(':') {
        Some((user, text)) if is_user(user) => (Some(user), text.trim_start()),
        _ => (None, line),
    };
    if text.starts_with('/') {
        return Ok(Input::Command { user, text });
    }
    if let Some(label) = text.strip_prefix('>') {
        return match label.trim() {
            "" => Err("Which button? Type its name after the >, as in > Cancel.".to_owned()),
            label => Ok(Input::Press { user, label }),
        };
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok(Input::Nothing),
        ["help" | "?"] => Ok(Input::Help),
        ["scenarios" | "scenario"] => Ok(Input::Scenarios),
        ["scenario", name] => Ok(Input::Scenario(name)),
        ["push"] => Ok(Input::Push("main")),
        ["push", branch] => Ok(Input::Push(branch)),
        ["webhooks", how] => Webhooks::from_str(how, true)
            .map(Input::Webhooks)
            .map_err(|_| "Webhooks are on, off or lossy.".to_owned()),
        ["quit" | "exit"] => Ok(Input::Quit),
        _ => Err(format!(
            "{line:?} is neither a slash command such as /agents, nor a button such as > Cancel, nor one \
             of: help, scenarios, scenario NAME, push BRANCH, webhooks on|off|lossy, quit."
        )),
    }
}

/// Whether this is a valid user name on Discord.
pub(crate) fn is_user(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
    (2..=32).contains(&name.len()) && name.chars().all(allowed)
}

/// The text before the first prompt.
pub(crate) fn welcome() -> String {
    "This is Deckhand between a stand-in Discord and a stand-in GitHub; nothing leaves this machine.\n\
     Type a slash command such as /deploy-client wait:true, or help. Tab completes. Ctrl-D leaves."
        .to_owned()
}

/// The answer to `scenarios`.
pub(crate) fn scenarios(current: &str) -> String {
    let lines = Scenario::names().iter().map(|(name, what)| {
        let mark = if *name == current { '*' } else { ' ' };
        format!("{mark} {name:18} {what}")
    });
    let lines: Vec<String> = lines.collect();
    format!("{}\nscenario NAME switches.", lines.join("\n"))
}

/// The answer to `help`, with the commands as they are registered.
pub(crate) fn help(commands: &Value) -> String {
    let mut lines = vec!["Commands:".to_owned()];
    for command in items(commands) {
        let name = format!("/{}", text(command, "name"));
        lines.push(format!("  {name:20} {}", text(command, "description")));
        for option in items(&command["options"]) {
            let usage = usage(option);
            lines.push(format!("    {usage:18} {}", text(option, "description")));
        }
    }
    lines.push(
        "Other words:\n\
         \x20 bob: /agents         somebody else types it, also while your deploy runs\n\
         \x20 > Cancel             presses the button Cancel of the newest message that has it (bob: > Cancel)\n\
         \x20 scenario NAME        changes what GitHub does from the next command on\n\
         \x20 scenarios            lists what it can do\n\
         \x20 push BRANCH          somebody pushes: a run that nobody started in Discord, shown by a [[watch]]\n\
         \x20 webhooks on          GitHub tells the bot of runs; also off, or lossy (every third is lost)\n\
         \x20 quit, Ctrl-D         waits for what is under way, then leaves\n\
         \x20 Ctrl-C               cuts short what is under way: the bot then says how things stand\n\
         Keys:\n\
         \x20 Tab                  completes commands, options, values (the bot's own suggestions), buttons, scenarios\n\
         \x20 Up, Ctrl-R           lines that were typed before\n\
         Examples:\n\
         \x20 /deploy-client wait:true ref:release/1.0\n\
         \x20 scenario failure"
            .to_owned(),
    );
    lines.join("\n")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// How an option is typed: `wait:true|false`.
fn usage(option: &Value) -> String {
    let choices: Vec<&str> =
        items(&option["choices"]).iter().map(|choice| text(choice, "name")).collect();
    let value = match option["type"].as_u64() {
        _ if !choices.is_empty() => choices.join("|"),
        Some(4 | 10) => "NUMBER".to_owned(),
        Some(5) => "true|false".to_owned(),
        _ => "TEXT".to_owned(),
    };
    let required = if option["required"] == true { " (required)" } else { "" };
    format!("{}:{value}{required}", text(option, "name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_pressed_by_name() {
        for (typed, by, named) in [
            ("> Cancel", None, "Cancel"),
            (">Re-run failed jobs ", None, "Re-run failed jobs"),
            ("bob: > Open", Some("bob"), "Open"),
        ] {
            match read(typed) {
                Ok(Input::Press { user, label }) => assert_eq!((user, label), (by, named)),
                _ => panic!("{typed}"),
            }
        }
        assert!(read("> ").is_err() && read("Bob: > Cancel").is_err());
        let command = read("bob: /agents");
        assert!(matches!(command, Ok(Input::Command { user: Some("bob"), text: "/agents" })));
    }
}
