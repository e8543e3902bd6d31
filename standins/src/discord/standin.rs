//! The stand-in itself: what it serves over HTTP, and what a test does with it.

use super::{
    commands::Scope,
    components::Components,
    conversation::Target,
    fault::{self, Fault, What},
    interaction::{Interaction, command_payload, new_token},
    message::{Event, Message},
    people::{APPLICATION_ID, CHANNEL_ID, User},
    permissions::Permissions,
    routes,
    state::State,
    typing,
};
use crate::{
    clock::Clock,
    gauge::Gauge,
    request::{Recorder, Request},
    server::{self, Outcome, Received, serve},
};
use bytes::Bytes;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// A running stand-in; cheap to clone.
#[derive(Clone)]
pub struct Discord {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub clock: Clock,
    gauge: Gauge,
    pub recorder: Recorder,
    key: SigningKey,
    url: OnceLock<String>,
    state: Mutex<State>,
}

impl Discord {
    /// Starts on a port of 127.0.0.1 that is free.
    pub async fn start(clock: Clock, gauge: Gauge) -> Self {
        Self::start_on(0, clock, gauge).await
    }

    /// Starts on this port of 127.0.0.1.
    pub async fn start_on(port: u16, clock: Clock, gauge: Gauge) -> Self {
        let discord = Self::new(clock, gauge);
        let serving = discord.clone();
        let address = serve(port, move |received| {
            let discord = serving.clone();
            async move { discord.handle(received).await }
        })
        .await;
        let url = &discord.shared.url;
        url.get_or_init(|| format!("http://{address}/api/v10"));
        discord
    }

    pub(super) fn new(clock: Clock, gauge: Gauge) -> Self {
        // Two UUIDs are random enough for a key that guards nothing.
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        secret[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        let key = SigningKey::from_bytes(&secret);
        let state = State {
            bot_token: format!("standin.{}", uuid::Uuid::new_v4().simple()),
            public_key: hex::encode(key.verifying_key().as_bytes()),
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                clock,
                gauge,
                recorder: Recorder::from_env(),
                key,
                url: OnceLock::new(),
                state: Mutex::new(state),
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// The API's base URL with its version, `http://127.0.0.1:PORT/api/v10`.
    pub fn url(&self) -> String {
        self.shared.url.get().cloned().unwrap_or_default()
    }

    /// The application's public key, in hexadecimal.
    pub fn public_key(&self) -> String {
        self.state().public_key.clone()
    }

    /// The application's id.
    pub fn application_id(&self) -> String {
        APPLICATION_ID.to_owned()
    }

    /// The bot's token.
    pub fn bot_token(&self) -> String {
        self.state().bot_token.clone()
    }

    /// Gives the bot another token, like one made anew in the developer portal.
    pub fn set_bot_token(&self, token: &str) {
        self.state().bot_token = token.to_owned();
    }

    /// Changes what the bot may do in the channel; at first that is everything.
    pub fn permit(&self, permissions: Permissions) {
        self.state().permissions = permissions;
    }

    /// Changes which components Discord takes; others are refused with 400 and code 50035.
    pub fn set_components(&self, takes: Components) {
        self.state().conversation.takes = takes;
    }

    /// Sets the interactions endpoint that the application's page shows; none: it is not set.
    pub fn set_interactions_endpoint(&self, url: Option<&str>) {
        self.state().endpoint = url.map(str::to_owned);
    }

    /// Switches *Public Bot* on the application's page Bot; at first it is on.
    pub fn set_public(&self, public: bool) {
        self.state().private = !public;
    }

    /// Registers global commands as a bulk overwrite does.
    ///
    /// # Panics
    /// When Discord would refuse them.
    pub fn set_commands(&self, commands: Value) {
        if let Err(why) = self.try_set_commands(&commands) {
            panic!("Discord refuses the commands: {why}");
        }
    }

    /// As [`Discord::set_commands`], with what Discord finds wrong as an error.
    pub fn try_set_commands(&self, commands: &Value) -> Result<(), String> {
        let now = self.shared.clock.now();
        let state = &mut *self.state();
        let ids = &mut state.conversation.ids;
        let overwritten = state.commands.overwrite(Scope::Global, commands, || ids.next(now));
        overwritten.map_err(|refusal| refusal.why())
    }

    /// Registers commands in the guild as a bulk overwrite does.
    ///
    /// # Panics
    /// When Discord would refuse them.
    pub fn set_guild_commands(&self, commands: &Value) {
        let now = self.shared.clock.now();
        let state = &mut *self.state();
        let ids = &mut state.conversation.ids;
        let overwritten = state.commands.overwrite(Scope::Guild, commands, || ids.next(now));
        overwritten.unwrap_or_else(|why| panic!("Discord refuses the commands: {}", why.why()));
    }

    /// Adds the command that opens the app's Activity, which a bulk overwrite must send back.
    pub fn add_entry_point(&self) {
        let now = self.shared.clock.now();
        let state = &mut *self.state();
        let ids = &mut state.conversation.ids;
        state.commands.add_entry_point(|| ids.next(now));
    }

    /// The commands registered for all guilds.
    pub fn commands(&self) -> Vec<Value> {
        self.state().commands.of(Scope::Global).to_vec()
    }

    /// The commands registered in the guild.
    pub fn guild_commands(&self) -> Vec<Value> {
        self.state().commands.of(Scope::Guild).to_vec()
    }

    /// What Discord sends when this user types this, or why the client would not send it.
    pub fn interaction(&self, by: &User, text: &str) -> Result<Interaction, String> {
        let now = self.shared.clock.now();
        let payload = {
            let mut state = self.state();
            let data = typing::data(&state.commands.typable(), text)?;
            let id = state.conversation.ids.next(now);
            state.texts.insert(id.clone(), text.trim().to_owned());
            let mut payload = command_payload(&id, by, data);
            state.place(&mut payload, CHANNEL_ID);
            payload
        };
        Ok(self.signed(payload))
    }

    /// A PING, as Discord sends one when the endpoint's URL is saved.
    pub fn ping(&self) -> Interaction {
        let id = self.state().conversation.ids.next(self.shared.clock.now());
        self.signed(json!({
            "application_id": APPLICATION_ID,
            "authorizing_integration_owners": {},
            "entitlements": [],
            "id": id,
            "token": new_token(),
            "type": 1,
            "user": {
                "avatar": null,
                "avatar_decoration_data": null,
                "bot": false,
                "discriminator": "0000",
                "global_name": "Discord",
                "id": "643945264868098049",
                "public_flags": 1,
                "system": true,
                "username": "discord",
            },
            "version": 1,
        }))
    }

    /// Signs a payload of any kind, for example an altered one.
    pub fn signed(&self, payload: Value) -> Interaction {
        let body = Bytes::from(payload.to_string());
        let timestamp = self.shared.clock.now().timestamp().to_string();
        let text = |field: &str| payload[field].as_str().unwrap_or_default().to_owned();
        Interaction {
            id: text("id"),
            token: text("token"),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("x-signature-ed25519".into(), self.sign(&timestamp, &body)),
                ("x-signature-timestamp".into(), timestamp),
            ],
            body,
        }
    }

    /// The signature of a timestamp and a body, in hexadecimal.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let message = [timestamp.as_bytes(), body].concat();
        hex::encode(self.shared.key.sign(&message).to_bytes())
    }

    /// What happened, in order, as a user would see it; and what Discord refused.
    pub fn conversation(&self) -> Vec<Event> {
        let state = &mut *self.state();
        let events = state.conversation.events();
        state.read.events(events);
        state.conversation.messages().iter().for_each(|message| state.read.message(message));
        events.to_vec()
    }

    /// An interaction's messages as they stand, oldest first, without deleted ones.
    pub fn messages(&self, interaction_id: &str) -> Vec<Message> {
        let state = &mut *self.state();
        let all = state.conversation.messages().iter();
        let found = all
            .filter(|message| message.interaction_id == interaction_id && message.author.is_none());
        found.inspect(|message| state.read.message(message)).cloned().collect()
    }

    /// The messages that the bot sent to the channel for no interaction, oldest first.
    pub fn channel_messages(&self) -> Vec<Message> {
        self.messages("")
    }

    /// Every request received, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        let state = &mut *self.state();
        state.read.requests(&state.requests);
        state.read.events(state.conversation.events());
        state.requests.clone()
    }

    /// Adds a fault behind those there are.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Lets a fault hit every request of its kind from now on for this long.
    pub fn fault_for(&self, lasts: Duration, fault: Fault) {
        let until = Some(self.shared.clock.now() + lasts);
        self.fault(Fault { until, ..fault.always() });
    }

    /// Somebody deletes the original response to an interaction.
    ///
    /// # Panics
    /// When there is none.
    pub fn delete_original(&self, interaction: &Interaction) {
        let now = self.shared.clock.now();
        let conversation = &mut self.state().conversation;
        let deleted = conversation.delete(now, &interaction.token, Target::Original);
        deleted.unwrap_or_else(|refusal| panic!("nothing to delete: {}", refusal.why()));
    }

    pub(super) async fn handle(&self, received: Received) -> Outcome {
        let what = self.meets(&received);
        self.verify(&received).await;
        let stall = |delay| {
            let stall = self.shared.gauge.stall();
            async move {
                tokio::time::sleep(delay).await;
                drop(stall);
            }
        };
        match what {
            Some(What::Late(delay)) => {
                let (discord, client_waits) = (self.clone(), stall(delay));
                // In a task of its own: a client that gives up ends only the wait for it.
                let late = tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    discord.process(&received, None)
                });
                client_waits.await;
                late.await.unwrap_or(Outcome::Drop)
            }
            Some(What::Delay(delay)) => {
                let outcome = self.process(&received, what.as_ref());
                stall(delay).await;
                outcome
            }
            what => self.process(&received, what.as_ref()),
        }
    }

    /// The fault that hits this request.
    fn meets(&self, received: &Received) -> Option<What> {
        let now = self.shared.clock.now();
        fault::take(&mut self.state().faults, routes::kind(received), now)
    }

    /// Processes a request, or applies a fault to it, without the delays.
    #[cfg(test)]
    pub(super) fn take(&self, received: &Received) -> Outcome {
        let what = self.meets(received);
        self.process(received, what.as_ref())
    }

    /// Processes a request, or applies a fault to it, and records both.
    fn process(&self, received: &Received, what: Option<&What>) -> Outcome {
        let now = self.shared.clock.now();
        let state = &mut *self.state();
        let mut request = Request::new(now, received);
        request.authorized = routes::authorized(&state.bot_token, received);
        if let Some(token) = routes::token(received) {
            request.path = request.path.replacen(&token, "{token}", 1);
        }
        let spoilt = what.and_then(routes::spoilt);
        let outcome = if what == Some(&What::Reset) {
            Outcome::Drop
        } else {
            let mut answer = spoilt.unwrap_or_else(|| {
                let answer = routes::answer(state, now, received);
                if !received.path.starts_with("/attachments/") {
                    let recorder = &self.shared.recorder;
                    recorder.request("discord", &request, answer.status);
                }
                answer
            });
            if let Some(What::FailedAfter(status)) = what {
                answer = routes::failed(*status);
            }
            let date = now.format("%a, %d %b %Y %H:%M:%S GMT");
            match what {
                Some(What::Lost) => Outcome::Drop,
                _ => Outcome::Answer(server::Answer::header(answer, "date", date)),
            }
        };
        request.status = match &outcome {
            Outcome::Answer(answer) | Outcome::Truncated(answer) | Outcome::Endless(answer) => {
                answer.status
            }
            Outcome::Drop => 0,
        };
        if let Some(What::Delay(delay)) = what {
            request.held = *delay;
        }
        state.requests.push(request);
        outcome
    }
}
