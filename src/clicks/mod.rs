//! Buttons of a deploy's message. Each click is authorised anew for whoever clicks, against the deploy as it stands
//! now. What the button says names only what is wanted and of which deploy.

mod act;
mod refresh;
mod roll_back;

use std::sync::Arc;

use crate::bot::answer_by::{AnswerBy, late};
use crate::bot::steer::{Steered, check, check_epoch, find};
use crate::bot::tasks::Deadline;
use crate::bot::{Context, Plan};
use crate::deploy::click::Action;
use crate::deploy::press::{Press, Wants};
use crate::discord::interaction::Click;
use crate::text::UserError;

/// A click on a button that this version knows.
struct Clicked {
    context: Arc<Context>,
    click: Click,
    press: Press,
    answer_by: AnswerBy,
    deadline: Option<Deadline>,
}

/// Checks who clicked what where, and starts it. An unauthorised caller learns only that.
pub(crate) async fn start(
    context: &Arc<Context>,
    click: Click,
    deadline: Option<Deadline>,
) -> Result<Plan, UserError> {
    context.access.decide_place(&click.caller)?;
    let press: Press = click.custom_id.parse().map_err(|()| {
        UserError::new("Nothing was done: this version of Deckhand does not know this button.")
    })?;
    if click.is_dead() {
        return Err(UserError::new(
            "Nothing was done: this click reached Deckhand after Discord's three seconds. Press it again.",
        ));
    }
    let wants = press.wants;
    let answer_by = AnswerBy::of(click.id, context.clock.now());
    let clicked = Clicked { context: context.clone(), click, press, answer_by, deadline };
    match wants {
        Wants::Act(Action::RollBack) => Ok(roll_back::ask(clicked)),
        Wants::Act(action) => Ok(act::start(clicked, action)),
        // On the heap: they are large beside the rest.
        Wants::RollBackNow => Box::pin(roll_back::start(clicked)).await,
        Wants::Dismiss => roll_back::dismiss(&clicked),
        Wants::Refresh => Box::pin(refresh::start(clicked)).await,
    }
}

/// What a button is for, for the log.
pub(crate) fn named(click: &Click) -> &'static str {
    let press: Option<Press> = click.custom_id.parse().ok();
    press.map_or("unknown", |press| press.wants.word())
}

impl Clicked {
    /// The deploy, if the caller may do this to it as it stands now.
    async fn deploy(&self) -> Result<Steered, UserError> {
        let Self { context, click, press, .. } = self;
        let steered = find(context, &click.caller, &press.key).await?;
        // The question whether to roll back is a message of its own.
        if press.wants != Wants::RollBackNow && !self.is_on_its_message(&steered) {
            return Err(UserError::new(
                "Nothing was done: this button is not on the message of the deploy that it names.",
            ));
        }
        if press.wants != Wants::Refresh {
            check_epoch(&steered.deploy, press.epoch)?;
        }
        check(context, &steered.deploy, press.wants)?;
        Ok(steered)
    }

    /// The same within the rest of the three seconds, where the answer cannot wait.
    async fn deploy_in_time(&self) -> Result<Steered, UserError> {
        self.answer_by.hold(self.deploy()).await.unwrap_or_else(|| Err(late()))
    }

    /// Whether the click was on the deploy's own message, as far as both are known.
    fn is_on_its_message(&self, steered: &Steered) -> bool {
        let known = steered.deploy.place.as_ref().and_then(|place| place.message_id);
        let pressed = self.click.message.as_ref().map(|message| message.id);
        match (known, pressed) {
            (Some(known), Some(pressed)) => known == pressed,
            _ => true,
        }
    }
}
