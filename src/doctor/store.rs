//! The doctor's findings on the store: whether it can be used, and deploys whose result was never reported.

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, commands};
use crate::agents::Registry;
use crate::deploy::WaitSettings;
use crate::deploy::record::{Deploy, DeployState, history};
use crate::store::{Store, StoreError};

const ABOUT: &str = "Store";

/// Deploys read per agent, the latest first.
const LOOKED_AT: u16 = 25;

/// Lambda's longest timeout. After it (and the wait) the process that followed a run has ended.
const PROCESS_ENDED: TimeDelta = TimeDelta::minutes(15);

/// Facts about the store that outlives the process.
#[derive(Debug, Clone)]
pub struct StoreFacts {
    /// The last deploys of each agent, by its command; `Err` if it cannot be read.
    pub deploys: Result<Vec<(String, Vec<Deploy>)>, StoreError>,
    /// When it was read.
    pub now: DateTime<Utc>,
    /// Timeout and poll interval for following a run.
    pub wait: WaitSettings,
}

/// Reads the last deploys of each agent.
pub(crate) async fn ask(
    store: &dyn Store,
    registry: &Registry,
    wait: WaitSettings,
    now: DateTime<Utc>,
) -> StoreFacts {
    let mut deploys = Vec::new();
    for agent in registry.agents().iter().filter(|agent| agent.workflow().is_some()) {
        match history(store, &agent.id, LOOKED_AT).await {
            Ok(found) => deploys.push((agent.command.clone(), found)),
            Err(error) => return StoreFacts { deploys: Err(error), now, wait },
        }
    }
    StoreFacts { deploys: Ok(deploys), now, wait }
}

pub(super) fn findings(facts: Option<&StoreFacts>) -> Vec<Finding> {
    let Some(StoreFacts { deploys, now, wait }) = facts else { return Vec::new() };
    let deploys = match deploys {
        Ok(deploys) => deploys,
        Err(error @ StoreError::NotSetUp(_)) => {
            return vec![Finding::bad(
                ABOUT,
                format!("Nothing is dispatched: {error}."),
                "Set TABLE_NAME to the name of that table.",
            )];
        }
        Err(error) => {
            return vec![Finding::bad(
                ABOUT,
                format!("Nothing is dispatched: {error}."),
                "Check TABLE_NAME, the region, and that the role may use the table (dynamodb:GetItem, \
                 PutItem and Query); or, with serve, DATA_FILE and the rights to its folder.",
            )];
        }
    };
    let wait = TimeDelta::from_std(wait.timeout).unwrap_or_default() + PROCESS_ENDED;
    let unreported =
        |deploy: &&Deploy| deploy.state == DeployState::Pending && *now - deploy.began_at > wait;
    let lost: Vec<(&String, &Deploy)> = (deploys.iter())
        .flat_map(|(command, deploys)| deploys.iter().map(move |deploy| (command, deploy)))
        .filter(|(_, deploy)| unreported(deploy))
        .collect();
    let Some((_, last)) = lost.iter().max_by_key(|(_, deploy)| deploy.began_at) else {
        return vec![Finding::good(
            ABOUT,
            "Interactions and deploys are remembered beyond the process.",
        )];
    };
    let mut names: Vec<String> = lost.iter().map(|(command, _)| (*command).clone()).collect();
    names.dedup();
    let what = format!(
        "Nobody was told how {} of {} ended: the process was killed. The last began at {} for {} (correlation id {}).",
        if lost.len() == 1 { "a deploy".to_owned() } else { format!("{} deploys", lost.len()) },
        commands(&names),
        last.began_at.format("%F %R UTC"),
        last.requester,
        last.key.correlation_id(),
    );
    let finding =
        Finding::doubtful(ABOUT, what, "Look for its run on GitHub; the log tells what happened.");
    vec![match &last.run_page {
        Some(page) => finding.on_page(page),
        None => finding,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::key::DeployKey;
    use crate::deploy::record::DeployOutcome;
    use crate::discord::InteractionId;
    use crate::doctor::Level;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_341_600, 0).unwrap()
    }

    fn deploy(minutes_ago: i64, state: DeployState) -> Deploy {
        Deploy {
            key: DeployKey { agent: "deploy_client".to_owned(), interaction_id: InteractionId(1) },
            requester: "ada#7".to_owned(),
            began_at: now() - TimeDelta::minutes(minutes_ago),
            run_page: Some("https://github.com/o/r/actions/runs/1".to_owned()),
            state,
        }
    }

    fn judged(deploys: Result<Vec<Deploy>, StoreError>) -> Finding {
        let deploys = deploys.map(|deploys| vec![("deploy-client".to_owned(), deploys)]);
        let facts = StoreFacts { deploys, now: now(), wait: WaitSettings::default() };
        findings(Some(&facts)).remove(0)
    }

    #[test]
    fn deploys_that_ended_or_may_still_run_are_fine() {
        let outcome = DeployOutcome { word: "success".to_owned(), run_page: None, at: now() };
        let ended = deploy(60, DeployState::Ended(outcome));
        let found = judged(Ok(vec![ended, deploy(17, DeployState::Pending)]));
        assert_eq!(found.level, Level::Good);
    }

    #[test]
    fn an_unreported_deploy_is_named_with_its_run() {
        let found = judged(Ok(vec![deploy(19, DeployState::Pending)]));
        assert_eq!(found.level, Level::Doubtful);
        assert!(found.what.starts_with("Nobody was told how a deploy of /deploy-client ended"));
        assert_eq!(found.page.as_deref(), Some("https://github.com/o/r/actions/runs/1"));
        let two =
            judged(Ok(vec![deploy(19, DeployState::Pending), deploy(90, DeployState::Pending)]));
        assert!(two.what.contains("2 deploys of /deploy-client ended"), "{}", two.what);
    }

    #[test]
    fn a_table_that_cannot_be_used_is_bad() {
        let error = StoreError::Unusable("the table `t` (`TABLE_NAME`) does not exist".to_owned());
        let found = judged(Err(error));
        assert_eq!(found.level, Level::Bad);
        assert!(found.what.contains("the table `t` (`TABLE_NAME`) does not exist"));
    }

    #[test]
    fn without_a_table_there_is_no_finding() {
        assert!(findings(None).is_empty());
    }
}
