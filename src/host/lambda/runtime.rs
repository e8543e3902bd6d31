//! The Lambda runtime loop around the bot.

use std::future::ready;
use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, spawn_graceful_shutdown_handler};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::util::service_fn;

use super::drain::{DrainLayer, deadline};
use super::event::Event;
use super::http_event;
use crate::bot::tasks::Tasks;
use crate::host::http::{App, unreadable};
use crate::telemetry;

/// Timeout for running work after SIGTERM. Lambda kills the process after 500 ms.
const SHUTDOWN: Duration = Duration::from_millis(400);

/// Tells all work to wind up on SIGTERM. Lambda sends SIGTERM only to a function with an extension, so
/// this registers an extension that does nothing. That takes one round trip; the returned task ends with
/// it.
pub fn watch_for_shutdown(tasks: Tasks) -> JoinHandle<()> {
    tokio::spawn(spawn_graceful_shutdown_handler(move || async move {
        tasks.stop();
        let _ = tokio::time::timeout(SHUTDOWN, tasks.drained()).await;
    }))
}

/// Runs until Lambda ends the process.
pub async fn run(app: App, tasks: Tasks) -> Result<(), Error> {
    let sink = app.telemetry().sink();
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let app = app.clone();
        async move { handle(app, event).await }
    });
    Runtime::new(handler).layer(DrainLayer { tasks, sink }).run().await
}

/// On an error Lambda retries a schedule's event: after one minute, and once more after two minutes.
async fn handle(
    app: App,
    LambdaEvent { payload, context }: LambdaEvent<Value>,
) -> Result<Value, Diagnostic> {
    let deadline = Some(deadline(context.deadline));
    Ok(match Event::read(payload) {
        Event::Http(request) => {
            let id = context.request_id.clone();
            let handle = move |request| {
                let (app, id) = (app.clone(), id.clone());
                async move { telemetry::invocation(id, app.handle(request, deadline)).await }
            };
            http_event::answer(*request, context, handle).await?
        }
        Event::Schedule(schedule) => {
            let done = app.scheduled(schedule, deadline);
            let done = telemetry::invocation(context.request_id, done).await;
            let done = done.map_err(|error| Diagnostic {
                error_type: "ScheduleNotDone".to_owned(),
                error_message: error.to_string(),
            })?;
            json!({"digest": done.words()})
        }
        Event::BadBody(request) => {
            http_event::answer(*request, context, |_| ready(unreadable())).await?
        }
        Event::Unknown => {
            tracing::warn!(request_id = context.request_id, "an event that is no HTTP request");
            json!({"error": "this event is not known"})
        }
    })
}
