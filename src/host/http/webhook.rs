//! `POST /github/webhook`: checks who sent a delivery and answers it at once. Its work goes on as a task, for
//! GitHub waits only 10 s and does not send again.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use tokio::time::Instant;

use super::answers::{MIB, error, too_large};
use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::github::webhook::{Delivery, NotAccepted, read};
use crate::text::escape;
use crate::webhook;

/// The largest accepted body. Deliveries about runs and jobs have some 30 kB.
pub(super) const MAX_BODY_BYTES: usize = 5 * MIB;

/// What is logged of a header at most. `X-GitHub-Delivery` is a UUID.
const MAX_LOGGED: usize = 64;

/// Answers one delivery.
pub(super) async fn receive(
    context: &Arc<Context>,
    request: Request<Bytes>,
    deadline: Option<Deadline>,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    if body.len() > MAX_BODY_BYTES {
        return too_large(MAX_BODY_BYTES);
    }
    let headers = parts.headers;
    let event = logged(&headers, "x-github-event");
    let delivery_id = logged(&headers, "x-github-delivery");
    let body = match context.webhook.verify(&headers, &body).await {
        Ok(body) => body,
        Err(NotAccepted::NotSigned(why)) => {
            tracing::warn!(%why, event, delivery_id, "not signed by GitHub");
            return error(StatusCode::UNAUTHORIZED, "invalid signature");
        }
        Err(NotAccepted::NoSecret(why)) => {
            tracing::error!(%why, event, delivery_id, "a delivery cannot be checked");
            let what = "the secret of the webhook cannot be read";
            return error(StatusCode::SERVICE_UNAVAILABLE, what);
        }
    };
    let delivery = match read(&headers, &body) {
        Ok(delivery) => delivery,
        Err(why) => {
            tracing::warn!(%why, event, delivery_id, "malformed");
            return error(StatusCode::BAD_REQUEST, &why.to_string());
        }
    };
    let repository = delivery.repository().map(ToString::to_string);
    let hint = match &delivery {
        Delivery::Run(hint) | Delivery::Job(hint) => Some(hint),
        Delivery::Ping { .. } | Delivery::Other => None,
    };
    let action = hint.and_then(|hint| hint.action.as_deref());
    let action = action.map(|action| escape::clipped(action, MAX_LOGGED));
    let (run_id, attempt) = (hint.map(|hint| hint.run_id), hint.and_then(|hint| hint.attempt));
    tracing::info!(event, action, delivery_id, repository, run_id, attempt, "delivered");
    let of_task = context.clone();
    context.tasks.spawn(async move {
        let began = Instant::now();
        webhook::receive(&of_task, delivery, deadline).await;
        tracing::debug!(delivery_id, duration_ms = began.elapsed().as_millis(), "followed");
    });
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A header for the log: it comes from outside.
fn logged(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(escape::clipped(value, MAX_LOGGED))
}
