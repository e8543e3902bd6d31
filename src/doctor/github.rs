//! The doctor's findings on GitHub: the token, the rate limit, the permissions in each repository.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::facts::{Facts, GithubFacts, Read, RepositoryFacts};
use super::finding::{Finding, Level, commands, listed};
use crate::github::account::Dispatcher;
use crate::github::explain::{Subject, explain_plainly};
use crate::github::inspect::RateLimit;
use crate::github::permission::Permission;
use crate::github::{GithubError, Repository};

const ABOUT: &str = "GitHub";
/// Warn below one tenth of the rate limit.
const LITTLE: u64 = 10;
/// Warn above this clock skew. From five minutes on, Discord's signatures are refused.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

pub(super) fn findings(all: &Facts) -> Vec<Finding> {
    // What is wrong with its settings is said already, and that nothing was asked.
    let Some(facts) = &all.github else { return Vec::new() };
    let rate = match &facts.rate {
        Ok(rate) => rate.as_ref(),
        Err(error) => {
            let (what, fix) = trouble("GitHub", error);
            return vec![Finding::bad(ABOUT, what, fix)];
        }
    };
    let scopes = rate.and_then(|rate| rate.scopes.as_deref());
    let mut findings = vec![account(facts.account.as_ref()), left(rate)];
    findings.extend(facts.ahead.and_then(clocks));
    if rate.is_some_and(|rate| rate.remaining == 0) {
        return findings;
    }
    for repository in &facts.repositories {
        findings.extend(permissions(repository, scopes, facts));
    }
    findings
}

type Account<'a> = Option<&'a Result<Dispatcher, GithubError>>;

fn account(account: Account<'_>) -> Finding {
    let version = "takes the token and API version 2022-11-28";
    match account {
        Some(Ok(Dispatcher::Login(login))) => {
            Finding::good(ABOUT, format!("It {version}; runs are dispatched by {login}."))
        }
        Some(Ok(Dispatcher::SomeBot)) => {
            Finding::good(ABOUT, format!("It {version}; runs are dispatched by an app."))
        }
        Some(Ok(Dispatcher::Unknown)) | None => Finding::good(ABOUT, format!("It {version}.")),
        Some(Err(error)) => {
            let (what, fix) = trouble("The token's account", error);
            Finding::doubtful(ABOUT, what, fix)
        }
    }
}

fn left(rate: Option<&RateLimit>) -> Finding {
    let Some(RateLimit { limit, remaining, reset, .. }) = rate else {
        return Finding::good(ABOUT, "This server sets no rate limit.");
    };
    let what = format!("{remaining} of {limit} requests are left in this hour");
    let reset = reset.map(|reset| reset.format(" (at %H:%M UTC)").to_string()).unwrap_or_default();
    let fix = format!(
        "Wait until the hour is over{reset}, and find out what else uses this token; a GitHub App has a \
         limit of its own."
    );
    match remaining {
        0 => Finding::bad(ABOUT, format!("{what}: nothing works until then."), fix),
        left if *left < limit / LITTLE => Finding::doubtful(ABOUT, format!("Only {what}."), fix),
        _ => Finding::good(ABOUT, format!("{what}.")),
    }
}

fn clocks(ahead: TimeDelta) -> Option<Finding> {
    let apart = ahead.abs();
    (apart > CLOCKS_DIFFER).then(|| {
        let what = format!(
            "This machine's clock and GitHub's are {} s apart. From 300 s on, what Discord sends is \
             refused.",
            apart.num_seconds()
        );
        Finding::doubtful(ABOUT, what, "Set this machine's clock by NTP.")
    })
}

fn permissions(facts: &RepositoryFacts, scopes: Option<&str>, of: &GithubFacts) -> Vec<Finding> {
    let about = facts.repository.to_string();
    let push = match &facts.push {
        Ok(push) => push,
        Err(error) if error.lacks_access() => {
            return vec![Finding::bad(
                &about,
                "The repository does not exist, or the token may not see it.",
                "Check GITHUB_REPO (or the agent's repository), and which repositories the token is for.",
            )];
        }
        Err(error) => {
            let (what, fix) = trouble("The repository", error);
            return vec![Finding::bad(&about, what, fix)];
        }
    };
    let mut findings: Vec<Finding> = facts.renamed.iter().map(|new| renamed(&about, new)).collect();
    let mut readable = Vec::new();
    for read in &facts.reads {
        match &read.answer {
            Ok(()) => readable.push(read.permission.name().to_owned()),
            Err(error) => findings.push(unreadable(&about, read, error)),
        }
    }
    let needs = facts.reads.iter().filter(|read| read.answer.is_ok()).filter_map(|read| {
        let need = written(read.permission)?;
        Some(format!("{} for {}", need, commands(&writers(read)?)))
    });
    let needs: Vec<String> = needs.collect();
    let of_an_app = of.granted.is_some();
    let lacking = facts.reads.iter().filter(|read| read.answer.is_ok());
    let lacking = lacking.filter_map(|read| not_granted(&about, read, of.granted.as_ref()?));
    let lacking: Vec<Finding> = lacking.collect();
    let granted = of_an_app && lacking.is_empty() && !needs.is_empty();
    findings.extend(lacking);
    let readable = if readable.is_empty() {
        String::new()
    } else {
        format!("The token may read {}. ", listed(&readable))
    };
    let by_a_person = !of_an_app && matches!(of.account, Some(Ok(Dispatcher::Login(_))));
    let has_scope = |name| scopes.is_some_and(|all| all.split(',').any(|one| one.trim() == name));
    let scoped = has_scope("repo");
    // Only classic tokens have scopes. `public_repo` is enough where everybody may read.
    let unscoped =
        scopes.is_some_and(|all| !all.trim().is_empty()) && !scoped && !has_scope("public_repo");
    findings.extend(if *push == Some(false) && by_a_person {
        let what =
            format!("{readable}Its account may not write here, so nothing can be dispatched.");
        Some(Finding::bad(&about, what, "Give the account the role Write in this repository."))
    } else if unscoped && !needs.is_empty() {
        let what =
            format!("{readable}The classic token has no scope repo, so it may write nothing here.");
        let fix =
            "Give it the scope repo, or better: create a fine-grained token for this repository.";
        Some(Finding::bad(&about, what, fix))
    } else if scoped {
        Some(Finding::good(&about, format!("{readable}Its scope repo lets it write.")))
    } else if granted {
        let what = format!("{readable}The app was granted what these commands write.");
        Some(Finding::good(&about, what))
    } else if needs.is_empty() || of_an_app {
        // If nothing can be read either, the findings above are enough.
        (!readable.is_empty()).then(|| Finding::good(&about, readable.trim_end()))
    } else {
        let what = format!(
            "{readable}What it may write cannot be seen without writing; it needs {}.",
            listed(&needs)
        );
        let fix = "Compare it with the token's page on GitHub.";
        Some(Finding::doubtful(&about, what, fix))
    });
    findings
}

/// GitHub redirects the old name, until somebody uses it for another repository.
fn renamed(about: &str, new: &Repository) -> Finding {
    Finding::doubtful(
        about,
        format!("The repository was renamed or transferred: it is {new} now."),
        format!(
            "Set GITHUB_REPO (or the agent's repository) to {new}: the old name is only redirected, and that ends \
             when somebody uses it anew."
        ),
    )
}

/// The finding for a write permission that commands need and the app's installation lacks.
fn not_granted(about: &str, read: &Read, granted: &BTreeMap<String, String>) -> Option<Finding> {
    let (need, writers) = (written(read.permission)?, writers(read)?);
    let may = granted.get(read.permission.key()).is_some_and(|level| level != "read");
    (!may).then(|| {
        let verb = if writers.len() == 1 { "needs" } else { "need" };
        Finding::new(
            lack_of(read.permission),
            about,
            format!("The app was not granted {need}, which {} {verb}.", commands(&writers)),
            "Add it to the app's permissions, and accept the change in the installation's settings.",
        )
    })
}

/// The severity of a missing permission. Without Actions nothing works.
fn lack_of(permission: Permission) -> Level {
    match permission {
        Permission::Actions => Level::Bad,
        _ => Level::Doubtful,
    }
}

/// The name of the write permission. `None`: no command writes with it.
fn written(permission: Permission) -> Option<&'static str> {
    match permission {
        Permission::Actions => Some("Actions: write"),
        Permission::Variables => Some("Variables: write"),
        Permission::Secrets => Some("Secrets: write"),
        Permission::Contents => None,
    }
}

/// The commands that write with this permission. `None`: none does.
fn writers(read: &Read) -> Option<Vec<String>> {
    let writers = read.commands.iter().filter(|needed| needed.writes);
    let writers: Vec<String> = writers.map(|needed| needed.command.clone()).collect();
    (!writers.is_empty()).then_some(writers)
}

fn unreadable(about: &str, read: &Read, error: &GithubError) -> Finding {
    let name = read.permission.name();
    let names: Vec<String> = read.commands.iter().map(|needed| needed.command.clone()).collect();
    let needs = match names.as_slice() {
        [] => String::new(),
        [one] => format!(", which /{one} needs"),
        many => format!(", which {} need", commands(many)),
    };
    match error {
        error if error.lacks_access() => {
            let access = match read.permission {
                Permission::Contents => "read",
                Permission::Actions => "read and write",
                Permission::Variables | Permission::Secrets => {
                    "read and write, if those commands are to be used (ALLOW_SECRET_WRITES),"
                }
            };
            Finding::new(
                lack_of(read.permission),
                about,
                format!("The token lacks the permission {name}{needs}.{}", reason(error)),
                format!("Give the token {name}: {access} on this repository."),
            )
        }
        error => {
            let (what, fix) = trouble(&format!("The permission {name}"), error);
            Finding::doubtful(about, what, fix)
        }
    }
}

/// GitHub's own reason, if it gave one.
fn reason(error: &GithubError) -> String {
    match error {
        GithubError::Forbidden(said) if !said.is_empty() => {
            format!(" GitHub says: {}.", said.trim_end_matches('.'))
        }
        _ => String::new(),
    }
}

/// Explains an error of a check: what happened, and the fix.
pub(super) fn trouble(subject: &str, error: &GithubError) -> (String, String) {
    let (what, fix) = explain_plainly(error, Subject::Checked, "that is named for the repository");
    match error {
        // The connection error itself helps here.
        error if error.is_passing() => (
            format!("{subject} could not be checked: {error}."),
            "Check the network, GITHUB_API_BASE and githubstatus.com.".to_owned(),
        ),
        _ => (format!("{subject} could not be checked. {what}"), fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::facts::Needed;
    use chrono::DateTime;
    use rstest::rstest;

    fn rate(remaining: u64) -> RateLimit {
        let reset = DateTime::from_timestamp(1_795_341_600, 0);
        RateLimit { limit: 5000, remaining, reset, scopes: None }
    }

    #[rstest]
    #[case(5000, Level::Good, "5000 of 5000 requests are left in this hour.")]
    #[case(500, Level::Good, "500 of 5000 requests are left in this hour.")]
    #[case(499, Level::Doubtful, "Only 499 of 5000 requests are left in this hour.")]
    #[case(0, Level::Bad, "0 of 5000 requests are left in this hour: nothing works until then.")]
    fn the_remaining_rate_limit_is_judged(
        #[case] remaining: u64,
        #[case] level: Level,
        #[case] what: &str,
    ) {
        let finding = left(Some(&rate(remaining)));
        assert_eq!((finding.level, finding.what.as_str()), (level, what));
        assert_eq!(finding.fix.contains("(at 10:00 UTC)"), level != Level::Good);
    }

    #[test]
    fn a_server_without_limits_is_fine() {
        assert_eq!(left(None).level, Level::Good);
    }

    #[rstest]
    #[case(Some(Ok(Dispatcher::SomeBot)), Level::Good, "by an app")]
    #[case(Some(Ok(Dispatcher::Unknown)), Level::Good, "API version")]
    #[case(Some(Ok(Dispatcher::Login("ada".into()))), Level::Good, "by ada")]
    #[case(None, Level::Good, "API version")]
    #[case(Some(Err(GithubError::Lost("x".into()))), Level::Doubtful, "could not be checked")]
    fn the_account_behind_the_token_is_named(
        #[case] dispatcher: Option<Result<Dispatcher, GithubError>>,
        #[case] level: Level,
        #[case] what: &str,
    ) {
        let finding = account(dispatcher.as_ref());
        assert_eq!(finding.level, level);
        assert!(finding.what.contains(what), "{finding:?}");
    }

    #[rstest]
    #[case(59, false)]
    #[case(61, true)]
    #[case(-400, true)]
    fn clocks_may_differ_a_little(#[case] seconds: i64, #[case] reported: bool) {
        assert_eq!(clocks(TimeDelta::seconds(seconds)).is_some(), reported);
    }

    #[rstest]
    #[case::fine_grained(Some(true), None, Level::Doubtful, "cannot be seen without writing")]
    #[case::classic(Some(true), Some("gist, repo"), Level::Good, "scope repo lets it write")]
    #[case::other_scopes(Some(true), Some("repo:status, gist"), Level::Bad, "no scope repo")]
    #[case::public(Some(true), Some("public_repo"), Level::Doubtful, "cannot be seen")]
    #[case::reader(Some(false), None, Level::Bad, "Its account may not write here")]
    #[case::unsaid(None, None, Level::Doubtful, "cannot be seen without writing")]
    fn what_the_token_may_write(
        #[case] push: Option<bool>,
        #[case] scopes: Option<&str>,
        #[case] level: Level,
        #[case] what: &str,
    ) {
        let needed = |command: &str, writes| Needed { command: command.to_owned(), writes };
        let commands = vec![needed("deploy-client", true), needed("status", false)];
        let read = Read { permission: Permission::Actions, commands, answer: Ok(()) };
        let repository = "o/r".parse().unwrap();
        let facts =
            RepositoryFacts { repository, push: Ok(push), renamed: None, reads: vec![read] };
        let ada = Ok(Dispatcher::Login("ada".to_owned()));
        let of = GithubFacts {
            rate: Ok(None),
            account: Some(ada),
            granted: None,
            ahead: None,
            repositories: Vec::new(),
            agents: Vec::new(),
        };
        let [finding] = &permissions(&facts, scopes, &of)[..] else { panic!() };
        assert_eq!(finding.level, level);
        assert!(finding.what.contains(what), "{finding:?}");
        assert!(!finding.what.contains("/status"), "{finding:?}");
    }

    #[rstest]
    #[case(GithubError::Unauthorized("Bad credentials".into()), "401): Bad credentials", "Renew GITHUB_TOKEN")]
    #[case(GithubError::Refused(400, "API version x".into()), "API version", "Update Deckhand")]
    #[case(GithubError::Refused(418, "tea".into()), "418", "Check the token")]
    #[case(GithubError::RateLimited(std::time::Duration::from_secs(7)), "used up", "in 7s")]
    #[case(GithubError::Moved, "has moved", "GITHUB_REPO")]
    #[case(GithubError::NotSent("dns".into()), "dns", "network")]
    #[case(GithubError::SignIn(Box::new(GithubError::Lost("status 502".into()))), "as the app failed", "network")]
    #[case(
        GithubError::SignIn(Box::new(GithubError::NotFound)),
        "sign in to GitHub as the app",
        "GITHUB_APP_INSTALLATION_ID"
    )]
    fn an_error_and_its_fix(#[case] error: GithubError, #[case] what: &str, #[case] fix: &str) {
        let (said, advice) = trouble("It", &error);
        assert!(said.contains(what), "{said}");
        assert!(advice.contains(fix), "{advice}");
    }
}
