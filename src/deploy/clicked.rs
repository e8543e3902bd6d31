//! What the clicks on a deploy mean for it: which of them count, what came of them, and who is told the end.

use chrono::{DateTime, TimeDelta, Utc};

use super::click::{Acted, Action, Click};
use super::record::{Deploy, Ending, Phase};

/// The most clicks that are kept. Nobody presses more often by hand.
const CLICKS: usize = 50;

/// Whoever asks GitHub for what was clicked is gone after this long.
pub(super) const ASKED_WITHIN: TimeDelta = TimeDelta::minutes(2);

impl Deploy {
    /// Somebody wants something done. What is done already for this attempt is not done again. `false`: it does not count.
    pub(super) fn click(&mut self, click: Click) -> bool {
        self.give_up_clicks(click.at);
        let fits = match click.action {
            Action::Cancel | Action::ForceCancel => self.phase == Phase::Running,
            Action::Rerun => self.ending().is_some(),
            Action::RollBack => true,
        };
        let is_known = |known: &Click| known.interaction_id == click.interaction_id;
        let is_of_now = click.attempt == self.attempt();
        let is_done = self.clicked(click.action, click.attempt).is_some_and(|known| {
            // A roll back may be meant again after the first one, but not by an answer to what was asked before.
            click.action != Action::RollBack || click.asked_at.is_none_or(|at| known.at >= at)
        });
        let counts = fits
            && is_of_now
            && !is_done
            && !self.clicks.iter().any(is_known)
            && self.clicks.len() < CLICKS;
        if counts {
            self.clicks.push(click);
        }
        counts
    }

    /// What came of a click. `None`: it is not there, or that is known.
    pub(super) fn settle(&mut self, interaction_id: u64, result: Acted) -> Option<Click> {
        let mut clicks = self.clicks.iter_mut();
        let click = clicks.find(|click| {
            click.interaction_id == interaction_id && matches!(click.result, Acted::Asking { .. })
        })?;
        click.result = result;
        Some(click.clone())
    }

    /// Whether somebody asks GitHub for something, and since when.
    pub(super) fn asks_since(&self) -> Option<DateTime<Utc>> {
        let since = |click: &Click| match click.result {
            Acted::Asking { since } => Some(since),
            _ => None,
        };
        self.clicks.iter().filter_map(since).min()
    }

    /// What came of a click that was to be answered long ago nobody knows: whoever asked is gone.
    pub(crate) fn give_up_clicks(&mut self, now: DateTime<Utc>) {
        for click in &mut self.clicks {
            if matches!(click.result, Acted::Asking { since } if now - since >= ASKED_WITHIN) {
                click.result = Acted::Unknown;
            }
        }
    }

    /// The latest click of such an action on this attempt that GitHub has taken, or is asked for.
    pub(crate) fn clicked(&self, action: Action, attempt: u64) -> Option<&Click> {
        let is_it = |click: &&Click| click.action == action && click.attempt == attempt;
        let counts = |click: &&Click| matches!(click.result, Acted::Asking { .. } | Acted::Done);
        self.clicks.iter().rev().filter(is_it).find(counts)
    }

    /// Whoever had this attempt begun here. `None`: it is the first, or it was begun on GitHub.
    pub(crate) fn rerun_by(&self) -> Option<&Click> {
        let before = self.attempt().checked_sub(1)?;
        self.clicked(Action::Rerun, before).filter(|_| self.reopened)
    }

    /// Whether no other edit of its message follows, as far as is known: it has ended, and nobody has pressed a button since.
    pub(super) fn is_shown_for_the_last_time(&self) -> bool {
        let is_quiet = |end: &Ending| self.clicks.iter().all(|click| click.at < end.at);
        self.details.is_some() && self.ending().is_some_and(is_quiet)
    }

    /// Whether its outcome is a message of its own.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waits || self.rerun_by().is_some()
    }

    /// Who is pinged when it has ended: the requester, or whoever had it run again here. Nobody, if that was done
    /// on GitHub.
    pub(crate) fn pinged(&self) -> Option<u64> {
        if self.reopened {
            return self.rerun_by().map(|click| click.user_id);
        }
        self.pings.then_some(self.order.requester.user_id)
    }
}
