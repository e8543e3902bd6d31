//! Sending an interaction to the bot, and taking its callback.

use super::{conversation::DEADLINE, interaction::Interaction, snowflake, standin::Discord};
use crate::endpoint::{self, Endpoint};
use bytes::Bytes;
use serde_json::Value;
use std::time::Duration;

/// What the bot answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status; 0 if no answer came in time.
    pub status: u16,
    /// The body as JSON, as a string if it was not JSON, null if empty.
    pub body: Value,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// From sending to the answer.
    pub elapsed: Duration,
    /// Why Discord refused it, if it did.
    pub wrong: Option<String>,
}

impl Answer {
    /// Whether Discord accepted it.
    pub fn accepted(&self) -> bool {
        self.wrong.is_none()
    }
}

impl Discord {
    /// Sends an interaction and applies the callback. If there is none within three seconds of the
    /// interaction's creation, the user sees that the application did not respond. A replay
    /// returns the answer and changes nothing.
    pub async fn deliver(&self, interaction: &Interaction, endpoint: &Endpoint) -> Answer {
        let clock = &self.shared.clock;
        let payload: Value = serde_json::from_slice(&interaction.body).unwrap_or_default();
        let sent = clock.now();
        {
            let mut state = self.state();
            let text = state.texts.get(&interaction.id).cloned();
            state.conversation.sent(sent, &payload, text.as_deref());
        }
        let created = snowflake::created(&interaction.id).unwrap_or(sent);
        let left = (created + DEADLINE - sent).to_std().unwrap_or_default();
        let answered = tokio::time::timeout(left, send(interaction.clone(), endpoint)).await;
        let now = clock.now();
        let elapsed = (now - sent).to_std().unwrap_or_default();

        let mut answer =
            Answer { status: 0, body: Value::Null, headers: Vec::new(), elapsed, wrong: None };
        answer.wrong = match answered {
            Err(_) => Some("no answer within 3 s of the interaction's creation".to_owned()),
            Ok(Err(why)) => Some(why),
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                answer.status = parts.status.as_u16();
                answer.headers = parts
                    .headers
                    .iter()
                    .map(|(name, value)| {
                        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                        (name.as_str().to_owned(), value)
                    })
                    .collect();
                answer.body = if body.is_empty() {
                    Value::Null
                } else {
                    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
                    serde_json::from_slice(&body).unwrap_or_else(|_| text())
                };
                let wrong = self.take_callback(&interaction.id, &answer);
                let kind = payload["type"].as_u64().unwrap_or_default();
                let recorder = &self.shared.recorder;
                recorder.callback(kind, &answer.body, wrong.is_none());
                wrong
            }
        };
        if let Some(why) = &answer.wrong {
            let mut state = self.state();
            state.conversation.no_response(now, &interaction.id, why);
        }
        answer
    }

    fn take_callback(&self, id: &str, answer: &Answer) -> Option<String> {
        if answer.status != 200 {
            return Some(format!("answered with status {}, not 200", answer.status));
        }
        let mut headers = answer.headers.iter();
        let json = headers.any(|(name, value)| {
            name == "content-type" && value.trim().starts_with("application/json")
        });
        if !json {
            return Some("the answer's content type is not application/json".into());
        }
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.conversation.callback(now, id, &answer.body).err()
    }
}

async fn send(
    interaction: Interaction,
    endpoint: &Endpoint,
) -> Result<http::Response<Bytes>, String> {
    let agent = "Discord-Interactions/1.0 (+https://discord.com)";
    let mut headers = vec![("user-agent".to_owned(), agent.to_owned())];
    headers.extend(interaction.headers);
    endpoint::post(endpoint, "/discord", &headers, interaction.body).await
}
