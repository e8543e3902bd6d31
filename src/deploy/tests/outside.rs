//! GitHub and Discord, what they answer, and what happens there without us.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::process::Flight;
use super::promises::rank;
use super::{Setting, World};
use crate::deploy::correlation::Matched;
use crate::deploy::effects::LANDS_WITHIN;
use crate::deploy::event::{Event, Searched};
use crate::deploy::failure::FailedAt;
use crate::deploy::messages::fingerprint;
use crate::deploy::next::Effect;
use crate::deploy::past::Past;
use crate::deploy::place::Place;
use crate::deploy::record::{Deploy, Details, Sender, Telling};
use crate::deploy::target::Target;
use crate::github::Run;

const RUN_ID: u64 = 7;

/// A call is given up after so long.
const CALL: TimeDelta = TimeDelta::seconds(10);

/// How long GitHub's lists lag behind.
const LISTED_AFTER: TimeDelta = TimeDelta::seconds(3);

/// How long Discord remembers a nonce, at least.
const NONCE_LIVES: TimeDelta = TimeDelta::minutes(1);

pub(super) struct Github {
    pub dispatches: usize,
    /// When the latest attempt began; `None`: there is no run.
    pub began_at: Option<DateTime<Utc>>,
    pub attempt: u64,
    /// When that attempt was cancelled, if it was.
    pub cancelled: Option<DateTime<Utc>>,
    pub deleted: bool,
}

impl Default for Github {
    fn default() -> Self {
        Self { dispatches: 0, began_at: None, attempt: 1, cancelled: None, deleted: false }
    }
}

impl Github {
    /// The run begins its next attempt.
    pub(super) fn starts_again(&mut self, now: DateTime<Utc>) {
        (self.attempt, self.began_at, self.cancelled) = (self.attempt + 1, Some(now), None);
    }
}

#[derive(Default)]
pub(super) struct Discord {
    pub shows: Option<String>,
    /// Edits whose answer was lost, and when they land.
    pub late: Vec<(String, DateTime<Utc>)>,
    pub deleted: bool,
    /// The outcomes that were posted, by attempt.
    pub told: Vec<(u64, DateTime<Utc>)>,
}

impl World {
    /// A request arrives, and what is known of its answer.
    pub(super) fn arrives(&mut self, flight: &Flight) -> Vec<Event> {
        let (deploy, now) = (&flight.deploy, self.now);
        let gives_up = now - flight.since >= CALL;
        let fails = gives_up || self.chance.one_in(8);
        match flight.effect {
            Effect::PutOnScreen | Effect::Show => self.edit(flight, fails),
            Effect::ReadAnswer => {
                let refused = |tell| Event::Refused { why: "stopped".to_owned(), tell };
                if deploy.place.as_ref().is_some_and(|place| place.message_id.is_some()) {
                    vec![refused(true)]
                } else if fails || !deploy.token_lives(now) {
                    vec![refused(false)]
                } else {
                    vec![Event::OnScreen { message_id: Some(3) }, refused(true)]
                }
            }
            Effect::Dispatch if fails && !gives_up && self.chance.one_in(2) => {
                vec![Event::NotDispatched { why: "no such ref".to_owned(), for_admins: false }]
            }
            Effect::Dispatch if fails => vec![Event::Unnamed { lost: true }],
            Effect::Dispatch => {
                self.github.dispatches += 1;
                self.github.began_at = Some(now);
                let event = if self.chance.one_in(4) {
                    Event::Unnamed { lost: true }
                } else if self.setting.names_runs {
                    Event::Named(target(None))
                } else {
                    Event::Unnamed { lost: false }
                };
                vec![event]
            }
            Effect::Search | Effect::Look if fails => {
                let until = now + TimeDelta::minutes(5);
                let said = "no permission".to_owned();
                match () {
                    () if self.chance.one_in(4) => vec![Event::Postponed { until }],
                    () if self.chance.one_in(4) => {
                        vec![Event::NotShown { said, for_admins: false }]
                    }
                    () => Vec::new(),
                }
            }
            Effect::Search => {
                let is_listed = self.github.began_at.is_some_and(|at| now - at > LISTED_AFTER);
                let run = self.run().filter(|_| is_listed);
                let found = run.map_or(Searched::Nothing, |run| Searched::Found(target(Some(run))));
                vec![Event::Searched(found)]
            }
            Effect::Look => match self.run() {
                Some(run) => vec![Event::Saw(Box::new(run))],
                None => {
                    let since = deploy.trouble.as_ref().map(|trouble| trouble.since);
                    let is_deleted = since.is_some_and(|at| now - at >= TimeDelta::minutes(1));
                    let said = "not found".to_owned();
                    vec![if is_deleted {
                        Event::Deleted
                    } else {
                        Event::NotShown { said, for_admins: false }
                    }]
                }
            },
            Effect::Tell(by) => self.tell(deploy, by, fails, gives_up),
            Effect::FindTold => {
                let place = deploy.place.as_ref().unwrap();
                let attempt = rank(deploy).0;
                let is_there = self.discord.told.iter().any(|(told, _)| *told == attempt);
                let Some(Telling::Tried { by, .. }) = deploy.ending().map(|end| &end.telling)
                else {
                    return Vec::new();
                };
                match is_there {
                    _ if !place.bot_may_read() => vec![Event::Untold { why: "unknown".to_owned() }],
                    _ if fails => Vec::new(),
                    true => vec![Event::Told { by: *by, message_id: Some(4), detailed: false }],
                    false => vec![Event::NotTold],
                }
            }
            Effect::ReadDetails => {
                let failed_at = FailedAt { job: "build".to_owned(), step: None };
                let failed_at = (!fails && self.setting.fails).then_some(failed_at);
                vec![Event::Detailed(Details { failed_at, ..Details::default() })]
            }
            Effect::TellDetails => vec![Event::ToldDetails],
            Effect::Probe | Effect::AskForApproval | Effect::TellApproval => Vec::new(),
            Effect::ReadPast => vec![Event::Past(Past::default())],
            Effect::CheckShown if fails => Vec::new(),
            Effect::CheckShown => {
                let is_right = self.discord.shows == Some(fingerprint(deploy, now));
                let is_seen = deploy.token_lives(now) && is_right;
                vec![if is_seen || self.discord.deleted {
                    Event::StillShown
                } else {
                    Event::Replaced
                }]
            }
        }
    }

    fn edit(&mut self, flight: &Flight, fails: bool) -> Vec<Event> {
        let Flight { deploy, effect, since, .. } = flight;
        let is_first = *effect == Effect::PutOnScreen;
        let has_token = deploy.token_lives(self.now);
        if is_first && !has_token {
            return vec![Event::Refused { why: "expired".to_owned(), tell: false }];
        }
        let may_edit = has_token || deploy.place.as_ref().is_some_and(Place::bot_may_edit);
        if self.discord.deleted || !may_edit {
            let closed = Event::Closed { why: "gone".to_owned() };
            let on_screen = is_first.then_some(Event::OnScreen { message_id: None });
            return on_screen.into_iter().chain([closed]).collect();
        }
        if fails && !self.chance.one_in(2) {
            // Surely not taken.
            return Vec::new();
        }
        let text = fingerprint(deploy, *since);
        if fails || self.chance.one_in(8) {
            // Its answer is lost: it was taken, never will be, or lands later.
            match () {
                () if self.chance.one_in(3) => {}
                () if self.chance.one_in(2) => {
                    self.discord.late.push((text, self.now + LANDS_WITHIN / 2));
                }
                () => self.discord.shows = Some(text),
            }
            let until = self.now + LANDS_WITHIN;
            let in_doubt = !deploy.is_shown_for_the_last_time();
            return in_doubt.then_some(Event::ShownInDoubt { until }).into_iter().collect();
        }
        self.discord.shows = Some(text.clone());
        vec![Event::Shown { text, message_id: Some(3) }]
    }

    fn tell(&mut self, deploy: &Deploy, by: Sender, fails: bool, gives_up: bool) -> Vec<Event> {
        if by == Sender::Bot && !self.setting.may_post {
            return vec![Event::BotRefused];
        }
        if by == Sender::Interaction && !deploy.token_lives(self.now) {
            return vec![Event::Untold { why: "expired".to_owned() }];
        }
        if gives_up {
            return Vec::new();
        }
        if fails {
            return if self.chance.one_in(2) { Vec::new() } else { vec![Event::NotTold] };
        }
        let attempt = rank(deploy).0;
        let is_same = |told: &&(u64, DateTime<Utc>)| {
            by == Sender::Bot && told.0 == attempt && self.now - told.1 < NONCE_LIVES
        };
        if self.discord.told.iter().find(is_same).is_none() {
            self.discord.told.push((attempt, self.now));
        }
        if self.chance.one_in(6) {
            return Vec::new();
        }
        vec![Event::Told { by, message_id: Some(4), detailed: false }]
    }

    /// The run as GitHub shows it.
    pub(super) fn run(&self) -> Option<Run> {
        let Github { began_at: Some(began_at), attempt, deleted: false, .. } = self.github else {
            return None;
        };
        let age = (self.now - began_at).num_seconds();
        let Setting { takes, fails, ends, .. } = self.setting;
        let conclusion = if fails { "failure" } else { "success" };
        let (status, conclusion, since) = match age {
            _ if let Some(at) = self.github.cancelled => {
                ("completed", Some("cancelled"), (at - began_at).num_seconds())
            }
            0..2 => ("queued", None, 0),
            _ if age < takes || !ends => ("in_progress", None, 2),
            // A moment without its conclusion.
            _ if age < takes + 2 => ("completed", None, takes),
            _ => ("completed", Some(conclusion), takes),
        };
        let run = json!({
            "id": RUN_ID, "run_attempt": attempt, "status": status, "conclusion": conclusion,
            "run_started_at": began_at, "updated_at": began_at + TimeDelta::seconds(since),
        });
        Some(serde_json::from_value(run).unwrap())
    }

    /// Somebody who is no process of ours does something.
    pub(super) fn others_act(&mut self) {
        let now = self.now;
        let late = std::mem::take(&mut self.discord.late);
        let (landed, late): (Vec<_>, Vec<_>) = late.into_iter().partition(|(_, at)| *at <= now);
        self.discord.late = late;
        if let Some((text, _)) = landed.into_iter().last()
            && !self.discord.deleted
        {
            self.discord.shows = Some(text);
        }
        let is_concluded = self.run().is_some_and(|run| run.conclusion.is_some());
        if is_concluded && self.chance.one_in(20) {
            self.github.starts_again(now);
        }
        self.github.deleted |= self.github.dispatches > 0 && self.chance.one_in(250);
        self.discord.deleted |= self.chance.one_in(250);
        if self.chance.one_in(10)
            && self.stored.target.is_some()
            && let Some(run) = self.run()
        {
            let old = self.chance.one_in(3);
            let attempt = Some(if old { 1 } else { run.attempt() });
            let run = (!old && self.chance.one_in(2)).then(|| Box::new(run));
            self.visit(Some(Event::Hint { attempt, run }));
        }
    }
}

fn target(run: Option<Run>) -> Target {
    let url = "https://github.com/octo-org/web/actions/runs/7".to_owned();
    Target { run_id: RUN_ID, url, matched: Matched::RunId, run: run.map(Box::new) }
}
