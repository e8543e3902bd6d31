//! Reviews: what they do to a run, and their list.
//!
//! <https://docs.github.com/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>

use super::{
    answers::Site,
    review::Review,
    run::{Run, Timetable},
    standin::Github,
    view::View,
    wire::{Found, digest},
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a job is queued after its approval.
const QUEUED: Duration = Duration::from_secs(2);

impl Run {
    /// Ends the wait for an approval at the review's time.
    pub(super) fn takes_review(&mut self, review: Review) {
        let at = review.after;
        let mut path = self.timetable.steps();
        path.retain(|(begins, ..)| *begins < at);
        if review.approved {
            let begins = at + QUEUED;
            let ends = begins + self.timetable.running;
            path.push((at, "queued".into(), None));
            path.push((begins, "in_progress".into(), None));
            path.push((ends, "completed".into(), Some(self.timetable.conclusion.clone())));
        } else {
            path.push((at, "completed".into(), Some("failure".into())));
        }
        self.timetable = Timetable { path, ..self.timetable.clone() };
        self.reviews.push(review);
    }
}

impl Github {
    /// Reviews the deployment of a run that waits, now.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn review(&self, run_id: u64, by: &str, approved: bool, comment: &str) {
        let now = self.shared.clock.now();
        let state = &mut *self.shared.state();
        let run = state.run_mut(run_id).expect("there is such a run");
        let after = (now - run.started).to_std().unwrap_or_default();
        run.takes_review(Review { by: by.into(), approved, comment: comment.into(), after });
        let run = run.clone();
        state.outbox.expect(&state.scenario, &run, now);
        state.line_up(now);
    }
}

impl View<'_> {
    /// The reviews of a run so far.
    pub(super) fn approvals(&self, repo: &str, id: &str) -> Found {
        let (run, _) = self.run(repo, id)?;
        let age = (self.now - run.started).to_std().unwrap_or_default();
        let site = self.site(repo);
        let gates = &self.state.scenario.gates;
        let gates: Vec<&str> = gates.iter().map(|gate| gate.environment.as_str()).collect();
        let said = run.reviews.iter().filter(|review| review.after <= age);
        Ok(self.json(&said.map(|review| site.review(review, &gates)).collect()))
    }
}

impl Site<'_> {
    /// The environment of a gate, as it stands inside other documents.
    pub(super) fn environment(&self, name: &str) -> Value {
        let id = u64::from_str_radix(&digest(name)[..7], 16).expect("a hex digest");
        let page = &self.scenario.html_base;
        json!({
            "id": id,
            "node_id": format!("EN_{id}"),
            "name": name,
            "url": format!("{}/repos/{}/environments/{name}", self.api, self.repo),
            "html_url": format!(
                "{page}/{}/deployments/activity_log?environments_filter={name}", self.repo
            ),
        })
    }

    fn review(&self, review: &Review, gates: &[&str]) -> Value {
        let environment = |name: &&str| {
            let mut environment = self.environment(name);
            environment["created_at"] = json!("2024-01-01T00:00:00Z");
            environment["updated_at"] = json!("2024-01-01T00:00:00Z");
            environment
        };
        json!({
            "state": if review.approved { "approved" } else { "rejected" },
            "comment": review.comment,
            "environments": gates.iter().map(environment).collect::<Vec<_>>(),
            "user": self.account(&review.by),
        })
    }
}
