//! Keeps the deploy's message up to date: by the interaction's token while it lives, else by the bot's.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Done, LANDS_WITHIN, Services, is_unknown, lacks_sign_in};
use crate::deploy::event::Event;
use crate::deploy::messages;
use crate::deploy::press;
use crate::deploy::record::Deploy;
use crate::discord::{DiscordError, Message, channel};

/// Discord may not know an interaction yet that it has just sent: it may see the deferral late.
const KNOWN_WITHIN: TimeDelta = TimeDelta::seconds(25);

/// For how long Discord surely posts only one message with the same nonce. Its documentation says "a few minutes".
const NONCE_HOLDS: TimeDelta = TimeDelta::minutes(1);

impl Services<'_> {
    /// Shows the message before anything is sent to GitHub. Only a dead interaction keeps it from being sent.
    pub(in crate::deploy) async fn put_on_screen(&self, deploy: Deploy) -> Done {
        let now = self.clock.now();
        let refused = |why: &str| Done::with(Event::Refused { why: why.to_owned(), tell: false });
        let Some(token) = deploy.place.as_ref().and_then(|place| place.interaction_token()) else {
            return refused("The interaction has expired.");
        };
        let message = messages::message(&deploy, now);
        let text = message.fingerprint();
        let error = match self.discord.edit_answer(&token, &message).await {
            Ok(message_id) => return Done::with(Event::Shown { text, message_id }),
            Err(error) => error,
        };
        if is_refused_as_a_card(&deploy, &error) {
            return Done::with(Event::NoComponents).answered();
        }
        if error.is_gone() || !(error.passes() || is_unknown(&error)) {
            // Discord knows the interaction, so its user saw that it began.
            tracing::warn!(%error, "the deploy's message cannot be shown");
            let closed = Event::Closed { why: error.to_string() };
            return Done::of(vec![Event::OnScreen { message_id: None }, closed]);
        }
        let is_new = now - deploy.began_at < KNOWN_WITHIN;
        if is_unknown(&error) && !is_new {
            tracing::warn!(%error, "the interaction is dead: nothing is dispatched");
            return refused("Discord does not take its answer any more.");
        }
        let mut done = Done::of_discord(&error);
        if error.may_be_taken() {
            done.events.push(Event::ShownInDoubt { until: now + LANDS_WITHIN });
        }
        done
    }

    /// Sees whether the user of a deploy that was never dispatched saw that it began.
    pub(in crate::deploy) async fn read_answer(&self, deploy: Deploy) -> Done {
        let refused = |tell| {
            let why = "It was not begun in time: Deckhand was stopped, or Discord did not take its message."
                .to_owned();
            Event::Refused { why, tell }
        };
        let Some(place) = &deploy.place else { return Done::with(refused(false)) };
        if place.message_id.is_some() {
            return Done::with(refused(true));
        }
        let token = place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
        let Some(token) = token else { return Done::with(refused(false)) };
        match self.discord.read_answer(&token).await {
            Ok(answer) if answer.is_ephemeral => {
                let why = "the user has another answer".to_owned();
                Done::of(vec![refused(false), Event::Closed { why }])
            }
            Ok(answer) => {
                let on_screen = Event::OnScreen { message_id: answer.id };
                Done::of(vec![on_screen, refused(true)])
            }
            Err(error) if error.passes() => Done::of_discord(&error),
            Err(error) => {
                let why = error.to_string();
                Done::of(vec![refused(false), Event::Closed { why }])
            }
        }
    }

    /// Makes the message show how the deploy stands: by the interaction's token while it lives, else by the
    /// bot's.
    pub(in crate::deploy) async fn show(&self, deploy: Deploy) -> Done {
        let now = self.clock.now();
        let message = messages::message(&deploy, now);
        let text = message.fingerprint();
        let edited = self.edit(&deploy, &message, now).await;
        // Without the details it is not: one more edit comes, and this one may land after it.
        let is_last = deploy.is_shown_for_the_last_time();
        match edited {
            Ok(message_id) => Done::with(Event::Shown { text, message_id }).answered(),
            Err(NotEdited::NoComponents) => Done::with(Event::NoComponents).answered(),
            Err(NotEdited::Closed(why)) => {
                if deploy.watched.is_none() {
                    tracing::warn!(why, "the deploy's message cannot be edited");
                }
                Done::with(Event::Closed { why }).answered()
            }
            Err(NotEdited::Fails(error)) => {
                let mut done = Done::of_discord(&error);
                if error.may_be_taken() && !is_last {
                    done.events.push(Event::ShownInDoubt { until: now + LANDS_WITHIN });
                }
                tracing::debug!(%error, "the deploy's message could not be edited");
                done
            }
        }
    }

    async fn edit(
        &self,
        deploy: &Deploy,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, NotEdited> {
        let Some(place) = &deploy.place else {
            return Err(NotEdited::Closed("it is shown nowhere".to_owned()));
        };
        let mut why = "the interaction's token has expired".to_owned();
        if let Some(token) = place.interaction_token().filter(|_| deploy.token_lives(now)) {
            match self.discord.edit_answer(&token, message).await {
                Ok(id) => return Ok(id),
                Err(error) if error.is_gone() => {
                    return Err(NotEdited::Closed(error.to_string()));
                }
                Err(error) if is_refused_as_a_card(deploy, &error) => {
                    return Err(NotEdited::NoComponents);
                }
                Err(error) if error.passes() => return Err(NotEdited::Fails(error)),
                // Discord may not have the answer yet, for example of a command that was answered at once.
                Err(error)
                    if is_unknown(&error)
                        && !place.on_screen
                        && now - deploy.began_at < KNOWN_WITHIN =>
                {
                    return Err(NotEdited::Fails(error));
                }
                Err(error) => why = error.to_string(),
            }
        }
        if let (Some(_), None, Some(channel_id)) =
            (&deploy.watched, place.message_id, place.channel_id)
        {
            return self.post_card(deploy, channel_id, message, now).await;
        }
        let (Some(channel_id), Some(message_id), true) =
            (place.channel_id, place.message_id, place.bot_may_edit())
        else {
            return Err(NotEdited::Closed(why));
        };
        match self.discord.edit_message(channel_id, message_id, message).await {
            Ok(()) => Ok(None),
            Err(error) if is_refused_as_a_card(deploy, &error) => Err(NotEdited::NoComponents),
            Err(error) if error.passes() || lacks_sign_in(&error) => Err(NotEdited::Fails(error)),
            Err(error) => Err(NotEdited::Closed(error.to_string())),
        }
    }

    /// Posts the card of a watched run. For a minute the nonce keeps it from being posted twice; later the channel
    /// is looked at first, as it may have been posted by a process that died.
    async fn post_card(
        &self,
        deploy: &Deploy,
        channel_id: u64,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, NotEdited> {
        let key = &deploy.order.key;
        if now - deploy.began_at >= NONCE_HOLDS {
            match self.discord.find_card(channel_id, &press::names(key)).await {
                Ok(Some(message_id)) => {
                    return match self.discord.edit_message(channel_id, message_id, message).await {
                        Ok(()) => Ok(Some(message_id)),
                        Err(error) if error.passes() => Err(NotEdited::Fails(error)),
                        Err(error) => Err(NotEdited::Closed(error.to_string())),
                    };
                }
                Err(error) if error.passes() => return Err(NotEdited::Fails(error)),
                // What may not be read may still be posted to.
                Ok(None) | Err(_) => {}
            }
        }
        let nonce = format!("c{:x}", key.interaction_id.0);
        match self.discord.reply(channel_id, None, message, &nonce).await {
            Ok(Some(message_id)) => {
                self.discord.refuses_cards(channel_id, false);
                Ok(Some(message_id))
            }
            Ok(None) => Err(NotEdited::Closed("Discord did not tell the message's id".to_owned())),
            Err(error) if is_refused_as_a_card(deploy, &error) => Err(NotEdited::NoComponents),
            Err(error) if error.passes() || lacks_sign_in(&error) => Err(NotEdited::Fails(error)),
            Err(error) => {
                // Once, not for each run.
                if self.discord.refuses_cards(channel_id, true) {
                    let (what, fix) = channel::refused(&error);
                    tracing::error!(channel_id, "a [[watch]] cannot show its runs: {what} {fix}");
                }
                Err(NotEdited::Closed(error.to_string()))
            }
        }
    }

    /// Sees whether the message still shows the end.
    pub(in crate::deploy) async fn check_shown(&self, deploy: Deploy) -> Done {
        let now = self.clock.now();
        let place = deploy.place.as_ref();
        let token =
            place.and_then(|place| place.interaction_token()).filter(|_| deploy.token_lives(now));
        let Some(token) = token else {
            // It cannot be read by the bot in every channel, but made to show it again.
            return Done::with(Event::Replaced);
        };
        let message = messages::message(&deploy, now);
        match self.discord.read_answer(&token).await {
            Ok(answer) if answer.shown.trim() == message.shown().trim() => {
                Done::with(Event::StillShown)
            }
            Ok(_) => Done::with(Event::Replaced),
            Err(error) if error.passes() => Done::of_discord(&error),
            Err(_) => Done::with(Event::StillShown),
        }
    }
}

/// Whether Discord takes no such components here. Once a message is a card it cannot be text again; the buttons under
/// a text can go at any time.
fn is_refused_as_a_card(deploy: &Deploy, error: &DiscordError) -> bool {
    let Some(place) = &deploy.place else { return false };
    let can_do_without = !place.no_buttons && (place.text_only || deploy.shown.is_none());
    can_do_without && error.refuses_components()
}

enum NotEdited {
    /// Discord refuses components.
    NoComponents,
    /// It never will be.
    Closed(String),
    /// It may be later.
    Fails(DiscordError),
}
