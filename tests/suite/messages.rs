//! Every message that a user can see, as snapshots: each scenario once without and once with a wait,
//! with every state that the message went through.

use deckhand::discord::InteractionId;
use standins::discord::{EventKind, User};
use standins::github::{Fault, On, Scenario};

use crate::world::World;

/// Everything that happened in the channel, with the ids that differ from run to run named: first the answer
/// with its edits, then each message that followed. The last edit and the outcome are sent at the same time.
async fn story(world: &World, text: &str) -> String {
    let interaction = world.interaction("ada", text);
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let mut lines = vec![format!("ada types {text}")];
    let mut followed = Vec::new();
    for event in world.discord.conversation() {
        if event.interaction_id != interaction.id {
            continue;
        }
        match event.kind {
            EventKind::UserTyped { .. } => {}
            EventKind::Thinking { .. } => lines.push("── thinking…".to_owned()),
            EventKind::Posted { message, ephemeral, follow_up, .. } => {
                let kind = if follow_up { "follow-up" } else { "answer" };
                let who = if ephemeral { ", only for ada" } else { "" };
                let pings = message.pings.len();
                let lines = if follow_up { &mut followed } else { &mut lines };
                lines.push(format!("── {kind}{who}, notifies {pings}\n{}", message.content));
            }
            EventKind::Edited { message, .. } => {
                let lines = if message.follow_up { &mut followed } else { &mut lines };
                lines.push(format!("── edited\n{}", message.content))
            }
            other => lines.push(format!("── {other:?}")),
        }
    }
    lines.extend(followed);
    assert!(answer.accepted(), "{answer:?}");
    let mut text = lines.join("\n");
    for dispatch in world.dispatches() {
        text = text.replace(&dispatch.run_id.to_string(), "RUN-ID");
    }
    let id = InteractionId(interaction.id.parse().unwrap()).correlation_id().to_string();
    let text = text.replace(&id, "CORRELATION-ID");
    text.replace(&world.github.url(), "GITHUB").replace(&User::named("ada").id, "ADA")
}

#[tokio::test(start_paused = true)]
async fn every_scenarios_messages() {
    for (name, shows) in Scenario::names() {
        let mut told = Vec::new();
        for text in ["/deploy-client", "/deploy-client wait:true"] {
            let world = World::named(name).await;
            told.push(story(&world, text).await);
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_description(*shows);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("scenario-{name}"), told.join("\n\n")));
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_of_a_refused_dispatch() {
    let faults = [
        Fault::status(401, "Bad credentials"),
        Fault::forbidden(),
        Fault::status(404, "Not Found"),
        Fault::status(422, "No ref found for: main"),
        Fault::status(422, "Unexpected inputs provided: [\"VITE_API_BASE\"]"),
        Fault::status(422, "Workflow does not have 'workflow_dispatch' trigger"),
        Fault::status(422, "**Evil** @everyone [x](https://evil.test) `code`"),
        Fault::too_many(std::time::Duration::from_secs(3600)),
    ];
    let mut told = Vec::new();
    for fault in faults {
        let faults = vec![fault.on(On::Dispatch).always()];
        let world = World::with(Scenario { faults, ..Scenario::default() }).await;
        told.push(story(&world, "/deploy-client").await);
    }
    insta::assert_snapshot!("refused-dispatches", told.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn every_refused_commands_message() {
    let world = World::new().await;
    let mut told = Vec::new();
    for text in [
        "/deploy-client api_base:http://api.example.com",
        "/deploy-client api_base:https://169.254.169.254/latest",
        "/deploy-client ref:feature/x",
        "/deploy-client ref:`@everyone`",
        "/agents",
    ] {
        told.push(story(&world, text).await);
    }
    insta::assert_snapshot!("refused-commands", told.join("\n\n"));
}
