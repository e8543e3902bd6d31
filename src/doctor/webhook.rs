//! The doctor's findings on GitHub's webhooks: whether deliveries arrive. It knows by what the store noted, not by
//! asking GitHub: few tokens may read a repository's hooks.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::finding::Finding;
use crate::agents::Registry;
use crate::deploy::arrivals::{RECENT, last_seen};
use crate::github::webhook::Secrets;
use crate::github::{Github, Repository};
use crate::secrets::NoSecret;
use crate::store::{Store, StoreError};

const ABOUT: &str = "Webhooks";

/// Facts about GitHub's webhooks.
#[derive(Debug, Clone)]
pub enum WebhookFacts {
    /// No secret is set, so deliveries are not taken.
    NotSet,
    /// A secret is set.
    Set {
        /// Secrets that cannot be read.
        unreadable: Vec<NoSecret>,
        /// Each repository with an agent's workflow, or with a watch.
        repositories: Vec<HookFacts>,
        /// When this was asked.
        now: DateTime<Utc>,
    },
}

/// Facts about the deliveries of one repository.
#[derive(Debug, Clone)]
pub struct HookFacts {
    pub repository: Repository,
    /// Whether a watch shows its runs.
    pub is_watched: bool,
    /// The URL of the page with its hooks.
    pub page: String,
    /// When a delivery of it was last noted.
    pub seen: Result<Option<DateTime<Utc>>, StoreError>,
}

/// Reads when deliveries were noted. Without a store, none was.
pub(crate) async fn ask(
    secrets: &Secrets,
    github: &Github,
    registry: &Registry,
    store: Option<Result<&dyn Store, &StoreError>>,
) -> WebhookFacts {
    if !secrets.are_set() {
        return WebhookFacts::NotSet;
    }
    let default = github.default_repository();
    let watched =
        || registry.watches().iter().map(|watch| watch.repository.as_ref().unwrap_or(default));
    let hooks = registry.repositories(Some(default)).into_iter().map(|repository| async move {
        let is_watched = watched().any(|one| one.is_same(&repository));
        let seen = match store {
            Some(Ok(store)) => last_seen(store, &repository).await,
            Some(Err(error)) => Err(error.clone()),
            None => Ok(None),
        };
        let page = format!("{}/settings/hooks", github.repository_page(&repository));
        HookFacts { repository, is_watched, page, seen }
    });
    let (unreadable, repositories) = tokio::join!(secrets.unreadable(), join_all(hooks));
    WebhookFacts::Set { unreadable, repositories, now: github.now() }
}

pub(super) fn findings(facts: Option<&WebhookFacts>) -> Vec<Finding> {
    let (unreadable, repositories, now) = match facts {
        None => return Vec::new(),
        Some(WebhookFacts::NotSet) => {
            let what = "None are taken: deploys are followed by polling. With them waiting costs nothing: \
                        docs/webhooks.md.";
            return vec![Finding::good(ABOUT, what)];
        }
        Some(WebhookFacts::Set { unreadable, repositories, now }) => {
            (unreadable, repositories, *now)
        }
    };
    let unreadable = unreadable.iter().map(|why| {
        let fix = "Correct it: GitHub does not send again what was refused.";
        Finding::bad(ABOUT, format!("Deliveries cannot be checked: {why}."), fix)
    });
    unreadable.chain(repositories.iter().map(|hook| of_repository(hook, now))).collect()
}

fn of_repository(hook: &HookFacts, now: DateTime<Utc>) -> Finding {
    let HookFacts { repository, is_watched, page, seen } = hook;
    let watched = if *is_watched { " Its watches show nothing until one comes." } else { "" };
    let what = match seen {
        Ok(Some(seen)) if now - *seen < RECENT => {
            let what = format!("Those of {repository} arrive, the last {}.", moment(*seen));
            return Finding::good(ABOUT, what);
        }
        Ok(Some(seen)) => format!(
            "The last rightly signed delivery of {repository} was seen {}. If a workflow ran there in the last three \
             days, deliveries are lost.",
            moment(*seen)
        ),
        Ok(None) => format!(
            "No rightly signed delivery of {repository} was seen, so its deploys are followed by polling.{watched}"
        ),
        Err(error) => {
            let what = format!("Whether those of {repository} arrive is not known: {error}.");
            return Finding::doubtful(ABOUT, what, "Mend the store first.");
        }
    };
    let fix = "In the repository's (or the App's) Settings, Webhooks, look at Recent Deliveries. Check the hook's URL \
               (it ends in /github/webhook), content type, secret, and events: Workflow runs and Workflow jobs.";
    Finding::doubtful(ABOUT, what, fix).on_page(page)
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("at %F %R UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use chrono::TimeDelta;
    use rstest::rstest;

    fn now() -> DateTime<Utc> {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn judged(seen: Result<Option<DateTime<Utc>>, StoreError>) -> Finding {
        let page = "https://github.com/o/r/settings/hooks".to_owned();
        let repository = "o/r".parse().unwrap();
        let repositories = vec![HookFacts { repository, is_watched: true, page, seen }];
        let facts = WebhookFacts::Set { unreadable: Vec::new(), repositories, now: now() };
        findings(Some(&facts)).remove(0)
    }

    #[rstest]
    #[case::never(None, Level::Doubtful, "No rightly signed delivery of o/r was seen")]
    #[case::now(Some(0), Level::Good, "Those of o/r arrive, the last at 2026-11-22 10:00 UTC.")]
    #[case::yesterday(Some(24), Level::Good, "the last at 2026-11-21 10:00 UTC")]
    #[case::long_ago(Some(72), Level::Doubtful, "was seen at 2026-11-19 10:00 UTC")]
    fn it_is_said_when_a_delivery_was_last_seen(
        #[case] hours_ago: Option<i64>,
        #[case] level: Level,
        #[case] what: &str,
    ) {
        let found = judged(Ok(hours_ago.map(|hours| now() - TimeDelta::hours(hours))));
        assert_eq!(found.level, level);
        assert!(found.what.contains(what), "{}", found.what);
        let is_ill = level == Level::Doubtful;
        assert_eq!(found.page.is_some(), is_ill);
        assert_eq!(found.fix.contains("Recent Deliveries"), is_ill);
    }

    #[test]
    fn a_watch_without_deliveries_is_said_to_show_nothing() {
        assert!(judged(Ok(None)).what.ends_with("Its watches show nothing until one comes."));
    }

    #[test]
    fn what_is_not_known_is_said() {
        let found = judged(Err(StoreError::Unusable("it is down".to_owned())));
        assert_eq!(found.level, Level::Doubtful);
        assert_eq!(found.what, "Whether those of o/r arrive is not known: it is down.");
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_bad() {
        let why = NoSecret {
            setting: "GITHUB_WEBHOOK_SECRET_PARAMETER",
            name: "/deckhand/hook".to_owned(),
            why: "does not exist".to_owned(),
            passes: false,
        };
        let facts =
            WebhookFacts::Set { unreadable: vec![why], repositories: Vec::new(), now: now() };
        let [found] = &findings(Some(&facts))[..] else { panic!() };
        assert_eq!(found.level, Level::Bad);
        assert!(found.what.contains("/deckhand/hook"), "{}", found.what);
    }

    #[test]
    fn without_a_secret_nothing_is_wrong() {
        let [found] = &findings(Some(&WebhookFacts::NotSet))[..] else { panic!() };
        assert_eq!(found.level, Level::Good);
        assert!(findings(None).is_empty());
    }
}
