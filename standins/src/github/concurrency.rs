//! Concurrency groups: of the runs of a group one goes on at a time, the others wait in line.
//!
//! As with `queue: max`: none is cancelled because a newer one waits.
//!
//! <https://docs.github.com/rest/actions/concurrency-groups>

use super::{
    answers::Site,
    run::{Run, Step, Timetable},
    state::State,
    view::View,
    wire::{Found, not_found},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

impl Timetable {
    /// The same after a wait in line; none: for ever.
    fn after(&self, wait: Option<Duration>) -> Self {
        if wait == Some(Duration::ZERO) {
            return self.clone();
        }
        let mut path: Vec<Step> = vec![(Duration::ZERO, "pending".into(), None)];
        if let Some(wait) = wait {
            let later = |(at, status, conclusion): Step| (at + wait, status, conclusion);
            path.extend(self.steps().into_iter().map(later));
        }
        Self { path, ..self.clone() }
    }
}

impl Run {
    /// When this attempt ends; none: never.
    fn ends(&self) -> Option<DateTime<Utc>> {
        let completed = |(_, status, _): &&Step| status == "completed";
        let steps = self.steps();
        steps.iter().find(completed).map(|(at, ..)| self.started + *at)
    }
}

/// A run that is before others: its repository, its group, and when it ends; `None`: never.
type Before = (Option<String>, Option<String>, Option<DateTime<Utc>>);

impl State {
    /// Lets each run of a group begin when the one before it has ended.
    pub fn line_up(&mut self, now: DateTime<Utc>) {
        let mut order: Vec<usize> = (0..self.runs.len()).collect();
        order.retain(|&index| self.runs[index].group.is_some());
        order.sort_by_key(|&index| (self.runs[index].started, index));
        let mut before: Vec<Before> = Vec::new();
        for index in order {
            let run = &mut self.runs[index];
            let shares = |repo: &Option<String>| repo.as_ref().is_none_or(|repo| run.is_of(repo));
            let mut free = Some(run.started);
            for (_, _, ends) in
                before.iter().filter(|(repo, group, _)| shares(repo) && *group == run.group)
            {
                // One that was cancelled in line lets nobody past those before it.
                free = free.zip(*ends).map(|(free, ends)| free.max(ends));
            }
            let wait = free.map(|free| (free - run.started).to_std().unwrap_or_default());
            let alone = run.alone.get_or_insert_with(|| Box::new(run.timetable.clone()));
            let timetable = alone.after(wait);
            let moved = timetable.path != run.timetable.path;
            run.timetable = timetable;
            before.push((run.repo.clone(), run.group.clone(), run.ends()));
            if moved {
                let run = run.clone();
                self.outbox.expect(&self.scenario, &run, now);
            }
        }
    }
}

impl View<'_> {
    /// The runs of a group that did not end, in line.
    fn members(&self, repo: &str, group: &str) -> Vec<&Run> {
        let runs = self.state.runs.iter().filter(|run| run.is_of(repo));
        let runs = runs.map(|run| run.current(self.now));
        let mut members: Vec<&Run> = runs
            .filter(|run| run.group.as_deref() == Some(group))
            .filter(|run| run.phase(self.now).is_some_and(|phase| phase.status != "completed"))
            .collect();
        members.sort_by_key(|run| (run.started, run.id));
        members
    }

    /// The groups of a run, with its place in each.
    pub(super) fn groups_of_run(&self, repo: &str, id: &str) -> Found {
        let (run, _) = self.run(repo, id)?;
        let site = self.site(repo);
        let group = |name: &String| {
            let members = self.members(repo, name);
            let place = members.iter().position(|member| member.id == run.id);
            let member = place.map(|place| {
                let mut member = site.member(&run, place);
                member["position"] = json!(place);
                let group = site.group_url(name);
                member["position_url"] = json!(format!("{group}?ahead_of_run={}", run.id));
                member
            });
            let members: Vec<Value> = member.into_iter().collect();
            json!({"group_name": name, "group_url": site.group_url(name), "group_members": members})
        };
        let groups: Vec<Value> = run.group.iter().map(group).collect();
        Ok(self.json(&json!({"total_count": groups.len(), "concurrency_groups": groups})))
    }

    /// The members of a group, or those up to a run.
    pub(super) fn group(&self, repo: &str, name: &str) -> Found {
        let mut members = self.members(repo, name);
        if members.is_empty() {
            return Err(not_found());
        }
        if let Some(id) = self.request.query("ahead_of_run") {
            let place = members.iter().position(|member| member.id.to_string() == id);
            let Some(place) = place else {
                return Err((422, "The run is not in this concurrency group".to_owned()));
            };
            members.truncate(place + 1);
        }
        let site = self.site(repo);
        let written = members.iter().enumerate().map(|(place, run)| site.member(run, place));
        let written: Vec<Value> = written.collect();
        Ok(self.json(&json!({
            "group_name": name,
            "group_url": site.group_url(name),
            "total_count": written.len(),
            "group_members": written,
        })))
    }
}

impl Site<'_> {
    fn group_url(&self, name: &str) -> String {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("{}/repos/{}/actions/concurrency_groups/{name}", self.api, self.repo)
    }

    fn member(&self, run: &Run, place: usize) -> Value {
        json!({
            "run_id": run.id,
            "run_name": run.display_title,
            "run_url": self.run_url(run.id),
            "run_html_url": self.run_page(run.id),
            "status": if place == 0 { "in_progress" } else { "pending" },
        })
    }
}
