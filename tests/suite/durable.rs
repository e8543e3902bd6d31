//! A deploy outlives its process: what DESIGN.md promises of the record, each promise on the real bot.

mod dispatch;
mod doctor;
mod ending;
mod matching;
mod quiet;
mod refusals;
mod sweeps;
mod webhooks;

use std::time::Duration;

use standins::discord::{Answer, Interaction, Message, User};
use standins::github::{Scenario, Timetable};

use crate::world::{Told, World, asks_for_approval};

const WAIT: &str = "/deploy-client wait:true";

const MINUTE: Duration = Duration::from_secs(60);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A run that ends so, this long after its dispatch.
fn ending(conclusion: &str, after: Duration) -> Scenario {
    let queued = seconds(2);
    let running = after.saturating_sub(queued);
    let timetable = Timetable { queued, running, ..Timetable::ending(conclusion) };
    Scenario { timetable, ..Scenario::default() }
}

/// A command that was typed.
struct Typed {
    interaction: Interaction,
    answer: Answer,
}

impl Typed {
    /// Somebody types this, and Discord takes the answer.
    async fn by(world: &World, who: &str, text: &str) -> Self {
        let interaction = world.interaction(who, text);
        let answer = world.deliver(&interaction).await;
        Self { interaction, answer }
    }

    /// What came of it until now.
    fn told(&self, world: &World) -> Told {
        world.told(&self.interaction, self.answer.clone())
    }

    /// The deploy's message as it is now.
    fn shown(&self, world: &World) -> Message {
        self.told(world).original().clone()
    }

    /// Asserts that the deploy's message says this, and returns it.
    fn shows(&self, world: &World, expected: &str) -> Message {
        let shown = self.shown(world);
        assert!(shown.content.contains(expected), "{expected}: {}", shown.content);
        shown
    }

    /// Asserts that the bot has posted one message, which says this, replies to the deploy's and pings this
    /// person only.
    fn was_told(&self, world: &World, who: &str, expected: &str) -> Message {
        let shown = self.shown(world);
        let posts = world.posts();
        let replies: Vec<_> = posts
            .into_iter()
            .filter(|post| post.reply_to.as_ref() == Some(&shown.id) && !asks_for_approval(post))
            .collect();
        assert_eq!(replies.len(), 1, "one reply to {}: {replies:#?}", shown.content);
        assert!(replies[0].content.contains(expected), "{expected}: {}", replies[0].content);
        assert_eq!(replies[0].pings, [User::named(who).id], "{}", replies[0].content);
        replies[0].clone()
    }
}
