//! A process that acts for a deploy, as `Actor` and `Draft` do.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::World;
use super::promises::check_step;
use crate::deploy::draft::must_be_stored;
use crate::deploy::event::Event;
use crate::deploy::lanes::Lane;
use crate::deploy::lease::{LEASE, RENEWED_AT};
use crate::deploy::next::{Effect, next};
use crate::deploy::record::{Deploy, Lease, Phase, Telling};
use crate::deploy::step::step;

pub(super) struct Process {
    me: Uuid,
    waits: bool,
    deploy: Deploy,
    stored: Deploy,
    revision: u64,
    news: Vec<(Event, DateTime<Utc>)>,
    tells: bool,
    /// Whether Discord has answered since the end is known.
    discord_answers: bool,
    lanes: Vec<Flight>,
    looked_at: Option<DateTime<Utc>>,
}

pub(super) struct Flight {
    pub effect: Effect,
    pub deploy: Deploy,
    pub since: DateTime<Utc>,
    /// What comes of it; `None`: it has not arrived yet.
    events: Option<Vec<Event>>,
}

impl Process {
    pub(super) fn of(id: u128, waits: bool, deploy: Deploy, revision: u64) -> Self {
        Self {
            me: Uuid::from_u128(id),
            waits,
            stored: deploy.clone(),
            deploy,
            revision,
            news: Vec::new(),
            tells: false,
            discord_answers: false,
            lanes: Vec::new(),
            looked_at: None,
        }
    }

    fn add(&mut self, event: Event, now: DateTime<Utc>) -> bool {
        let stepped = step(&self.deploy, event.clone(), now);
        let changes = stepped != self.deploy;
        if changes {
            // What comes twice changes nothing. Of a hint of a new attempt the second also tells how it stands.
            let twice = step(&stepped, event.clone(), now);
            let settled = if matches!(event, Event::Hint { .. }) { &twice } else { &stepped };
            assert!(step(&twice, event.clone(), now) == *settled, "{event:?} twice: {stepped:#?}");
            check_step(&self.deploy, &stepped);
            self.deploy = stepped;
            self.news.push((event, now));
        }
        changes
    }

    fn is_free(&self, lane: Lane) -> bool {
        self.lanes.iter().all(|flight| Lane::of(flight.effect) != lane)
    }

    /// As `Actor::effects`.
    fn effects(&self, now: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = next(&self.deploy, self.me, now);
        if let (true, Some(Telling::Tried { by, .. })) =
            (self.tells, self.deploy.ending().map(|ending| &ending.telling))
        {
            effects.retain(|effect| *effect != Effect::FindTold);
            effects.push(Effect::Tell(*by));
        } else if let Some(tell) = effects.iter_mut().find(|one| matches!(one, Effect::Tell(_)))
            && !self.may_tell()
        {
            *tell = Effect::Probe;
        }
        let look = match self.deploy.phase {
            // Between two looks of a wait that is over it comes to rest.
            _ if now >= self.deploy.wait_until => None,
            Phase::Searching(_) if self.waits => Some(Effect::Search),
            Phase::Running if self.waits => Some(Effect::Look),
            _ => None,
        };
        effects.extend(look.filter(|look| !effects.contains(look)));
        effects
    }

    /// As `Actor::may_tell`.
    fn may_tell(&self) -> bool {
        let place = self.deploy.place.as_ref().unwrap();
        place.bot_may_post() && place.bot_may_read() || self.discord_answers
    }

    /// As `Actor::may_rest`.
    fn may_rest(&self, now: DateTime<Utc>) -> bool {
        match self.deploy.phase {
            Phase::Ended(_) => true,
            Phase::Searching(_) | Phase::Running if self.waits => now >= self.deploy.wait_until,
            _ => self.effects(now).is_empty(),
        }
    }
}

impl World {
    /// Stores a process's draft. `None`: it is lost.
    fn put(&mut self, process: &mut Process, lease: Option<Lease>) -> Option<bool> {
        let lasts = process.stored.lease.is_some_and(|lease| lease.until > self.now);
        if self.chance.one_in(24) {
            // The store is down: it is tried again as long as the lease lasts.
            return lasts.then_some(false);
        }
        if process.revision == self.revision {
            let deploy = Deploy { lease, ..process.deploy.clone() };
            self.is_stored(deploy.clone());
            process.stored = deploy.clone();
            (process.deploy, process.revision) = (deploy, self.revision);
            process.news.clear();
            return Some(true);
        }
        self.reload(process);
        process.stored.lease.is_some_and(|lease| lease.by == process.me).then_some(false)
    }

    fn reload(&self, process: &mut Process) {
        process.stored = self.stored.clone();
        process.deploy = self.stored.clone();
        process.revision = self.revision;
        for (event, at) in std::mem::take(&mut process.news) {
            process.add(event, at);
        }
    }

    /// As `Actor::turn`. `None`: the process is gone.
    fn turn(&mut self, process: &mut Process) -> Option<()> {
        let now = self.now;
        process.add(Event::Tick, now);
        if let Phase::Dispatching { by, .. } = process.deploy.phase
            && by != process.me
        {
            process.add(Event::Abandoned, now);
        }
        process.discord_answers &= process.deploy.ending().is_some();
        if process.is_free(Lane::Outcome) && process.may_tell() {
            let by = next(&process.deploy, process.me, now)
                .into_iter()
                .find_map(|effect| if let Effect::Tell(by) = effect { Some(by) } else { None });
            if let Some(by) = by {
                process.tells = process.add(Event::Tells { by }, now);
            }
        }
        let lease = Some(Lease { by: process.me, until: now + LEASE });
        if must_be_stored(&process.stored, &process.deploy) && !self.put(process, lease)? {
            return Some(());
        }
        for effect in process.effects(now) {
            if process.is_free(Lane::of(effect)) {
                self.start(process, effect)?;
            }
        }
        if process.lanes.is_empty() && process.may_rest(now) {
            match process.deploy.phase {
                Phase::Searching(_) | Phase::Running
                    if process.looked_at.is_some_and(|at| at >= process.deploy.look_at) =>
                {
                    process.add(Event::Unchanged, now);
                }
                Phase::Ending(_) => {
                    process.add(Event::Postponed { until: now + TimeDelta::minutes(1) }, now);
                }
                _ => {}
            }
            return if self.put(process, None)? { None } else { Some(()) };
        }
        let left = process.stored.lease.map_or(TimeDelta::zero(), |lease| lease.until - now);
        if left < RENEWED_AT {
            self.put(process, lease)?;
        }
        Some(())
    }

    fn start(&mut self, process: &mut Process, effect: Effect) -> Option<()> {
        match effect {
            Effect::Dispatch => {
                let by = process.me;
                let lease = Some(Lease { by, until: self.now + LEASE });
                process.add(Event::Dispatching { by }, self.now);
                if must_be_stored(&process.stored, &process.deploy) && !self.put(process, lease)? {
                    return Some(());
                }
                let is_ours =
                    matches!(process.stored.phase, Phase::Dispatching { by: of, .. } if of == by);
                if !is_ours {
                    return Some(());
                }
            }
            Effect::Tell(_) if !process.tells => return Some(()),
            Effect::Tell(_) => process.tells = false,
            Effect::Look | Effect::Search => process.looked_at = Some(self.now),
            _ => {}
        }
        let deploy = process.deploy.clone();
        process.lanes.push(Flight { effect, deploy, since: self.now, events: None });
        Some(())
    }

    /// A second passes for a process: what is under way arrives, or is answered.
    pub(super) fn lives(&mut self, process: &mut Process) -> Option<()> {
        self.turn(process)?;
        let mut lanes = std::mem::take(&mut process.lanes);
        for flight in &mut lanes {
            let is_late = flight.effect == Effect::FindTold && self.is_too_early(&flight.deploy);
            if flight.events.is_none() && !is_late && !self.chance.one_in(6) {
                flight.events = Some(self.arrives(flight));
            }
        }
        if self.chance.one_in(40) {
            return None;
        }
        for flight in lanes {
            match flight.events {
                Some(events) if !self.chance.one_in(6) => {
                    process.discord_answers |=
                        matches!(flight.effect, Effect::Probe | Effect::Show);
                    for event in events {
                        process.add(event, self.now);
                    }
                }
                events => process.lanes.push(Flight { events, ..flight }),
            }
        }
        if process.lanes.is_empty() { self.turn(process) } else { Some(()) }
    }

    fn is_too_early(&self, deploy: &Deploy) -> bool {
        let told = deploy.ending().map(|ending| &ending.telling);
        matches!(told, Some(Telling::Tried { at, .. }) if self.now - *at < TimeDelta::seconds(15))
    }

    /// As `advance::take`.
    pub(super) fn visit(&mut self, event: Option<Event>) {
        let id = self.next_id;
        self.next_id += 1;
        let mut process = Process::of(id, false, self.stored.clone(), self.revision);
        let is_held = self.stored.is_held(process.me, self.now);
        let tells_nothing = event.is_some_and(|event| !process.add(event, self.now));
        if tells_nothing || (is_held && process.news.is_empty()) {
            return;
        }
        let lease = Lease { by: process.me, until: self.now + LEASE };
        let lease = if is_held { self.stored.lease } else { Some(lease) };
        if self.put(&mut process, lease) == Some(true) && !is_held {
            self.processes.push(process);
        }
    }
}
