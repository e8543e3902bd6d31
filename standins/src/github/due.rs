//! What is due: written as at its moment, with what goes wrong applied.

use super::{
    answers::Site,
    hook::{Fate, Happening},
    jwt::APP_ID,
    outbox::{Entry, What},
    parcel::Parcel,
    payloads::of_installation,
    state::State,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::VecDeque, time::Duration};

impl State {
    /// Takes what is due now, ready to be sent, and writes it down.
    pub fn due(&mut self, api: &str, now: DateTime<Utc>) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        let mut due = VecDeque::from(self.outbox.take_due(now));
        while let Some(entry) = due.pop_front() {
            let ready = match entry.what {
                What::Ready(parcel) => Some(*parcel),
                What::Ping | What::Happens(..) => {
                    // Those behind it count as well when its order is to be wrong.
                    let (hook, run) = (entry.hook, entry.run_id);
                    let behind = due.iter().find(|e| e.hook == hook && e.run_id == run);
                    let behind = behind.map(|entry| entry.due);
                    let next = behind.or_else(|| self.outbox.next_of(hook, run));
                    self.prepare(api, now, entry, next)
                }
            };
            if let Some(mut parcel) = ready {
                parcel.delivery.sent = now;
                parcel.delivery.under_way = !parcel.delivery.lost;
                self.outbox.deliveries.push(parcel.delivery.clone());
                parcel.index = self.outbox.deliveries.len() - 1;
                if !parcel.delivery.lost {
                    parcels.push(parcel);
                }
            }
        }
        parcels
    }

    /// Writes a delivery and applies what goes wrong with it; one that comes later is put back.
    fn prepare(
        &mut self,
        api: &str,
        now: DateTime<Utc>,
        entry: Entry,
        next: Option<DateTime<Utc>>,
    ) -> Option<Parcel> {
        let hook = self.outbox.hook(entry.hook)?.clone();
        let site = Site::new(&self.scenario, api, &hook.repo);
        let (mut what, job) = match entry.what {
            What::Happens(what, job) => (what, job),
            _ => (Happening::ping(&hook.repo, now), None),
        };
        let run = self.runs.iter().find(|run| run.id == what.run_id);
        let run = run.and_then(|run| run.as_attempt(what.attempt)).cloned();
        let write = |site: &Site<'_>, what: &Happening| match &run {
            None => Some(site.ping_payload(entry.hook, &hook, now)),
            Some(run) => {
                // As it was then, whether it could be seen already or not.
                let mut shown = run.clone();
                shown.timetable.appears = Duration::ZERO;
                let phase = shown.phase(what.at)?;
                match job {
                    None => Some(site.run_payload(&what.action, &shown, &phase, what.at)),
                    Some(job) => site.job_payload(&what.action, &shown, job, &phase, what.at),
                }
            }
        };
        let payload = write(&site, &what)?;
        what.job = payload["workflow_job"]["name"].as_str().map(str::to_owned);
        let mishaps = self.outbox.hook_mut(entry.hook)?.as_mut()?.mishaps.iter_mut();
        let fates: Vec<Fate> = mishaps.filter_map(|mishap| mishap.hits(&what)).collect();
        let site = Site::new(&self.scenario, api, &hook.repo);
        let mut payload = payload;
        let mut wait = Duration::ZERO;
        for fate in &fates {
            match fate {
                Fate::OfRepository(other) => {
                    what.repo.clone_from(other);
                    let site = Site::new(&self.scenario, api, other);
                    payload = write(&site, &what)?;
                }
                Fate::Late(late) => wait += *late,
                _ => {}
            }
        }
        if hook.of_app {
            payload = of_installation(payload, &what);
        }
        let target = if hook.of_app { APP_ID } else { site.repository_id() };
        let parcel = Parcel::new(entry.hook, &hook, target, what, &payload, &fates);
        let mut due = now + wait;
        if let Some(next) = next.filter(|_| fates.contains(&Fate::OutOfOrder)) {
            due = due.max(next + AFTER_NEXT);
        }
        for fate in &fates {
            if let Fate::Twice(after) = fate {
                let mut again = parcel.clone();
                again.delivery.again = true;
                self.outbox.push(
                    due + *after,
                    entry.hook,
                    entry.run_id,
                    What::Ready(Box::new(again)),
                );
            }
        }
        if due > now {
            self.outbox.push(due, entry.hook, entry.run_id, What::Ready(Box::new(parcel)));
            return None;
        }
        Some(parcel)
    }
}

/// How long after the next one a delivery out of order comes.
const AFTER_NEXT: TimeDelta = TimeDelta::milliseconds(10);
