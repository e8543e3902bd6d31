//! The Lambda runtime loop around the bot.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use http::{Method, Request};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime};
use serde_json::{Value, json};
use tower::util::service_fn;

use super::drain::DrainLayer;
use super::event::Event;
use super::http_event;
use super::invocation::Invocations;
use crate::bot::tasks::Tasks;
use crate::host::http::{App, Received, unreadable};
use crate::telemetry;

/// Runs until Lambda ends the process.
pub async fn run(app: App, tasks: Tasks) -> Result<(), Error> {
    let sink = app.telemetry().sink();
    let invocations = Arc::new(Invocations::new(app.clock()));
    let layer = DrainLayer { tasks, sink, invocations: invocations.clone() };
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let (app, invocations) = (app.clone(), invocations.clone());
        async move { handle(app, &invocations, event).await }
    });
    Runtime::new(handler).layer(layer).run().await
}

/// On an error Lambda retries a schedule's event: after one minute, and once more after two minutes.
async fn handle(
    app: App,
    invocations: &Invocations,
    LambdaEvent { payload, context }: LambdaEvent<Value>,
) -> Result<Value, Diagnostic> {
    let event = Event::read(payload);
    let received = event.received();
    let deadline = Some(invocations.begin(context.deadline, Utc::now(), received));
    Ok(match event {
        Event::Http(request) => {
            let id = context.request_id.clone();
            let handle = move |mut request: Request<Bytes>| {
                let (app, id) = (app.clone(), id.clone());
                let is_head = request.method() == Method::HEAD;
                if let Some(received) = received {
                    request.extensions_mut().insert(Received(received));
                }
                async move {
                    let answer = telemetry::invocation(id, app.handle(request, deadline)).await;
                    if is_head { answer.map(|_| Bytes::new()) } else { answer }
                }
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
        Event::Sweep(due) => {
            let sweep = app.sweep_that_was_due(due, deadline);
            let swept = telemetry::invocation(context.request_id, sweep).await;
            json!({"visited": swept.visited, "failed": swept.failed})
        }
        Event::BadBody(request) => {
            http_event::answer(*request, context, |_| ready(unreadable())).await?
        }
        Event::Other(what) => {
            let request_id = context.request_id;
            tracing::info!(request_id, what, "ignored: no HTTP request and no schedule");
            json!({"ignored": "neither an HTTP request nor an event with \"task\": \"digest\" or \"sweep\""})
        }
    })
}
