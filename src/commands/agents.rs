//! `/agents`: what this bot can do.

use std::future::ready;

use super::{Command, Plan, Serves};
use crate::agents::{Agent, Registry};
use crate::discord::Message;
use crate::edge::authorize::AccessLevel;
use crate::text::escape;

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "agents",
        description: "Lists what this bot can do: its agents and their commands",
        access: AccessLevel::Agent,
        options: Vec::new,
    },
    start: |call| Box::pin(ready(Ok(Plan::Answer(render(&call.deckhand.registry))))),
    complete: None,
};

fn render(registry: &Registry) -> Message {
    let agents = registry.agents();
    let mut lines = vec![format!("🤖 **{} agents**", agents.len())];
    lines.extend(agents.iter().map(|agent| {
        format!(
            "**{name}** ({id}) — `/{command}`{second}: {description}",
            name = escape::plain(&agent.name, 50),
            id = escape::code(&agent.id, 32),
            command = agent.command,
            second = second(agent),
            description = escape::plain(&agent.description, 100),
        )
    }));
    Message::private(&lines.join("\n"))
}

fn second(agent: &Agent) -> String {
    let second = agent.verification().and_then(|verification| verification.run_command.as_ref());
    second.map(|command| format!(", `/{command}`")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;

    #[test]
    fn the_built_in_agents() {
        insta::assert_snapshot!(render(&file::load(None).unwrap()).content(), @"
        🤖 **4 agents**
        **Deploy verifier** (`deploy_verifier`) — `/verify-latest`, `/verify-run`: Checks that the latest deploy really is live: its run, the frontend and the API
        **Diagnose runner** (`diagnose_runner`) — `/diagnose`: Runs the diagnose workflow against a frontend and an API and shows its checks
        **Status reporter** (`status_reporter`) — `/status`: Shows the last runs of the workflows that this bot dispatches
        **Client deploy** (`deploy_client`) — `/deploy-client`: Deploys the web client through GitHub Actions and reports how the run ended
        ");
    }

    #[test]
    fn a_registry_of_any_size_fits() {
        let agent = |n: usize| {
            format!(
                "[[agent]]\nid = \"a{n}\"\nname = \"{name}\"\ndescription = \"{text}\"\n\
                 command = \"c{n}\"\nkind = \"status\"\n",
                name = "*".repeat(50),
                text = "@everyone ".repeat(10),
            )
        };
        let text: String = (0..60).map(agent).collect();
        let message = render(&file::parse("x.toml", &text).unwrap());
        assert!(message.content().starts_with("🤖 **60 agents**"));
        assert!(message.content().encode_utf16().count() <= 2000);
        assert!(message.content().ends_with("more lines"));
    }
}
