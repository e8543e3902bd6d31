//! The routes: which request gets which answer.

use super::{
    application,
    attachments::{Attachment, Payload},
    channel,
    commands::Scope,
    conversation::Target,
    fault::{On, What},
    limits::Refusal,
    people::{self, APPLICATION_ID},
    state::State,
};
use crate::server::{Answer, Received};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const BASE: [&str; 2] = ["api", "v10"];

/// The path's parts after `/api/v10`, if it begins so.
fn rest<'a>(segments: &'a [&'a str]) -> Option<&'a [&'a str]> {
    segments.strip_prefix(&BASE)
}

/// The kind of a request, which says which faults can hit it.
pub(super) fn kind(request: &Received) -> On {
    let segments = request.segments();
    match (request.method.as_str(), rest(&segments)) {
        ("PATCH", Some(["webhooks", ..])) => On::Edit,
        ("POST", Some(["webhooks", ..])) => On::FollowUp,
        ("GET", Some(["webhooks", ..])) => On::MessageRead,
        ("DELETE", Some(["webhooks", ..])) => On::Delete,
        ("POST", Some(["channels", _, "messages"])) => On::ChannelMessage,
        ("PATCH", Some(["channels", _, "messages", _])) => On::ChannelEdit,
        ("GET", Some(["channels", ..])) => On::ChannelRead,
        (_, Some(["applications", .., "commands"])) => On::Commands,
        _ => On::Other,
    }
}

/// The interaction's token in a path, if there is one.
pub(super) fn token(request: &Received) -> Option<String> {
    let segments = request.segments();
    match rest(&segments) {
        Some(["webhooks", _, token, ..]) => Some((*token).to_owned()),
        _ => None,
    }
}

/// Whether the request carries the bot's token.
pub(super) fn authorized(bot_token: &str, request: &Received) -> bool {
    let given = request.header("authorization");
    given.and_then(|value| value.strip_prefix("Bot ")) == Some(bot_token)
}

/// The answer to a request that a fault keeps from being processed.
pub(super) fn spoilt(what: &What) -> Option<Answer> {
    match what {
        What::RateLimited { retry_after } | What::RateLimitedGlobally { retry_after } => {
            let global = matches!(what, What::RateLimitedGlobally { .. });
            let body = json!({
                "message": "You are being rate limited.",
                "retry_after": retry_after,
                "global": global,
            });
            let limited = Answer::json(429, &body).header("retry-after", retry_after.ceil());
            if global {
                let limited = limited.header("x-ratelimit-global", true);
                return Some(limited.header("x-ratelimit-scope", "global"));
            }
            Some(
                limited
                    .header("x-ratelimit-limit", 5)
                    .header("x-ratelimit-remaining", 0)
                    .header("x-ratelimit-reset-after", format!("{retry_after:.3}"))
                    .header("x-ratelimit-scope", "user"),
            )
        }
        What::Proxy { status, retry_after } => {
            let page = Answer {
                status: *status,
                headers: vec![("content-type".to_owned(), "text/html; charset=UTF-8".to_owned())],
                body: "<!DOCTYPE html>\n<title>Access denied</title>".into(),
            };
            Some(match retry_after {
                Some(seconds) => page.header("retry-after", seconds),
                None => page,
            })
        }
        What::Status(status) => Some(failed(*status)),
        What::Refused { status, code, message } => {
            Some(refuse(&Refusal::new(*status, *code, message)))
        }
        What::UnknownWebhook => Some(refuse(&Refusal::new(404, 10015, "Unknown Webhook"))),
        What::Reset | What::Lost | What::FailedAfter(_) | What::Delay(_) | What::Late(_) => None,
    }
}

/// An error of Discord's own.
pub(super) fn failed(status: u16) -> Answer {
    let message = format!("{status}: standing in for an error");
    Answer::json(status, &json!({"message": message, "code": 0}))
}

fn refuse(refusal: &Refusal) -> Answer {
    let answer = Answer::json(refusal.status, &refusal.body());
    match refusal.retry_after {
        Some(seconds) => answer.header("retry-after", seconds.ceil()),
        None => answer,
    }
}

/// Answers a request that no fault hit.
pub(super) fn answer(state: &mut State, now: DateTime<Utc>, request: &Received) -> Answer {
    let token = token(request);
    let answer = match route(state, now, request) {
        Ok(answer) => answer,
        Err(refusal) => {
            state.conversation.refused(now, token.as_deref().unwrap_or_default(), &refusal);
            refuse(&refusal)
        }
    };
    answer
        .header("x-ratelimit-bucket", "standin")
        .header("x-ratelimit-limit", 5)
        .header("x-ratelimit-remaining", 4)
        .header("x-ratelimit-reset-after", "1.000")
}

fn route(state: &mut State, now: DateTime<Utc>, request: &Received) -> Result<Answer, Refusal> {
    let segments = request.segments();
    if let ("GET", ["attachments", _, id, _]) = (request.method.as_str(), segments.as_slice()) {
        // Another service of Discord's, which anybody may ask.
        let mut all = state.conversation.messages().iter().flat_map(|one| &one.attachments);
        let found = all.find(|attachment| attachment.id == *id);
        return found
            .map(Attachment::download)
            .ok_or_else(|| Refusal::new(404, 0, "This content is no longer available."));
    }
    let Some(rest) = rest(&segments) else {
        let versioned = matches!(segments.as_slice(), ["api", version, ..]
            if version.starts_with('v') && version[1..].parse::<u8>().is_ok());
        return Err(if segments.first() == Some(&"api") && !versioned {
            let why = "This stand-in takes /api/v10 only: a path without a version means v6";
            Refusal::new(400, 0, why)
        } else {
            Refusal::new(404, 0, "404: Not Found")
        });
    };
    if !is_bot_agent(request.header("user-agent").unwrap_or_default()) {
        let why = "internal network error: the User-Agent must be DiscordBot (url, version)";
        return Err(Refusal::new(403, 40333, why));
    }
    let payload = Payload::read(request)?;
    let method = request.method.as_str();
    match (method, rest) {
        (_, ["webhooks", application, ..]) if *application != APPLICATION_ID => {
            Err(Refusal::new(404, 10015, "Unknown Webhook"))
        }
        ("POST", ["webhooks", _, token]) => {
            let message = state.conversation.follow_up(now, token, &payload)?;
            Ok(Answer::json(200, &message))
        }
        ("GET", ["webhooks", _, token, "messages", id]) => {
            let message = state.conversation.get(now, token, target(id))?;
            Ok(Answer::json(200, &message))
        }
        ("PATCH", ["webhooks", _, token, "messages", id]) => {
            let message = state.conversation.edit(now, token, target(id), &payload)?;
            Ok(Answer::json(200, &message))
        }
        ("DELETE", ["webhooks", _, token, "messages", id]) => {
            state.conversation.delete(now, token, target(id))?;
            Ok(Answer::empty(204))
        }
        (_, ["channels", id, rest @ ..]) => {
            if !authorized(&state.bot_token, request) {
                return Err(Refusal::new(401, 0, "401: Unauthorized"));
            }
            if !state.places.has_channel(id) {
                return Err(Refusal::new(404, 10003, "Unknown Channel"));
            }
            channel::route(state, now, request, id, rest, &payload)
        }
        ("GET", ["users", "@me", "guilds"]) => {
            if !authorized(&state.bot_token, request) {
                return Err(Refusal::new(401, 0, "401: Unauthorized"));
            }
            Ok(Answer::json(200, &state.places.listed()))
        }
        ("GET", ["guilds" | "users", ..]) => {
            if !authorized(&state.bot_token, request) {
                return Err(Refusal::new(401, 0, "401: Unauthorized"));
            }
            people::route(rest, state.places.absent)
        }
        (_, ["applications", application, ..]) => {
            if !authorized(&state.bot_token, request) {
                return Err(Refusal::new(401, 0, "401: Unauthorized"));
            }
            if *application != APPLICATION_ID && *application != "@me" {
                return Err(Refusal::new(404, 10002, "Unknown Application"));
            }
            applications(state, now, method, &rest[1..], &payload.json)
        }
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

fn applications(
    state: &mut State,
    now: DateTime<Utc>,
    method: &str,
    rest: &[&str],
    body: &Value,
) -> Result<Answer, Refusal> {
    let scope = match rest {
        ["@me"] if method == "GET" => return Ok(Answer::json(200, &state.application())),
        ["@me"] if method == "PATCH" => return application::change(state, body),
        [_, "commands"] => Scope::Global,
        [_, "guilds", people::GUILD_ID, "commands"] => Scope::Guild,
        [_, "guilds", _, "commands"] => return Err(Refusal::new(403, 50001, "Missing Access")),
        _ => return Err(Refusal::new(404, 0, "404: Not Found")),
    };
    match method {
        "GET" => {}
        "PUT" => {
            let ids = &mut state.conversation.ids;
            state.commands.overwrite(scope, body, || ids.next(now))?;
        }
        _ => return Err(Refusal::new(405, 0, "405: Method Not Allowed")),
    }
    Ok(Answer::json(200, &json!(state.commands.of(scope))))
}

fn target<'a>(id: &'a &str) -> Target<'a> {
    match *id {
        "@original" => Target::Original,
        id => Target::Id(id),
    }
}

/// `DiscordBot (url, version)`, and whatever follows.
fn is_bot_agent(agent: &str) -> bool {
    let inside = agent
        .strip_prefix("DiscordBot (")
        .and_then(|rest| rest.split_once(')'))
        .and_then(|(inside, _)| inside.split_once(", "));
    inside.is_some_and(|(url, version)| !url.is_empty() && !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bot_s_user_agent_passes() {
        assert!(is_bot_agent("DiscordBot (https://example.com, 1.0) deckhand/1"));
        for wrong in
            ["", "curl/8", "DiscordBot", "DiscordBot (https://example.com)", "DiscordBot (, )"]
        {
            assert!(!is_bot_agent(wrong), "{wrong}");
        }
    }
}
