//! When what was typed is over.

use std::time::Duration;

use serde_json::Value;
use standins::discord::{Discord, Interaction};
use tokio::time::{Instant, sleep};

use super::{Bot, Webhooks, World};

/// How long an outcome may take after everything else: a lease of a killed process, and some looks.
const PATIENCE: Duration = Duration::from_secs(150);
/// The lamp of a message that is no outcome: the wait is over, the deploy is not.
const GOES_ON: &str = "⏱️";
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(100);

impl World {
    /// Waits until all interactions are answered and their work is done.
    pub(crate) async fn done(&mut self) {
        while self.deliveries.join_next().await.is_some() {}
        if let Bot::Here { tasks, .. } = &self.bot {
            tasks.drained().await;
            if self.webhooks == Webhooks::Off {
                self.under_way.clear();
                return;
            }
        }
        // A deploy goes on without a task: by deliveries, or in a process that cannot be asked.
        self.told().await;
        while self.webhooks != Webhooks::Off && self.github.delivers() {
            sleep(LOOK).await;
        }
        match &self.bot {
            Bot::Here { tasks, .. } => tasks.drained().await,
            Bot::Apart { .. } => sleep(LOOK).await,
        }
    }

    /// Waits until the channel shows that nothing is under way.
    async fn told(&mut self) {
        let ends = Instant::now() + PATIENCE;
        while !self.under_way.is_empty() {
            if Instant::now() > ends {
                self.under_way.clear();
                self.lost = true;
                break;
            }
            sleep(LOOK).await;
            let discord = &self.discord;
            self.under_way.retain(|interaction| !is_told(discord, interaction));
        }
    }
}

/// Whether an interaction has its answer and, if it is one that waits for a run, its outcome.
fn is_told(discord: &Discord, interaction: &Interaction) -> bool {
    let messages = discord.messages(&interaction.id);
    let Some(original) = messages.iter().find(|message| !message.follow_up) else {
        // There was no answer, or it is gone.
        return true;
    };
    if original.loading {
        return false;
    }
    let waits = |option: &Value| option["name"] == "wait" && option["value"] == true;
    let sent: Value = serde_json::from_slice(&interaction.body).unwrap_or_default();
    let options = sent.pointer("/data/options").and_then(Value::as_array);
    if original.ephemeral || !options.is_some_and(|all| all.iter().any(waits)) {
        return true;
    }
    let replies = discord.channel_messages();
    let replies = replies.iter().filter(|message| message.reply_to.as_ref() == Some(&original.id));
    let mut notifies = messages.iter().chain(replies).filter(|message| !message.pings.is_empty());
    notifies.any(|message| !message.content.contains(GOES_ON))
}
