//! Posts the outcome's own message, which pings.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::sleep;

use super::{Done, Services, is_unknown, lacks_sign_in};
use crate::deploy::event::Event;
use crate::deploy::messages;
use crate::deploy::place::Place;
use crate::deploy::record::{Deploy, Sender, Telling};
use crate::discord::{DiscordError, Message, Told, outcome_nonce};

/// How long Discord may not know an interaction's token that it has taken before.
const UNKNOWN_FOR: TimeDelta = TimeDelta::seconds(60);

/// When the channel is looked at for an outcome whose answer was lost, by the time since it was tried. After the
/// last look Discord will not post it any more.
const LOOKS: [TimeDelta; 3] =
    [TimeDelta::seconds(1), TimeDelta::seconds(5), TimeDelta::seconds(15)];

/// How often the outcome's message is tried to be completed.
const DETAILS_TOLD: usize = 3;

impl Services<'_> {
    /// Sees whether Discord answers: a post that may be tried only once is not wasted on an outage.
    pub(in crate::deploy) async fn probe(&self, deploy: Deploy) -> Done {
        let Some(place) = &deploy.place else { return Done::nothing().answered() };
        let token = place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
        let answer = match (token, place.channel_id) {
            (Some(token), _) => self.discord.read_answer(&token).await.map(drop),
            (None, Some(channel_id)) if place.has_bot => {
                self.discord.sees_channel(channel_id).await
            }
            _ => Ok(()),
        };
        match answer {
            Err(error) if error.passes() => Done::of_discord(&error),
            _ => Done::nothing().answered(),
        }
    }

    /// Posts the outcome, once.
    pub(in crate::deploy) async fn tell(&self, deploy: Deploy, by: Sender) -> Done {
        let (Some(message), Some(place)) = (messages::told(&deploy), &deploy.place) else {
            return Done::nothing();
        };
        let posted = match by {
            Sender::Bot => {
                let Some(channel_id) = place.channel_id else {
                    return Done::with(Event::BotRefused);
                };
                let nonce = outcome_nonce(deploy.interaction(), deploy.attempt());
                self.reply(channel_id, &deploy, place, &message, &nonce).await
            }
            Sender::Interaction => {
                let token =
                    place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
                let Some(token) = token else {
                    let why = "the interaction's token has expired, and the bot may not post";
                    return Done::with(Event::Untold { why: why.to_owned() });
                };
                match self.discord.follow_up_once(&token, &message).await {
                    // It notified nobody.
                    Ok(posted) if posted.replaced_original && deploy.pinged().is_some() => {
                        let again = self.discord.follow_up_once(&token, &message).await;
                        again.map(|posted| posted.id)
                    }
                    posted => posted.map(|posted| posted.id),
                }
            }
        };
        match posted {
            Ok(message_id) => {
                let detailed = deploy.details.is_some();
                Done::with(Event::Told { by, message_id, detailed })
            }
            Err(error) if error.may_be_taken() => {
                tracing::warn!(%error, "it is not known whether the outcome was posted");
                Done::nothing()
            }
            Err(error) if error.passes() => {
                Done { events: vec![Event::NotTold], ..Done::of_discord(&error) }
            }
            Err(error)
                if by == Sender::Interaction && is_unknown(&error) && self.is_fresh(&deploy) =>
            {
                // Discord knew the interaction before, so this passes.
                Done { events: vec![Event::NotTold], ..Done::of_discord(&error) }
            }
            Err(error)
                if by == Sender::Bot
                    && lacks_sign_in(&error)
                    && !deploy.token_lives(self.clock.now()) =>
            {
                Done { events: vec![Event::NotTold], ..Done::of_discord(&error) }
            }
            Err(error) if by == Sender::Bot => {
                tracing::warn!(%error, "the bot may not post the outcome");
                Done::with(Event::BotRefused)
            }
            Err(error) => Done::with(Event::Untold { why: error.to_string() }),
        }
    }

    /// Posts a message by the bot's token, as a reply to the deploy's where the bot may do that. `nonce`: Discord takes
    /// only one message with it.
    pub(super) async fn reply(
        &self,
        channel_id: u64,
        deploy: &Deploy,
        place: &Place,
        message: &Message,
        nonce: &str,
    ) -> Result<Option<u64>, DiscordError> {
        let may_reply = place.permissions.is_none_or(|may| may.may_read_history());
        let to = place.message_id.filter(|_| may_reply);
        match self.discord.reply(channel_id, to, message, nonce).await {
            // It was only assumed that the bot may do that in the channel of a watch.
            Err(error) if deploy.watched.is_some() && error.refuses_replies() => {
                self.discord.reply(channel_id, None, message, nonce).await
            }
            posted => posted,
        }
    }

    /// Whether the end is known for a short time only.
    fn is_fresh(&self, deploy: &Deploy) -> bool {
        let now = self.clock.now();
        deploy.ending().is_some_and(|ending| now - ending.at < UNKNOWN_FOR)
    }

    /// Sees whether an outcome was posted whose answer was lost, or whose sender was killed.
    pub(in crate::deploy) async fn find_told(&self, deploy: Deploy) -> Done {
        let (Some(place), Some(ending), Some(message)) =
            (&deploy.place, deploy.ending(), messages::told(&deploy))
        else {
            return Done::nothing();
        };
        let Telling::Tried { at, by } = ending.telling else { return Done::nothing() };
        let unknown = |why: String| Done::with(Event::Untold { why });
        let Some(channel_id) = place.channel_id.filter(|_| place.bot_may_read()) else {
            return unknown(
                "Discord's answer to it was lost, and the channel's history may not be read"
                    .to_owned(),
            );
        };
        // The details may have come after it was posted.
        let before = messages::told(&Deploy { details: None, ..deploy.clone() });
        let before = before.filter(|before| before.content() != message.content());
        let texts = [(Some(&message), deploy.details.is_some()), (before.as_ref(), false)];
        let mut is_there = Err(DiscordError::NotShown);
        for (look, after) in LOOKS.into_iter().enumerate() {
            let pause = (at + after - self.clock.now()).to_std().unwrap_or_default();
            if pause.is_zero() && look + 1 < LOOKS.len() {
                continue;
            }
            sleep(pause).await;
            for (text, detailed) in texts {
                let Some(text) = text else { continue };
                let told = Told {
                    message_id: place.message_id,
                    interaction: deploy.interaction(),
                    application_id: place.application_id,
                    content: text.content(),
                };
                is_there = self.discord.find_told(channel_id, told).await;
                if let Ok(Some(id)) = is_there {
                    return Done::with(Event::Told { by, message_id: Some(id), detailed });
                }
            }
        }
        match is_there {
            Ok(_) => {
                tracing::info!("the outcome is not in the channel: it is posted again");
                Done::with(Event::NotTold)
            }
            Err(error) if error.passes() => Done::of_discord(&error),
            Err(error) => unknown(format!("Discord's answer to it was lost ({error})")),
        }
    }

    /// Makes the outcome's message show the details. An edit pings nobody.
    pub(in crate::deploy) async fn tell_details(&self, deploy: Deploy) -> Done {
        let told = deploy.ending().map(|ending| &ending.telling);
        let Some(Telling::Told { by, message_id: Some(id), .. }) = told else {
            return Done::nothing();
        };
        let (Some(place), Some(message)) = (&deploy.place, messages::told(&deploy)) else {
            return Done::nothing();
        };
        let mut pause = Duration::from_secs(1);
        for _ in 0..DETAILS_TOLD {
            let token = place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
            let edited = match (by, token, place.channel_id) {
                (Sender::Interaction, Some(token), _) => {
                    self.discord.edit_follow_up(&token, *id, &message).await
                }
                (_, _, Some(channel_id)) if place.has_bot => {
                    self.discord.edit_message(channel_id, *id, &message).await
                }
                _ => break,
            };
            match edited {
                Err(error) if error.passes() => {
                    if let DiscordError::RateLimited(wait) = error {
                        pause = pause.max(wait.min(Duration::from_secs(10)));
                    }
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::warn!(%error, "the outcome could not be completed");
                    break;
                }
                Ok(()) => break,
            }
        }
        Done::with(Event::ToldDetails)
    }
}
