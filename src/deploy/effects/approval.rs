//! Asks for the approval that a run waits for, by a message of its own, and makes that tell what came of it.

use super::{Done, Services};
use crate::deploy::approval::{Approval, Posted};
use crate::deploy::approval_messages::asks_for_approval;
use crate::deploy::event::Event;
use crate::deploy::record::{Deploy, Sender};
use crate::discord::Told;

impl Services<'_> {
    /// Asks for the approval that the run waits for, once. It is a service, so an error is no failure.
    pub(in crate::deploy) async fn ask_for_approval(
        &self,
        deploy: Deploy,
        approval: Approval,
    ) -> Done {
        let (Some(message), Some(place)) = (asks_for_approval(&deploy), &deploy.place) else {
            return Done::nothing();
        };
        let token = place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
        let by_bot = match place.channel_id.filter(|_| place.bot_may_post()) {
            Some(channel_id) => {
                let nonce = approval.nonce(deploy.interaction());
                Some(self.reply(channel_id, &deploy, place, &message, &nonce).await)
            }
            None => None,
        };
        let (by, posted) = match (by_bot, token) {
            (Some(Err(error)), Some(token)) if !error.may_be_taken() => {
                tracing::warn!(%error, "the bot may not ask for the approval of the run");
                let posted = self.discord.follow_up_once(&token, &message).await;
                (Sender::Interaction, posted.map(|posted| posted.id))
            }
            (Some(posted), _) => (Sender::Bot, posted),
            (None, Some(token)) => {
                let posted = self.discord.follow_up_once(&token, &message).await;
                (Sender::Interaction, posted.map(|posted| posted.id))
            }
            (None, None) => {
                return Done::with(Event::AskedForApproval { approval, posted: None });
            }
        };
        match posted {
            Ok(Some(message_id)) => {
                let posted = Some(Posted { by, message_id });
                Done::with(Event::AskedForApproval { approval, posted })
            }
            Ok(None) => Done::nothing(),
            Err(error) => {
                tracing::warn!(%error, "no message asks for the approval of the run");
                if error.may_be_taken() {
                    return Done::nothing();
                }
                Done::with(Event::AskedForApproval { approval, posted: None })
            }
        }
    }

    /// Makes that message tell what came of it. An edit pings nobody, and twice is the same as once.
    pub(in crate::deploy) async fn tell_approval(&self, deploy: Deploy) -> Done {
        let (Some((asking, message)), Some(place)) = (deploy.answered_asking(), &deploy.place)
        else {
            return Done::nothing();
        };
        let over = Done::with(Event::ToldApproval(asking.approval.clone()));
        let readable = place.channel_id.filter(|_| place.bot_may_read());
        let posted = match (asking.posted, readable) {
            (Some(posted), _) => posted,
            // Discord's answer was lost, or whoever has posted it was killed.
            (None, Some(channel_id)) => {
                let (message_id, content) = (place.message_id, asking.text.as_str());
                let told = Told {
                    message_id,
                    interaction: deploy.interaction(),
                    application_id: place.application_id,
                    content,
                };
                match self.discord.find_told(channel_id, told).await {
                    Ok(Some(message_id)) => Posted { by: Sender::Bot, message_id },
                    Err(error) if error.passes() => return Done::of_discord(&error),
                    Ok(None) | Err(_) => return over,
                }
            }
            (None, None) => return over,
        };
        let Posted { by, message_id } = posted;
        let token = place.interaction_token().filter(|_| deploy.token_lives(self.clock.now()));
        let edited = match (by, token, place.channel_id) {
            (Sender::Interaction, Some(token), _) => {
                self.discord.edit_follow_up(&token, message_id, &message).await
            }
            (_, _, Some(channel_id)) if place.has_bot => {
                self.discord.edit_message(channel_id, message_id, &message).await
            }
            _ => return over,
        };
        match edited {
            Err(error) if error.passes() => Done::of_discord(&error),
            Err(error) => {
                tracing::warn!(%error, "it cannot be told what came of an approval");
                over
            }
            Ok(()) => over,
        }
    }
}
