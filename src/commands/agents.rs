//! `/agents`: lists the agents and their commands.

use std::future::ready;

use crate::agents::{Agent, Registry, Watch};
use crate::bot::authorize::AccessLevel;
use crate::bot::command::{Served, served};
use crate::bot::{Command, Plan, Serves};
use crate::discord::Message;
use crate::text::escape;

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "agents",
        description: "Lists what this bot can do: its agents and their commands",
        access: AccessLevel::Agent,
        options: Vec::new,
    },
    needs: &[],
    start: |call| Box::pin(ready(Ok(Plan::Answer(render(call.table, &call.context.registry))))),
    complete: None,
};

fn render(table: &[Command], registry: &Registry) -> Message {
    let agents = registry.agents();
    let mut lines = vec![format!("🤖 **{} agents**", agents.len())];
    lines.extend(agents.iter().map(|agent| {
        format!(
            "**{name}** ({id}) — {commands}: {description}{fixed}",
            name = escape::plain(&agent.name, 50),
            id = escape::code(&agent.id, 32),
            commands = commands(table, registry, agent),
            description = escape::plain(&agent.description, 100),
            fixed = fixed(agent),
        )
    }));
    let watches = registry.watches().len();
    if watches > 0 {
        lines.push(format!("👀 **{watches} {}**", if watches == 1 { "watch" } else { "watches" }));
        lines.extend(registry.watches().iter().map(watched));
    }
    Message::private(&lines.join("\n"))
}

/// The inputs of an agent that have a fixed value.
fn fixed(agent: &Agent) -> String {
    let fixed = agent.workflow().map(|workflow| workflow.fixed.as_slice()).unwrap_or_default();
    let one = |(input, value): &(String, String)| {
        escape::code(&format!("{input}: {}", escape::clipped(value, 40)), 100)
    };
    match fixed.iter().map(one).collect::<Vec<_>>().join(" · ") {
        none if none.is_empty() => none,
        fixed => format!(" (always {fixed})"),
    }
}

/// What a watch shows, and where.
fn watched(watch: &Watch) -> String {
    let names = |names: &[String], all: &str| match names {
        [] => all.to_owned(),
        names => names.iter().map(|name| escape::code(name, 60)).collect::<Vec<_>>().join(", "),
    };
    let branches: Vec<String> = watch.branches.iter().map(|pattern| pattern.0.clone()).collect();
    let repository = watch.repository.as_ref();
    let repository =
        repository.map(|name| format!(" of {}", escape::plain(&name.to_string(), 100)));
    let events = match watch.events.as_slice() {
        [] => String::new(),
        events => format!(", {}", names(events, "")),
    };
    let only = match watch.only.as_slice() {
        [] => String::new(),
        only => format!(", only {}", names(only, "")),
    };
    format!(
        "{}{} on {}{events}{only} → <#{}>",
        names(&watch.workflows, "every workflow"),
        repository.unwrap_or_default(),
        names(&branches, "every branch"),
        watch.channel,
    )
}

/// The agent's commands, its main one first.
fn commands(table: &[Command], registry: &Registry, agent: &Agent) -> String {
    let of_the_agent = |served: &Served<'_>| served.agent.is_some_and(|one| one.id == agent.id);
    let names = served(table, registry).filter(of_the_agent).map(|s| format!("`/{}`", s.name));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::commands::TABLE;

    #[test]
    fn the_built_in_agents() {
        insta::assert_snapshot!(render(TABLE, &file::load(None).unwrap()).content(), @"
        🤖 **4 agents**
        **Deploy verifier** (`deploy_verifier`) — `/verify-latest`, `/verify-run`: Checks that the latest deploy really is live: its run, the frontend and the API
        **Diagnose runner** (`diagnose_runner`) — `/diagnose`: Runs the diagnose workflow against a frontend and an API and shows its checks
        **Status reporter** (`status_reporter`) — `/status`, `/status-digest`: Shows the last runs of the workflows that this bot dispatches
        **Client deploy** (`deploy_client`) — `/deploy-client`: Deploys the web client through GitHub Actions and reports how the run ended
        ");
    }

    #[test]
    fn watches_are_listed() {
        let text = "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"status\"\n\
                    [[watch]]\nchannel = 5\n[[watch]]\nchannel = \"6\"\nrepository = \"octo-org/api\"\n\
                    workflows = [\"ci.yml\", \"cd.yml\"]\nbranches = [\"main\"]\nevents = [\"push\"]\nonly = [\"failure\"]\n";
        insta::assert_snapshot!(render(TABLE, &file::parse("x.toml", text).unwrap()).content(), @"
        🤖 **1 agents**
        **A** (`a`) — `/a`, `/status-digest`: A
        👀 **2 watches**
        every workflow on every branch → <#5>
        `ci.yml`, `cd.yml` of octo-org/api on `main`, `push`, only `failure` → <#6>
        ");
    }

    #[test]
    fn a_large_registry_fits_into_one_message() {
        let agent = |n: usize| {
            format!(
                "[[agent]]\nid = \"a{n}\"\nname = \"{name}\"\ndescription = \"{text}\"\n\
                 command = \"c{n}\"\nkind = \"status\"\n",
                name = "*".repeat(50),
                text = "@everyone ".repeat(10),
            )
        };
        let text: String = (0..60).map(agent).collect();
        let message = render(TABLE, &file::parse("x.toml", &text).unwrap());
        assert!(message.content().starts_with("🤖 **60 agents**"));
        assert!(message.content().encode_utf16().count() <= 2000);
        assert!(message.content().ends_with("more lines"));
    }
}
