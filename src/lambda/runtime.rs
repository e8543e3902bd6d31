//! The Lambda runtime loop around the bot.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, Runtime, spawn_graceful_shutdown_handler};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::util::service_fn;

use super::drain::{DrainLayer, deadline};
use super::event::{Event, to_lambda};
use crate::edge::http::{App, unreadable};
use crate::tasks::Tasks;
use crate::telemetry;

/// Lambda kills the process half a second after SIGTERM.
const SHUTDOWN: Duration = Duration::from_millis(400);

/// Makes Lambda send SIGTERM before it ends the process, and winds up when it comes. Lambda sends it
/// only to functions with an extension, so this registers one that does nothing, which takes a round
/// trip: the task is done when it is registered.
pub fn watch_for_shutdown(tasks: Tasks) -> JoinHandle<()> {
    tokio::spawn(spawn_graceful_shutdown_handler(move || async move {
        tasks.stop();
        let _ = tokio::time::timeout(SHUTDOWN, tasks.drained()).await;
    }))
}

/// Runs until Lambda ends the process.
pub async fn run(app: App, tasks: Tasks) -> Result<(), Error> {
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let app = app.clone();
        async move { Ok::<_, Error>(handle(&app, event).await) }
    });
    Runtime::new(handler).layer(DrainLayer(tasks)).run().await
}

async fn handle(app: &App, LambdaEvent { payload, context }: LambdaEvent<Value>) -> Value {
    match Event::read(&payload) {
        Event::Http(request) => {
            let answer = app.handle(request, Some(deadline(context.deadline)));
            to_lambda(&telemetry::invocation(context.request_id, answer).await)
        }
        Event::BadBody => to_lambda(&unreadable()),
        Event::Unknown => {
            tracing::warn!(request_id = context.request_id, "an event that is no HTTP request");
            json!({"error": "this event is not known"})
        }
    }
}
