//! The doctor's findings on the store: whether it can be used, and deploys whose result was never reported.

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, commands};
use crate::agents::Registry;
use crate::deploy::stored::{Entry, State, history};
use crate::deploy::sweep::last_swept;
use crate::store::{Store, StoreError};

const ABOUT: &str = "Store";

/// Deploys read per agent, the latest first.
const LOOKED_AT: u16 = 25;

/// A deploy that was due that long ago should have been advanced.
const OVERDUE: TimeDelta = TimeDelta::minutes(5);

/// A sweep is noted every ten minutes.
const SWEPT_WITHIN: TimeDelta = TimeDelta::minutes(25);

/// Facts about the store that outlives the process.
#[derive(Debug, Clone)]
pub struct StoreFacts {
    /// The last deploys of each agent, by its command; `Err` if it cannot be read.
    pub deploys: Result<Vec<(String, Vec<Entry>)>, StoreError>,
    /// When a sweep was last noted.
    pub swept_at: Option<DateTime<Utc>>,
    /// When it was read.
    pub now: DateTime<Utc>,
}

/// Reads the last deploys of each agent.
pub(crate) async fn ask(store: &dyn Store, registry: &Registry, now: DateTime<Utc>) -> StoreFacts {
    let mut deploys = Vec::new();
    for agent in registry.agents().iter().filter(|agent| agent.workflow().is_some()) {
        match history(store, &agent.id, LOOKED_AT).await {
            Ok(found) => deploys.push((agent.command.clone(), found)),
            Err(error) => return StoreFacts::unreadable(error, now),
        }
    }
    match last_swept(store).await {
        Ok(swept_at) => StoreFacts { deploys: Ok(deploys), swept_at, now },
        Err(error) => StoreFacts::unreadable(error, now),
    }
}

impl StoreFacts {
    pub(super) fn unreadable(error: StoreError, now: DateTime<Utc>) -> Self {
        Self { deploys: Err(error), swept_at: None, now }
    }
}

/// `file`: the file of `serve`, which it makes when it starts.
pub(super) fn findings(facts: Option<&StoreFacts>, file: Option<&str>) -> Vec<Finding> {
    let Some(StoreFacts { deploys, swept_at, now }) = facts else {
        let not_there_yet = |file| {
            let what = format!(
                "There is no table (TABLE_NAME), and {file} (DATA_FILE) is not there yet: `serve` makes it when it \
                 starts. On Lambda nothing is dispatched without a table."
            );
            Finding::good(ABOUT, what)
        };
        return file.map(not_there_yet).into_iter().collect();
    };
    let deploys = match deploys {
        Ok(deploys) => deploys,
        Err(error @ StoreError::NotSetUp(_)) => {
            return vec![Finding::bad(
                ABOUT,
                format!("Nothing is dispatched: {error}."),
                "The stack's template makes a table and sets TABLE_NAME: deploy it again, or set TABLE_NAME to the table's name.",
            )];
        }
        Err(error) => {
            return vec![Finding::bad(
                ABOUT,
                format!("Nothing is dispatched: {error}."),
                "Check TABLE_NAME, the region, and that the role may use the table (dynamodb:GetItem, \
                 PutItem and Query, Query on its index too); or, with serve, DATA_FILE and the rights to its folder.",
            )];
        }
    };
    let all: Vec<(&String, &Entry)> = (deploys.iter())
        .flat_map(|(command, deploys)| deploys.iter().map(move |deploy| (command, deploy)))
        .collect();
    let found = [overdue(&all, *now), untold(&all), not_swept(&all, *swept_at, *now)];
    let found: Vec<Finding> = found.into_iter().flatten().collect();
    if found.is_empty() {
        let good = "Interactions and deploys are remembered beyond the process.";
        return vec![Finding::good(ABOUT, good)];
    }
    found
}

/// Deploys that somebody should have advanced.
fn overdue(all: &[(&String, &Entry)], now: DateTime<Utc>) -> Option<Finding> {
    let due = |deploy: &Entry| match &deploy.state {
        State::Open { due: Some(due), .. } => Some(*due).filter(|due| now - *due > OVERDUE),
        State::Forgotten => {
            Some(deploy.began_at).filter(|began| now - *began > TimeDelta::hours(1))
        }
        _ => None,
    };
    let late: Vec<_> = all.iter().filter(|(_, deploy)| due(deploy).is_some()).copied().collect();
    let (_, oldest) = late.iter().min_by_key(|(_, deploy)| due(deploy))?;
    let what = format!(
        "Nobody goes on with {}. The oldest was due {}: requested by {} (correlation id {}).",
        counted(&late),
        due(oldest).unwrap_or(now).format("%F %R UTC"),
        oldest.requester.to_input(),
        oldest.key.correlation_id(),
    );
    let fix = "On Lambda the sweep goes on with it every minute (see its schedule, and the function's log); with \
               `serve` the server does. Its run on GitHub tells how it stands.";
    let finding = Finding::doubtful(ABOUT, what, fix);
    Some(match &oldest.run_page {
        Some(page) => finding.on_page(page),
        None => finding,
    })
}

/// Deploys whose requesters were not told how they ended.
fn untold(all: &[(&String, &Entry)]) -> Option<Finding> {
    let why = |deploy: &Entry| match &deploy.state {
        State::Ended { untold, .. } => untold.clone(),
        _ => None,
    };
    let untold: Vec<_> = all.iter().filter(|(_, deploy)| why(deploy).is_some()).copied().collect();
    let (_, last) = untold.iter().max_by_key(|(_, deploy)| deploy.began_at)?;
    let what = format!(
        "The requester was not told, or nobody can know it, how {} ended. The last began at {} for {}: {}.",
        counted(&untold),
        last.began_at.format("%F %R UTC"),
        last.requester.to_input(),
        why(last).unwrap_or_default(),
    );
    let fix = "Set DISCORD_BOT_TOKEN, invite the bot with the scope bot, and give it View Channel, Send Messages and \
               Read Message History where deploys are typed.";
    Some(Finding::doubtful(ABOUT, what, fix))
}

/// Whether the net under all deploys is missing.
fn not_swept(
    all: &[(&String, &Entry)],
    swept_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Finding> {
    // A new installation has nothing to sweep for yet.
    if all.is_empty() || swept_at.is_some_and(|at| now - at <= SWEPT_WITHIN) {
        return None;
    }
    let what = match swept_at {
        Some(at) => format!("No sweep has run since {}.", at.format("%F %R UTC")),
        None => "No sweep has run lately.".to_owned(),
    };
    let fix = "On Lambda, look at the schedule of the stack (every minute, {\"task\": \"sweep\"}); with `serve` the \
               server sweeps while it runs.";
    Some(Finding::doubtful(ABOUT, what, fix))
}

fn counted(deploys: &[(&String, &Entry)]) -> String {
    let mut names: Vec<String> = deploys.iter().map(|(command, _)| (*command).clone()).collect();
    names.dedup();
    let number = match deploys.len() {
        1 => "a deploy".to_owned(),
        n => format!("{n} deploys"),
    };
    format!("{number} of {}", commands(&names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::DeployKey;
    use crate::deploy::correlation::Requester;
    use crate::discord::InteractionId;
    use crate::doctor::Level;
    use rstest::rstest;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_341_600, 0).unwrap()
    }

    fn minutes_ago(minutes: i64) -> DateTime<Utc> {
        now() - TimeDelta::minutes(minutes)
    }

    fn deploy(began: i64, state: State) -> Entry {
        let key = DeployKey { agent: "deploy_client".to_owned(), interaction_id: InteractionId(1) };
        let requester = Requester { user_id: 7, username: "ada".to_owned() };
        let run_page = Some("https://github.com/o/r/actions/runs/1".to_owned());
        Entry { run_page, ..Entry::bare(key, requester, minutes_ago(began), state) }
    }

    fn open(due: i64) -> State {
        State::Open { due: Some(minutes_ago(due)), word: None }
    }

    fn ended(untold: Option<&str>) -> State {
        State::Ended { word: "success".to_owned(), reason: None, untold: untold.map(str::to_owned) }
    }

    fn judged(deploys: Result<Vec<Entry>, StoreError>, swept: Option<i64>) -> Vec<Finding> {
        let deploys = deploys.map(|deploys| vec![("deploy-client".to_owned(), deploys)]);
        let facts = StoreFacts { deploys, swept_at: swept.map(minutes_ago), now: now() };
        findings(Some(&facts), None)
    }

    #[test]
    fn deploys_that_ended_or_go_on_are_fine() {
        let deploys = vec![deploy(60, ended(None)), deploy(17, open(-1)), deploy(17, open(4))];
        let found = judged(Ok(deploys), Some(24));
        assert_eq!((found.len(), found[0].level), (1, Level::Good));
    }

    #[test]
    fn the_oldest_overdue_deploy_is_named_with_its_run() {
        let found = judged(Ok(vec![deploy(19, open(6)), deploy(90, open(60))]), Some(1));
        assert_eq!((found.len(), found[0].level), (1, Level::Doubtful));
        let said = "Nobody goes on with 2 deploys of /deploy-client. The oldest was due 2026-11-22 09:00 UTC: requested by ada#7";
        assert!(found[0].what.starts_with(said), "{}", found[0].what);
        assert_eq!(found[0].page.as_deref(), Some("https://github.com/o/r/actions/runs/1"));
        let forgotten = judged(Ok(vec![deploy(90, State::Forgotten)]), Some(1));
        assert!(forgotten[0].what.contains("a deploy of /deploy-client"), "{}", forgotten[0].what);
    }

    #[test]
    fn an_outcome_that_was_not_told_is_named_with_its_reason() {
        let deploys =
            vec![deploy(60, ended(None)), deploy(30, ended(Some("the token has expired")))];
        let found = judged(Ok(deploys), Some(1));
        assert_eq!((found.len(), found[0].level), (1, Level::Doubtful));
        assert!(found[0].what.ends_with("for ada#7: the token has expired."), "{}", found[0].what);
    }

    #[rstest]
    #[case::never(None, "No sweep has run lately.")]
    #[case::long_ago(Some(60), "No sweep has run since 2026-11-22 09:00 UTC.")]
    fn a_sweep_that_does_not_run_is_named(#[case] swept: Option<i64>, #[case] said: &str) {
        let found = judged(Ok(vec![deploy(60, ended(None))]), swept);
        assert_eq!(
            (found.len(), found[0].level, found[0].what.as_str()),
            (1, Level::Doubtful, said)
        );
        let nothing_yet = judged(Ok(Vec::new()), swept);
        assert_eq!(nothing_yet[0].level, Level::Good);
    }

    #[test]
    fn a_table_that_cannot_be_used_is_bad() {
        let error = StoreError::Unusable("the table `t` (`TABLE_NAME`) does not exist".to_owned());
        let found = judged(Err(error), None).remove(0);
        assert_eq!(found.level, Level::Bad);
        assert!(found.what.contains("the table `t` (`TABLE_NAME`) does not exist"));
    }

    #[test]
    fn without_a_table_the_file_is_named() {
        assert!(findings(None, None).is_empty());
        let [finding] = &findings(None, Some("deckhand.redb"))[..] else { panic!("one finding") };
        assert!(finding.what.contains("no table") && finding.what.contains("deckhand.redb"));
    }
}
