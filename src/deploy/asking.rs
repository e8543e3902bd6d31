//! A run that waits for an approval on GitHub: an edit notifies nobody, so a message of its own asks for it. Once the
//! run goes on or has ended, that message is edited, once, and says so.

use super::approval::{Answer, Approval, Asking, Posted};
use super::approval_messages::{answered, asks_for_approval};
use super::outcome::Outcome;
use super::record::{Deploy, Ending, Phase};
use crate::discord::Message;
use crate::github::gates::Gate;

/// The most environments that are remembered, and of each name the most characters.
const ENVIRONMENTS: usize = 20;
const NAME: usize = 100;

impl Deploy {
    /// What its run waits to be approved, if a message must ask for it. `None`: nothing, or one has asked already.
    pub(super) fn asks_for_approval(&self) -> Option<Approval> {
        let run = self.target.as_ref()?.run.as_deref()?;
        let waits = self.phase == Phase::Running && run.status.as_deref() == Some("waiting");
        // The card of a watched run names it; nobody is pinged.
        if !waits || self.watched.is_some() || self.place.is_none() {
            return None;
        }
        let gates = run.gates.known.iter().filter(|gate| gate.approval).take(ENVIRONMENTS);
        let environments: Vec<String> =
            gates.map(|gate| gate.environment.chars().take(NAME).collect()).collect();
        let attempt = self.attempt();
        let asked = self.asked.as_ref().filter(|asked| asked.attempt == attempt);
        let is_new = |name: &String| asked.is_none_or(|asked| !asked.environments.contains(name));
        environments.iter().any(is_new).then_some(Approval { attempt, environments })
    }

    /// A message is about to ask for it.
    pub(super) fn asks(&mut self, approval: Approval) {
        if self.asks_for_approval().as_ref() == Some(&approval)
            && let Some(message) = asks_for_approval(self)
        {
            let (approval, text) = (approval.clone(), message.content().to_owned());
            self.asking.push(Asking { approval, text, posted: None });
        }
        match self.asked.as_mut().filter(|asked| asked.attempt == approval.attempt) {
            Some(asked) => {
                let known = asked.environments.clone();
                let new = approval.environments.into_iter().filter(|name| !known.contains(name));
                asked.environments.extend(new.take(ENVIRONMENTS.saturating_sub(known.len())));
            }
            None => self.asked = Some(approval),
        }
    }

    /// That message was posted, or surely was not.
    pub(super) fn has_asked(&mut self, approval: &Approval, posted: Option<Posted>) {
        match posted {
            Some(posted) => {
                let asking = self.asking.iter_mut().find(|asking| asking.approval == *approval);
                if let Some(asking) = asking {
                    asking.posted = Some(posted);
                }
            }
            None => self.asking_is_over(approval),
        }
    }

    /// That message need not be edited any more.
    pub(super) fn asking_is_over(&mut self, approval: &Approval) {
        self.asking.retain(|asking| asking.approval != *approval);
    }

    /// A message that still asks although it is known what came of it, and what it must say then.
    pub(super) fn answered_asking(&self) -> Option<(&Asking, Message)> {
        self.asking.iter().find_map(|asking| {
            let answer = self.answer(&asking.approval)?;
            Some((asking, answered(self, &asking.approval, &answer)))
        })
    }

    /// `None`: not known yet.
    fn answer(&self, asked: &Approval) -> Option<Answer> {
        if asked.attempt != self.attempt() {
            return Some(Answer::Over);
        }
        let run = self.target.as_ref()?.run.as_deref();
        let Some(Ending { outcome, .. }) = self.ending() else {
            let run = run?;
            let still = |gate: &Gate| {
                gate.approval
                    && asked
                        .environments
                        .iter()
                        .any(|name| gate.environment.starts_with(name.as_str()))
            };
            let gates = &run.gates.known;
            return match run.status.as_deref()? {
                // Of several environments one may be approved, and the others not yet.
                "requested" | "queued" | "pending" | "in_progress"
                    if asked.environments.len() == 1 =>
                {
                    Some(Answer::Approved)
                }
                "waiting" if !gates.is_empty() && !gates.iter().any(still) => {
                    Some(Answer::Approved)
                }
                _ => None,
            };
        };
        if *outcome != Outcome::Concluded {
            return Some(Answer::Over);
        }
        match run?.conclusion.as_deref() {
            Some("success") => Some(Answer::Approved),
            Some("cancelled") => Some(Answer::Cancelled),
            Some("failure") => {
                let details = self.details.as_ref()?;
                let rejected = details.cause.as_ref().and_then(|cause| cause.rejected.as_ref());
                Some(match (rejected, &details.failed_at) {
                    (Some(rejected), _) => Answer::Rejected { by: rejected.by.clone() },
                    (None, Some(_)) => Answer::Approved,
                    (None, None) => Answer::Over,
                })
            }
            _ => Some(Answer::Over),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cause::{Cause, Rejected};
    use crate::deploy::failure::FailedAt;
    use crate::deploy::record::{Details, Telling};
    use crate::deploy::sample;
    use rstest::rstest;

    fn waiting(environments: &[&str]) -> Deploy {
        let mut deploy = sample::open(1);
        let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
        run.status = Some("waiting".to_owned());
        let gate = |name: &&str| Gate {
            environment: (*name).to_owned(),
            approval: true,
            timer: false,
            opens_at: None,
            reviewers: Vec::new(),
        };
        run.gates.known = environments.iter().map(gate).collect();
        deploy
    }

    #[test]
    fn each_environment_is_asked_for_once() {
        let mut deploy = waiting(&["staging"]);
        let first = deploy.asks_for_approval().unwrap();
        let nonce = first.nonce(deploy.interaction());
        deploy.asks(first);
        assert_eq!(deploy.asks_for_approval(), None);
        for (now, asks) in [(&["staging", "production"][..], true), (&["production"][..], false)] {
            deploy.target = waiting(now).target;
            let asked = deploy.asks_for_approval();
            assert_eq!(asked.is_some(), asks, "{now:?}");
            if let Some(asked) = asked {
                assert_ne!(
                    asked.nonce(deploy.interaction()),
                    nonce,
                    "Discord would take it for the first one"
                );
                assert_eq!(asked.nonce(deploy.interaction()).len(), 25);
                deploy.asks(asked);
            }
        }
    }

    #[test]
    fn the_next_attempt_is_asked_for_anew() {
        let mut deploy = waiting(&["production"]);
        let first = deploy.asks_for_approval().unwrap();
        deploy.asks(first);
        deploy.target.as_mut().unwrap().run.as_mut().unwrap().run_attempt = Some(2);
        assert_eq!(deploy.asks_for_approval().map(|asked| asked.attempt), Some(2));
    }

    /// After it was asked for `production`.
    fn asked() -> Deploy {
        let mut deploy = waiting(&["production"]);
        let approval = deploy.asks_for_approval().unwrap();
        deploy.asks(approval);
        deploy
    }

    fn ends(deploy: &mut Deploy, conclusion: &str, details: Option<Details>) {
        let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
        run.status = Some("completed".to_owned());
        run.conclusion = Some(conclusion.to_owned());
        deploy.details = details;
        deploy.phase = Phase::Ending(Ending {
            outcome: Outcome::Concluded,
            at: deploy.began_at,
            telling: Telling::Open,
            rerun: None,
        });
    }

    fn rejected() -> Details {
        let rejected =
            Rejected { by: Some("grace".to_owned()), environments: Vec::new(), comment: None };
        let cause = Cause { rejected: Some(rejected), ..Cause::default() };
        Details { cause: Some(cause), ..Details::default() }
    }

    fn failed() -> Details {
        let failed_at = FailedAt { job: "deploy".to_owned(), step: None };
        Details { failed_at: Some(failed_at), ..Details::default() }
    }

    #[rstest]
    #[case::goes_on("success", None, Some("✅ **Web client**: approved"))]
    #[case::failed_later("failure", Some(failed()), Some("✅ **Web client**: approved"))]
    #[case::rejected("failure", Some(rejected()), Some("⛔ **Web client**: rejected by **grace**"))]
    #[case::not_known_yet("failure", None, None)]
    #[case::nothing_is_told(
        "failure",
        Some(Details::default()),
        Some("⏹️ **Web client**: not waiting any more")
    )]
    #[case::cancelled("cancelled", None, Some("🚫 **Web client**: cancelled"))]
    #[case::gone("stale", None, Some("⏹️ **Web client**: not waiting any more"))]
    fn an_end_tells_what_came_of_it(
        #[case] conclusion: &str,
        #[case] details: Option<Details>,
        #[case] expected: Option<&str>,
    ) {
        let mut deploy = asked();
        assert_eq!(deploy.answered_asking(), None);
        ends(&mut deploy, conclusion, details);
        let said = deploy.answered_asking().map(|(_, message)| message.content().to_owned());
        assert_eq!(said.is_some(), expected.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().starts_with(expected.unwrap_or_default()));
    }

    #[rstest]
    #[case::at_work("in_progress", &[], true)]
    #[case::in_the_queue("queued", &[], true)]
    #[case::waits_for_another("waiting", &["eu"], true)]
    #[case::waits_still("waiting", &["production", "eu"], false)]
    #[case::not_told("waiting", &[], false)]
    #[case::of_the_future("hibernating", &[], false)]
    fn a_run_that_goes_on_was_approved(
        #[case] status: &str,
        #[case] gates: &[&str],
        #[case] approved: bool,
    ) {
        let mut deploy = asked();
        deploy.target = waiting(gates).target;
        deploy.target.as_mut().unwrap().run.as_mut().unwrap().status = Some(status.to_owned());
        assert_eq!(deploy.answered_asking().is_some(), approved);
    }

    #[test]
    fn of_several_environments_one_that_is_at_work_tells_nothing_of_the_others() {
        let mut deploy = waiting(&["eu", "us"]);
        let approval = deploy.asks_for_approval().unwrap();
        deploy.asks(approval);
        let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
        run.status = Some("in_progress".to_owned());
        assert_eq!(deploy.answered_asking(), None);
        ends(&mut deploy, "success", None);
        assert!(deploy.answered_asking().is_some());
    }

    #[test]
    fn a_message_is_edited_once_and_one_that_was_not_posted_never() {
        let mut deploy = asked();
        let approval = deploy.asking[0].approval.clone();
        ends(&mut deploy, "success", None);
        deploy.asking_is_over(&approval);
        assert_eq!(deploy.answered_asking(), None);
        let mut deploy = asked();
        deploy.has_asked(&approval, None);
        ends(&mut deploy, "success", None);
        assert_eq!(deploy.answered_asking(), None);
    }

    #[test]
    fn what_an_earlier_attempt_has_asked_for_is_over() {
        let mut deploy = asked();
        deploy.target.as_mut().unwrap().run.as_mut().unwrap().run_attempt = Some(2);
        let (_, message) = deploy.answered_asking().unwrap();
        assert!(message.content().starts_with("⏹️"), "{}", message.content());
    }
}
