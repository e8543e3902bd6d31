//! Routes an interaction to its command: route, authorise, read the options, start.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::agents::options::Options;
use crate::bot::answer_by::AnswerBy;
use crate::bot::command::{Served, served};
use crate::bot::follow_up::FollowUp;
use crate::bot::tasks::Deadline;
use crate::bot::{Call, Command, Completion, Context, Plan};
use crate::clicks;
use crate::discord::Message;
use crate::discord::interaction::{Click, Interaction, Invocation};
use crate::discord::reply::{Reply, Suggestion};
use crate::telemetry::{self, About, Event};
use crate::text::{UserError, escape};

/// Answers interactions with the commands of a table.
pub struct Router {
    /// The services that commands use.
    pub context: Arc<Context>,
    /// The command table.
    pub table: &'static [Command],
}

impl Router {
    /// The command of this name.
    fn route(&self, name: &str) -> Option<Served<'_>> {
        served(self.table, &self.context.registry).find(|served| served.name == name)
    }

    /// Answers an interaction. Work that takes longer goes on as a task until `deadline`.
    pub async fn answer(&self, interaction: Interaction, deadline: Option<Deadline>) -> Reply {
        match interaction {
            Interaction::Ping => self.at_once(Reply::Pong),
            Interaction::Other => self.at_once(Reply::Message(Message::private(
                "⚠️ This version of Deckhand knows no such interaction. If you pressed a button or \
                 filled in a form, the message it belongs to is from another version.",
            ))),
            Interaction::Autocomplete(invocation) => {
                self.context.discord.compare_application(&invocation.token);
                let about = self.about(Event::Autocomplete, &invocation);
                let suggested = self.suggest(&invocation).map(Reply::Choices);
                self.context.telemetry.scope(about, suggested.inspect(noted)).await
            }
            Interaction::Click(click) => {
                self.context.discord.compare_application(&click.token);
                let now = self.context.clock.now();
                let about = click.about(Event::Click, clicks::named(&click), now);
                let answered = self.answer_click(click, deadline);
                self.context.telemetry.scope(about, answered.inspect(noted)).await
            }
            Interaction::Command(invocation) => {
                self.context.discord.compare_application(&invocation.token);
                let about = self.about(Event::Command, &invocation);
                let answered = self.answer_command(invocation, deadline);
                self.context.telemetry.scope(about, answered.inspect(noted)).await
            }
        }
    }

    fn at_once(&self, reply: Reply) -> Reply {
        self.context.telemetry.at_once(About::default(), reply.name());
        reply
    }

    fn about(&self, event: Event, invocation: &Invocation) -> About {
        let known = self.route(&invocation.name).is_some();
        invocation.about(event, known, self.context.clock.now())
    }

    /// Autocomplete suggestions. There are none if they take longer than the three seconds.
    async fn suggest(&self, invocation: &Invocation) -> Vec<Suggestion> {
        let Some(route) = self.route(&invocation.name) else { return Vec::new() };
        let focused = invocation.options.iter().find(|option| option.focused);
        let (Some(complete), Some(focused)) = (route.command.complete, focused) else {
            return Vec::new();
        };
        if self.context.access.decide(&invocation.caller, route.access(), &route.rule()).is_err() {
            return Vec::new();
        }
        let suggestions = complete(Completion {
            context: self.context.clone(),
            agent: route.agent.cloned(),
            caller: invocation.caller.clone(),
            option: focused.name.clone(),
            typed: focused.value.as_str().unwrap_or_default().to_owned(),
        });
        let time_left = invocation.id.time_left(self.context.clock.now());
        tokio::time::timeout(time_left, suggestions).await.unwrap_or_default()
    }

    async fn answer_command(&self, invocation: Invocation, deadline: Option<Deadline>) -> Reply {
        let plan = self.start(&invocation, deadline).await;
        self.answer_by(plan, invocation, deadline).await
    }

    async fn answer_click(&self, click: Click, deadline: Option<Deadline>) -> Reply {
        let invocation = click.invocation(clicks::named(&click));
        let plan = clicks::start(&self.context, click, deadline).await;
        self.answer_by(plan, invocation, deadline).await
    }

    async fn answer_by(
        &self,
        plan: Result<Plan, UserError>,
        invocation: Invocation,
        deadline: Option<Deadline>,
    ) -> Reply {
        let follow_up = FollowUp::of(&self.context, invocation, deadline);
        match plan {
            Err(error) => {
                telemetry::refused(&error);
                Reply::Message(Message::private(&error.text()))
            }
            Ok(Plan::Answer(message)) => follow_up.answer(message),
            Ok(Plan::Race(work)) => follow_up.race(work).await,
            Ok(Plan::RacePrivately(work)) => follow_up.privately().race(work).await,
            Ok(Plan::Update(message)) => Reply::Update(message),
            Ok(Plan::Unchanged(work)) => {
                self.context.tasks.spawn(work);
                Reply::Unchanged
            }
            Ok(Plan::Defer(work)) => follow_up.defer(work),
        }
    }

    /// Checks the place, routes, authorises, reads the options and starts, in this order. An unauthorised
    /// caller learns only that.
    async fn start(
        &self,
        invocation: &Invocation,
        deadline: Option<Deadline>,
    ) -> Result<Plan, UserError> {
        self.context.access.decide_place(&invocation.caller)?;
        let route = self.route(&invocation.name);
        let route = route.ok_or_else(|| {
            UserError::new(format!(
                "unknown command {}. If it was removed lately, run `deckhand register` again.",
                escape::code(&invocation.name, 32),
            ))
        })?;
        self.context.access.decide(&invocation.caller, route.access(), &route.rule())?;
        let options = Options::read(&route.options(), &invocation.options, &self.context.urls)?;
        (route.command.start)(Call {
            context: self.context.clone(),
            table: self.table,
            agent: route.agent.cloned(),
            id: invocation.id,
            token: invocation.token.clone(),
            is_dead: invocation.is_dead(),
            caller: invocation.caller.clone(),
            options,
            answer_by: AnswerBy::of(invocation.id, self.context.clock.now()),
            deadline,
        })
        .await
    }
}

fn noted(reply: &Reply) {
    telemetry::answered(reply.name());
}
