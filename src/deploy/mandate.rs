//! What a call of `advance` does of what there is to do, and when it may rest.

use chrono::TimeDelta;
use tokio::time::Duration;

use super::actor::{Actor, Mandate};
use super::arrivals;
use super::next::{Effect, HEAD_START, completes_soon, next, shows_news_soon};
use super::record::{Phase, Search, Telling};

/// How long a stuck end is tried by whoever follows a deploy; then the sweep goes on.
const TRIED_FOR: Duration = Duration::from_secs(60);

/// How long an outsider goes on with a deploy while GitHub or Discord fail.
const VISITED_FOR: Duration = Duration::from_secs(5);

/// A lost dispatch is looked for this long before the answer says that it is unknown.
const LOST_FOR: TimeDelta = TimeDelta::seconds(30);

/// How long it is tried to show that the wait is over; then the sweep goes on.
const SHOWN_WITHIN: TimeDelta = TimeDelta::seconds(20);

/// A post that was not begun this long after it was stored is looked for instead: the process stood still.
const POSTED_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// Who waits for a deploy that could not be begun leaves it to the sweep after this long.
const LEFT_ALONE_AFTER: Duration = Duration::from_secs(75);

impl Actor<'_> {
    /// What is to be done now, as far as the mandate goes.
    pub(super) fn effects(&self) -> Vec<Effect> {
        let deploy = &self.draft.deploy;
        let mut effects = next(deploy, self.draft.me, self.services.clock.now());
        // Whoever has begun it is gone: its user may have read that nothing was done.
        if deploy.phase == Phase::Requested && !self.has_begun {
            effects = vec![Effect::ReadAnswer];
        }
        // This call has stored that it posts the outcome, and has not posted it yet.
        let now = self.services.clock.now();
        if let (true, Some(Telling::Tried { at, by })) =
            (self.draft.tells, deploy.ending().map(|ending| &ending.telling))
            && now - *at < POSTED_WITHIN
        {
            effects.retain(|effect| *effect != Effect::FindTold);
            effects.push(Effect::Tell(*by));
        } else if let Some(tell) = effects.iter_mut().find(|one| matches!(one, Effect::Tell(_)))
            && !self.may_tell()
        {
            *tell = Effect::Probe;
        }
        let is_held_back = deploy.ending().is_some_and(|ending| now - ending.at < HEAD_START);
        if is_held_back && effects.contains(&Effect::Show) {
            effects.retain(|effect| *effect != Effect::Probe);
        }
        match self.mandate {
            Mandate::Wait => {
                let look = match deploy.phase {
                    Phase::Searching(_) => Some(Effect::Search),
                    Phase::Running => Some(Effect::Look),
                    Phase::Ended(_) if deploy.shown_in_doubt_until.is_some() => {
                        Some(Effect::CheckShown).filter(|_| effects.is_empty())
                    }
                    _ => None,
                };
                effects.extend(look.filter(|look| !effects.contains(look)));
            }
            Mandate::Dispatch => {
                effects.retain(|effect| matches!(effect, Effect::PutOnScreen | Effect::Dispatch));
                if self.looks_for_a_lost_dispatch() {
                    effects.push(Effect::Search);
                }
            }
            Mandate::Visit => {}
        }
        // Progress is not stored, so what is may be older than what the message shows.
        let looks = effects.iter().any(|effect| matches!(effect, Effect::Look | Effect::Search));
        if !self.has_begun && !self.has_looked && looks {
            effects.retain(|effect| *effect != Effect::Show);
        }
        effects
    }

    /// Whether the outcome may be posted now. A post that can be looked for if its answer is lost may always be
    /// tried. One that may be tried only once is not wasted while Discord is down.
    pub(super) fn may_tell(&self) -> bool {
        let place = self.draft.deploy.place.as_ref();
        let can_look = place.is_some_and(|place| place.bot_may_post() && place.bot_may_read());
        can_look || self.discord_answers
    }

    fn looks_for_a_lost_dispatch(&self) -> bool {
        let now = self.services.clock.now();
        matches!(self.draft.deploy.phase, Phase::Searching(Search { lost: true, sent_at, .. })
            if now - sent_at < LOST_FOR)
    }

    /// Whether nothing is left to do here. `held_up`: something failed, and is to be done again soon.
    pub(super) async fn may_rest(&mut self, held_up: bool) -> bool {
        let now = self.services.clock.now();
        let deploy = &self.draft.deploy;
        if let Phase::Ended(_) = deploy.phase {
            // An edit that may still land is waited for where there is time.
            let in_doubt = deploy.shown_in_doubt_until.is_some();
            let has_tried = self.ending_since.is_some_and(|since| since.elapsed() >= TRIED_FOR);
            return self.mandate != Mandate::Wait || !in_doubt || has_tried;
        }
        match self.mandate {
            Mandate::Dispatch => match deploy.phase {
                Phase::Requested => self.began.elapsed() >= LEFT_ALONE_AFTER,
                Phase::Dispatching { .. } => false,
                _ => !self.looks_for_a_lost_dispatch(),
            },
            Mandate::Visit => {
                let ends_soon = deploy.end_is_near_until.is_some_and(|until| now < until);
                if ends_soon && deploy.phase == Phase::Running {
                    return false;
                }
                if shows_news_soon(deploy, now) || completes_soon(deploy, now) {
                    return false;
                }
                let effects = self.effects();
                effects.is_empty() || (held_up && self.began.elapsed() >= VISITED_FOR)
            }
            Mandate::Wait => match &deploy.phase {
                Phase::Requested => self.began.elapsed() >= LEFT_ALONE_AFTER,
                Phase::Dispatching { .. } => false,
                Phase::Ending(_) | Phase::Ended(_) => {
                    self.ending_since.is_some_and(|since| since.elapsed() >= TRIED_FOR)
                }
                Phase::Searching(_) | Phase::Running => {
                    if self.effects().contains(&Effect::Show)
                        && now < deploy.wait_until + SHOWN_WITHIN
                    {
                        return false;
                    }
                    // A look that is due, for example by a note, is not left to the sweep.
                    let is_due = now >= deploy.look_at;
                    // Another edit that is put off for a moment is left to whoever comes next.
                    now >= deploy.wait_until
                        || (!is_due
                            && !shows_news_soon(deploy, now)
                            && self.is_followed_by_webhooks().await)
                }
            },
        }
    }

    /// Whether webhooks tell how its run goes on. Asked once, when the run was seen.
    async fn is_followed_by_webhooks(&mut self) -> bool {
        let deploy = &self.draft.deploy;
        let is_seen = deploy.target.as_ref().is_some_and(|target| target.run.is_some());
        if !is_seen || !self.services.webhooks || deploy.phase != Phase::Running {
            return false;
        }
        if let Some(arrive) = self.webhooks_arrive {
            return arrive;
        }
        let now = self.services.clock.now();
        let arrive = arrivals::arrive(self.services.store, &deploy.order.repository, now).await;
        let arrive = arrive.unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known whether webhooks arrive");
            false
        });
        *self.webhooks_arrive.insert(arrive)
    }
}
