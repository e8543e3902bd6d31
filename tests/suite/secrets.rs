//! No secret in any output.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use deckhand::telemetry::logging::{Form, subscriber};
use standins::github::Scenario;
use tracing::Level;

use crate::world::{TOKEN, World};

thread_local! {
    /// What this test's thread has logged since it began to listen. A story runs on one thread.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ToThisThread;

impl io::Write for ToThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.as_mut().map(|logged| logged.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens to the log from here on. The subscriber is the whole process's, because tracing caches for
/// all threads together whether a line is wanted.
pub(crate) fn listen() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = subscriber(Form::Json, Level::TRACE, || ToThisThread);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LOGGED.set(Some(Vec::new()));
}

/// Everything that was logged since [`listen`].
pub(crate) fn logged() -> String {
    let bytes = LOGGED.with_borrow(Clone::clone).expect("listen() came first");
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_token_is_ever_shown() {
    let (mut has_log, mut has_summary) = (false, false);
    for (name, _) in Scenario::names() {
        let world = World::named(name).await;
        // This is about what everything shows, whatever it is.
        world.and_more();
        for text in ["/deploy-client", "/deploy-client wait:true", "/agents"] {
            listen();
            let interaction = world.interaction("ada", text);
            let answer = world.deliver(&interaction).await;
            world.settle().await;
            let shown = world.told(&interaction, answer).transcript();
            let log = logged();
            let summary = world.lines.of(&interaction).to_string();
            for output in [&shown, &log, &summary] {
                assert!(
                    !output.contains(&interaction.token),
                    "{name}: an interaction's token is shown"
                );
                assert!(!output.contains(TOKEN), "{name}: the GitHub token is shown");
            }
            has_log |= log.contains("\"message\":\"the deploy ended\"");
            has_summary |= summary.contains("\"Command\":\"deploy-client\"");
        }
    }
    assert!(has_log && has_summary, "the log and the summaries were captured");
}

#[tokio::test(start_paused = true)]
async fn a_log_line_can_be_read_on_its_own() {
    listen();
    let world = World::new().await;
    world.and_more();
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    world.deliver(&interaction).await;
    world.settle().await;
    let text = logged();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    let ended = line("the deploy ended");
    let dispatch = world.dispatch();
    assert_eq!(ended["run_id"], dispatch.run_id);
    assert_eq!(ended["correlation_id"], dispatch.inputs["correlation_id"]);
    assert_eq!(ended["conclusion"], "success");
    assert_eq!(ended["span"]["command"], "deploy-client");
    assert_eq!(ended["span"]["interaction_id"], interaction.id);
}
