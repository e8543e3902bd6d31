//! A run that waits for an approval on GitHub: an edit notifies nobody, so a message of its own asks for it.

use super::approval::Approval;
use super::record::{Deploy, Phase};

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
        match self.asked.as_mut().filter(|asked| asked.attempt == approval.attempt) {
            Some(asked) => {
                let known = asked.environments.clone();
                let new = approval.environments.into_iter().filter(|name| !known.contains(name));
                asked.environments.extend(new.take(ENVIRONMENTS.saturating_sub(known.len())));
            }
            None => self.asked = Some(approval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;
    use crate::github::gates::Gate;

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
}
