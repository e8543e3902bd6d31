//! The wire: each request between Discord, Deckhand and GitHub.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use standins::Request;
use standins::discord::{Answer, Discord, Endpoint, Interaction};
use standins::github::Delivery;

use super::{Feed, set};

/// Sends what Discord sends to the bot, and tells the feed; cheap to clone.
#[derive(Clone)]
pub(crate) struct Post {
    pub discord: Discord,
    pub endpoint: Endpoint,
    pub feed: Feed,
}

impl Post {
    /// Sends an interaction. `what`: a few words about it.
    pub(crate) async fn deliver(&self, interaction: &Interaction, what: &str) -> Answer {
        let mut line = json!({
            "t": "wire",
            "id": format!("i{}", interaction.id),
            "from": "Discord",
            "to": "Deckhand",
            "what": what,
        });
        self.feed.push(line.clone());
        let answer = self.discord.deliver(interaction, &self.endpoint).await;
        set(&mut line, "status", json!(answer.status));
        set(&mut line, "ms", json!(answer.elapsed.as_millis()));
        set(&mut line, "note", json!(answer.wrong));
        self.feed.push(line);
        answer
    }
}

/// A request of the bot's. `number`: which of those to this stand-in.
pub(super) fn request(to: &str, number: usize, request: &Request) -> Value {
    json!({
        "t": "wire",
        "id": format!("{to}{number}"),
        "from": "Deckhand",
        "to": to,
        "what": format!("{} {}{}", request.method, request.path, query(&request.query)),
        "status": request.status,
        "ms": request.held.as_millis(),
        "at": request.at.timestamp_millis(),
        "write": request.is_write(),
    })
}

/// The part of a query that tells requests apart.
fn query(query: &BTreeMap<String, String>) -> String {
    let pairs = query.iter().filter(|(name, _)| !matches!(name.as_str(), "per_page" | "page"));
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// A delivery of a webhook.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let what = &delivery.what;
    let job = what.job.as_ref().map(|job| format!(" · {job}")).unwrap_or_default();
    let dot = if what.action.is_empty() { "" } else { "." };
    let note = if delivery.lost { Some("lost on the way") } else { delivery.why.as_deref() };
    json!({
        "t": "wire",
        "id": format!("d{}", delivery.id),
        "from": "GitHub",
        "to": "Deckhand",
        "what": format!("{}{dot}{}{job}", what.event, what.action),
        "status": delivery.status,
        "ms": delivery.elapsed.as_millis(),
        "at": delivery.sent.timestamp_millis(),
        "note": note,
    })
}

/// What a line of the bot's own log tells: how long an invocation lasted on which Lambda would have billed.
pub(crate) fn billed(line: &Value) -> Option<Value> {
    let id = |field: &str, letter: char| match &line[field] {
        Value::String(id) => Some(format!("{letter}{id}")),
        Value::Number(id) => Some(format!("{letter}{id}")),
        _ => None,
    };
    let id = id("delivery_id", 'd').or_else(|| id("interaction_id", 'i'))?;
    let milliseconds = match &line["duration_ms"] {
        Value::String(text) => text.parse::<f64>().ok()?,
        other => other.as_f64()?,
    };
    Some(json!({"t": "billed", "id": id, "ms": milliseconds}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_what_is_billed() {
        let line = json!({"interaction_id": 12, "duration_ms": "34", "message": "interaction"});
        assert_eq!(billed(&line).unwrap(), json!({"t": "billed", "id": "i12", "ms": 34.0}));
        let line = json!({"delivery_id": "a-b", "duration_ms": 5});
        assert_eq!(billed(&line).unwrap(), json!({"t": "billed", "id": "da-b", "ms": 5.0}));
        assert_eq!(billed(&json!({"delivery_id": "a-b"})), None);
        assert_eq!(billed(&json!({"duration_ms": 5})), None);
    }
}
