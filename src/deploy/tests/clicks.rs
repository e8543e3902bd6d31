//! People who press buttons at any moment, as `act` has it.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::promises::check_step;
use crate::deploy::click::{Acted, Action, Click};
use crate::deploy::event::Event;
use crate::deploy::next::due;
use crate::deploy::record::{Deploy, Phase};
use crate::deploy::sample;
use crate::deploy::step::step;

#[derive(Default)]
pub(super) struct Clicks {
    last_id: u64,
    /// The clicks for which GitHub was asked.
    asked: Vec<u64>,
    /// What comes of them, and when it is stored.
    answers: Vec<(u64, Acted, DateTime<Utc>)>,
}

fn has(deploy: &Deploy, interaction_id: u64) -> bool {
    deploy.clicks.iter().any(|click| click.interaction_id == interaction_id)
}

impl World {
    pub(super) fn people_click(&mut self) {
        let now = self.now;
        let answers = std::mem::take(&mut self.clicks.answers).into_iter();
        let (due, later): (Vec<_>, Vec<_>) = answers.partition(|(_, _, at)| *at <= now);
        self.clicks.answers = later;
        for (interaction_id, result, _) in due {
            self.is_answered(interaction_id, result);
        }
        if self.chance.one_in(30) {
            self.somebody_clicks();
        }
    }

    fn somebody_clicks(&mut self) {
        let action = match () {
            () if self.chance.one_in(2) => Action::Cancel,
            () if self.chance.one_in(2) => Action::Rerun,
            () if self.chance.one_in(2) => Action::ForceCancel,
            () => Action::RollBack,
        };
        let is_replay = self.chance.one_in(4);
        self.clicks.last_id += u64::from(!is_replay);
        let is_stale = self.chance.one_in(6);
        let click = Click {
            action,
            user_id: 9,
            username: "grace".to_owned(),
            at: self.now,
            interaction_id: self.clicks.last_id,
            attempt: self.stored.attempt() - u64::from(is_stale),
            result: Acted::Asking { since: self.now },
            asked_at: (action == Action::RollBack).then_some(self.now),
        };
        let (id, attempt) = (click.interaction_id, click.attempt);
        if has(&self.stored, id) || !self.note(Event::Clicked(click)) || !has(&self.stored, id) {
            return;
        }
        let counts = |one: &&Click| matches!(one.result, Acted::Asking { .. } | Acted::Done);
        let same = self.stored.clicks.iter().filter(counts);
        let same = same.filter(|one| one.action == action && one.attempt == attempt).count();
        assert!(same == 1 || action == Action::RollBack, "done twice: {:#?}", self.stored.clicks);
        // The process may be killed before it asks GitHub, and after.
        if self.chance.one_in(6) {
            return;
        }
        assert!(!self.clicks.asked.contains(&id), "asked twice: {:#?}", self.stored.clicks);
        self.clicks.asked.push(id);
        let is_taken = self.is_asked(action, attempt);
        if self.chance.one_in(6) {
            return;
        }
        let result = match is_taken {
            _ if self.chance.one_in(4) => Acted::Unknown,
            true => Acted::Done,
            false => Acted::Refused { why: "no".to_owned() },
        };
        let takes = if self.chance.one_in(3) { 20 } else { 0 };
        self.clicks.answers.push((id, result, self.now + TimeDelta::seconds(takes)));
    }

    /// GitHub is asked for it. Whether it does so.
    fn is_asked(&mut self, action: Action, attempt: u64) -> bool {
        let Some(run) = self.run() else { return action == Action::RollBack };
        match action {
            Action::Cancel | Action::ForceCancel => {
                let goes_on = !run.is_completed();
                self.github.cancelled = self.github.cancelled.or(goes_on.then_some(self.now));
                goes_on
            }
            // It is not the attempt that was meant.
            Action::Rerun if run.attempt() > attempt => false,
            Action::Rerun if run.conclusion.as_deref().is_some_and(|end| end != "success") => {
                self.github.starts_again(self.now);
                true
            }
            Action::Rerun => false,
            Action::RollBack => true,
        }
    }

    fn is_answered(&mut self, interaction_id: u64, result: Acted) {
        let is_done = result == Acted::Done;
        if !self.note(Event::Acted { interaction_id, result }) {
            return;
        }
        if !is_done
            && let Some(run) = self.run().filter(|run| run.attempt() > self.stored.attempt())
        {
            self.note(Event::Saw(Box::new(run)));
        }
        if due(&self.stored).is_some_and(|due| due <= self.now) {
            self.visit(None);
        }
    }

    /// Stores what became known, whoever acts for the deploy, as `note`. `false`: the store is down.
    fn note(&mut self, event: Event) -> bool {
        if self.chance.one_in(24) {
            return false;
        }
        let stepped = step(&self.stored, event.clone(), self.now);
        assert!(
            step(&stepped, event.clone(), self.now) == stepped,
            "{event:?} twice: {stepped:#?}"
        );
        if stepped != self.stored {
            self.is_stored(stepped);
        }
        true
    }

    /// Every click for which GitHub was asked is in the record, and what came of it, or that nobody knows.
    pub(super) fn clicks_are_right(&self) {
        for id in &self.clicks.asked {
            assert!(has(&self.stored, *id), "{id} is not there: {:#?}", self.stored.clicks);
        }
        let open = |click: &Click| matches!(click.result, Acted::Asking { .. });
        assert!(!self.stored.clicks.iter().any(open), "{:#?}", self.stored.clicks);
    }
}

#[test]
fn a_reruns_late_answer_does_not_begin_its_attempt_once_more() {
    let mut deploy = sample::deploy(1, "cancelled");
    if let Some(run) = deploy.target.as_mut().and_then(|target| target.run.as_mut()) {
        run.run_attempt = Some(2);
    }
    let Phase::Ended(ending) = deploy.phase.clone() else { panic!("{deploy:#?}") };
    deploy.phase = Phase::Ending(ending);
    let now = deploy.began_at + TimeDelta::seconds(100);
    let click = Click {
        action: Action::Rerun,
        attempt: 1,
        result: Acted::Asking { since: now },
        ..sample::click()
    };
    let acted = Event::Acted { interaction_id: click.interaction_id, result: Acted::Done };
    deploy.clicks.push(click);
    let mut after = step(&deploy, acted, now);
    for _ in 0..3 {
        check_step(&deploy, &after);
        after = step(&after, Event::Tick, now);
    }
    assert_eq!(after.ending().map(|ending| ending.rerun), Some(None));
}
