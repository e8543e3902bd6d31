//! The `[[agent]]`s of `agents.toml`: each is an entry point of the bot.

use super::checks::verification;
use super::input::at;
use super::keys::{CHECK, INPUT, STEP};
use super::registry::{Agent, Kind, Lines};
use super::rule::Rule;
use super::table::{COMMAND_NAME, Table, is_command_name};
use super::workflow::workflow;

const KINDS: [&str; 5] = ["deploy", "diagnose", "status", "verify", "workflow"];

/// The keys of agents that dispatch a workflow.
const OF_WORKFLOWS: [&str; 9] = [
    "workflow",
    "repository",
    "ref",
    "allowed_refs",
    "inputs",
    "fixed",
    "wait",
    "reported",
    "environment",
];

/// The keys of agents that verify a deploy.
const OF_VERIFIERS: [&str; 4] = ["verifies", "run_command", "steps", "checks"];

/// Checks one agent.
pub(super) fn agent(table: &Table<'_>) -> Option<Agent> {
    let id = table.needed("id").and_then(|text| {
        text.checked("1 to 32 lowercase letters, digits and _", |s| {
            is_command_name(s) && !s.contains('-')
        })
    });
    let name = table.needed("name").and_then(|text| text.within(50));
    let description = table.needed("description").and_then(|text| text.within(100));
    let command = table.needed("command").and_then(|text| {
        if let Some(bare) = text.value.strip_prefix('/').filter(|bare| is_command_name(bare)) {
            text.is_wrong(format_args!("goes without the slash: command = {bare:?}"));
            return None;
        }
        text.checked(COMMAND_NAME, is_command_name)
    });
    let everyone = "to let everyone in the servers use the agent";
    let rule = Rule {
        users: table.ids("allowed_users", everyone),
        roles: table.ids("allowed_roles", everyone),
    };
    let kind = kind(table);
    Some(Agent {
        id: id?,
        name: name?,
        description: description?,
        command: command?,
        rule,
        kind: kind?,
        lines: lines(table),
    })
}

fn kind(table: &Table<'_>) -> Option<Kind> {
    let Some(word) = table.needed("kind").and_then(|text| text.one_of(&KINDS)) else {
        // Their mistakes are told all the same.
        table.tables("inputs", &INPUT).iter().for_each(|table| drop(super::input::input(table)));
        return None;
    };
    if word != "verify" {
        without(table, word, &OF_VERIFIERS);
    }
    if let "status" | "verify" = word {
        without(table, word, &OF_WORKFLOWS);
        without(table, word, &["sha_input"]);
    }
    match word {
        "deploy" => workflow(table, word).map(Kind::Deploy),
        "diagnose" => workflow(table, word).map(Kind::Diagnose),
        "workflow" => workflow(table, word).map(Kind::Workflow),
        "verify" => verification(table).map(Kind::Verify),
        _ => Some(Kind::Status),
    }
}

/// Notes keys without an effect: they are a mistake.
fn without(table: &Table<'_>, kind: &str, keys: &[&'static str]) {
    for key in keys {
        if let Some(at) = table.key_at(key) {
            table.faults.add(at, format!("an agent of kind {kind:?} takes no {key}"));
            // Their own mistakes do not matter, but for keys that belong elsewhere.
            match *key {
                "inputs" => drop(table.tables(key, &INPUT)),
                "steps" => drop(table.tables(key, &STEP)),
                "checks" => drop(table.tables(key, &CHECK)),
                _ => {}
            }
        }
    }
}

fn lines(table: &Table<'_>) -> Lines {
    let inputs = table.tables("inputs", &INPUT);
    Lines {
        description: table.line("description"),
        command: table.line("command"),
        kind: table.line("kind"),
        run_command: table.line("run_command"),
        inputs: inputs.iter().map(|input| table.faults.line(at(input))).collect(),
    }
}
