//! What is registered is checked as a whole: over all agents and the bot's own commands.

use super::TABLE;
use crate::agents::{BadFile, file};
use crate::bot::registration::mistakes;

fn found(text: &str) -> Vec<String> {
    let registry = file::parse("x.toml", text).unwrap();
    BadFile::new(registry.file(), mistakes(TABLE, &registry)).lines()
}

/// An agent of nine lines and an empty one; the command is its fifth.
fn agent(id: &str, kind: &str, command: &str) -> String {
    let more = match kind {
        "status" => "\n",
        "verify" => "verifies = \"api\"\nrun_command = \"check\"",
        _ => "workflow = \"a.yml\"\n",
    };
    format!(
        "[[agent]]\nid = \"{id}\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"{command}\"\nkind = \"{kind}\"\n{more}\n\n"
    )
}

fn agents(all: &[(&str, &str, &str)]) -> String {
    all.iter().map(|(id, kind, command)| agent(id, kind, command)).collect()
}

#[test]
fn the_built_in_agents_and_the_own_commands_are_as_discord_takes_them() {
    let registry = file::load(None).unwrap();
    assert_eq!(mistakes(TABLE, &registry), []);
}

#[test]
fn a_command_that_is_given_twice_is_found_at_the_second_place() {
    let text =
        agents(&[("a", "deploy", "ship"), ("b", "status", "status"), ("c", "workflow", "ship")]);
    assert_eq!(found(&text), ["x.toml:23: command \"ship\" is given twice, first in line 5"]);
}

#[test]
fn each_further_agent_of_kind_status_is_found() {
    let text = agents(&[("a", "status", "runs"), ("b", "status", "more"), ("c", "status", "most")]);
    let line = |line| {
        format!(
            "x.toml:{line}: kind \"status\" is given twice, first in line 6; only one agent can have it, \
             because it comes with the command /status-digest"
        )
    };
    assert_eq!(found(&text), [line(15), line(24)]);
}

#[test]
fn a_command_that_comes_with_another_agent_is_taken() {
    let after = agents(&[("a", "status", "runs"), ("b", "deploy", "status-digest")]);
    assert_eq!(
        found(&after),
        [
            "x.toml:14: command \"status-digest\" makes a second command /status-digest, the first comes from \
             the kind in line 6: choose another name for the agent's"
        ]
    );
    let before = agents(&[("b", "deploy", "status-digest"), ("a", "status", "runs")]);
    assert_eq!(
        found(&before),
        [
            "x.toml:15: kind \"status\" makes a second command /status-digest, the first comes from the \
             command in line 5: choose another name for the agent's"
        ]
    );
}

#[test]
fn a_second_command_of_an_agent_is_taken_too() {
    let text = agents(&[("api", "deploy", "check"), ("b", "verify", "verify")]);
    assert_eq!(found(&text), ["x.toml:17: run_command \"check\" is given twice, first in line 5"]);
}

#[test]
fn an_agent_cannot_have_one_command_twice() {
    let text = agents(&[("api", "deploy", "ship"), ("b", "verify", "check")]);
    assert_eq!(found(&text), ["x.toml:17: run_command \"check\" is given twice, first in line 14"]);
    let [mistake] = found(&agents(&[("a", "status", "status-digest")])).try_into().unwrap();
    let expected = "x.toml:6: kind \"status\" makes a second command /status-digest, the first comes from the \
                    command in line 5";
    assert!(mistake.starts_with(expected), "{mistake}");
}

#[test]
fn the_name_of_a_built_in_command_is_taken() {
    let text = agents(&[("a", "deploy", "ship"), ("b", "deploy", "rollback")]);
    let expected =
        "x.toml:14: command \"rollback\" is built in, choose another name for the agent's";
    assert_eq!(found(&text), [expected]);
}

#[test]
fn a_hundred_commands_are_the_most() {
    let own = TABLE.iter().filter(|c| matches!(c.serves, crate::bot::Serves::Own { .. })).count();
    let most = |count: usize| -> String {
        let one = |number| agent(&format!("a{number}"), "deploy", &format!("c{number}"));
        (0..count).map(one).collect()
    };
    assert_eq!(found(&most(100 - own)), Vec::<String>::new());
    let line = (100 - own) * 9 + 5;
    let name = format!("c{}", 100 - own);
    assert_eq!(
        found(&most(102 - own)),
        [format!(
            "x.toml:{line}: command \"{name}\" is one command too many: Discord takes at most 100, and {own} are \
             built in"
        )]
    );
}

#[test]
fn a_command_of_too_many_characters_is_found_at_its_longest_input() {
    let choices = |count: usize| -> String {
        (0..count).map(|number| format!("\"{number:0>100}\", ")).collect()
    };
    let input = |name: &str, choices: &str| {
        format!(
            "[[agent.inputs]]\noption = \"{name}\"\ninput = \"{name}\"\nkind = \"string\"\n\
             description = \"x\"\nchoices = [{choices}]\n"
        )
    };
    let text = |first, second| {
        agent("a", "deploy", "ship")
            + &input("stage", &choices(first))
            + &input("zone", &choices(second))
    };
    assert_eq!(found(&text(18, 20)), Vec::<String>::new());
    let [mistake] = found(&text(20, 21)).try_into().unwrap();
    assert!(mistake.starts_with("x.toml:21: option \"zone\": /ship has 8"), "{mistake}");
    assert!(
        mistake.ends_with("Discord takes at most 8000. This option has most of them; shorten it"),
        "{mistake}"
    );
}
