//! Asks an endpoint whether it answers as it must, before the application takes it.
//!
//! <https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint>

use super::standin::Discord;
use crate::{
    endpoint::{self, Endpoint},
    server::Received,
};
use bytes::Bytes;
use serde_json::Value;
use std::time::Duration;

/// How long an endpoint may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The endpoint that a request wants to set, if that is what it wants.
fn wanted(received: &Received) -> Option<String> {
    let is_it = received.method == "PATCH" && received.path.ends_with("/applications/@me");
    let body: Value = serde_json::from_slice(&received.body).ok().filter(|_| is_it)?;
    body["interactions_endpoint_url"].as_str().map(str::to_owned)
}

impl Discord {
    /// Asks the endpoint that a request wants to set: it must answer a PING, and refuse a wrong signature.
    pub(super) async fn verify(&self, received: &Received) {
        let Some(url) = wanted(received) else { return };
        let endpoint = Endpoint::Http(url.clone());
        let ping = self.ping();
        let mut forged = ping.headers.clone();
        for (name, value) in &mut forged {
            if name == "x-signature-ed25519" {
                *value = "00".repeat(64);
            }
        }
        let answered = self.post(&endpoint, &ping.headers, ping.body.clone()).await;
        let is_pong = answered.is_some_and(|(status, body)| status == 200 && body["type"] == 1);
        let refused = self.post(&endpoint, &forged, ping.body).await;
        let is_right = is_pong && refused.is_some_and(|(status, _)| status == 401);
        self.state().verified = is_right.then_some(url);
    }

    async fn post(
        &self,
        endpoint: &Endpoint,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Option<(u16, Value)> {
        let posted = endpoint::post(endpoint, "/discord", headers, body);
        let answer = tokio::time::timeout(PATIENCE, posted).await.ok()?.ok()?;
        let body = serde_json::from_slice(answer.body()).unwrap_or_default();
        Some((answer.status().as_u16(), body))
    }

    /// Another server adds the bot.
    pub fn add_guild(&self, id: &str, name: &str) {
        self.state().places.guilds.push((id.to_owned(), name.to_owned()));
    }

    /// Where Discord sends interactions.
    pub fn interactions_endpoint(&self) -> Option<String> {
        self.state().endpoint.clone()
    }
}
