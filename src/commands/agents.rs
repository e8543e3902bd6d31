//! `/agents`: lists the agents and their commands.

use std::future::ready;

use crate::agents::{Agent, Registry};
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
            "**{name}** ({id}) — {commands}: {description}",
            name = escape::plain(&agent.name, 50),
            id = escape::code(&agent.id, 32),
            commands = commands(table, registry, agent),
            description = escape::plain(&agent.description, 100),
        )
    }));
    Message::private(&lines.join("\n"))
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
