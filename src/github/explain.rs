//! Explains a GitHub error to users: what is wrong, GitHub's reason, and the fix. All such texts are here.

use chrono::TimeDelta;

use super::cause::Cause;
use super::error::GithubError;
use super::repository::Repository;
use crate::text::{duration, escape};

/// Limit for quoted text from GitHub, in characters.
const MAX_SAID: usize = 300;

/// What the request was about. The text depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// Dispatch of this workflow file in this repository.
    Dispatch(&'a str, &'a Repository),
    /// A workflow that the message already names.
    ThisWorkflow,
    /// A run that was known before.
    Run,
    /// Something in this repository.
    Repository(&'a Repository),
    /// A request of the doctor.
    Checked,
}

/// The problem and the fix, as one or two sentences of Markdown. `needs` is the permission that the request
/// needs, like `Actions: read`.
pub(crate) fn explain(error: &GithubError, subject: Subject<'_>, needs: &str) -> String {
    let quoted = |said: &str| escape::plain(said, MAX_SAID);
    let (what, fix) = words(error, subject, needs, quoted);
    format!("{what} {fix}").trim_end().to_owned()
}

/// Whom an error is explained to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// An admin of the bot: all of it.
    Admin,
    /// Anybody else: what only an admin can mend is not explained.
    Colleague,
}

impl Audience {
    pub(crate) fn of(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::Colleague }
    }
}

/// What is said to others instead of an error that only an admin of the bot can mend.
pub(crate) const ADMINS_MEND_IT: &str = "An admin of the bot must mend it.";

/// Whether only an admin of the bot can mend it: its token or app, and what those may do.
pub(crate) fn is_for_admins(error: &GithubError) -> bool {
    match error {
        GithubError::NoSignIn(_) | GithubError::Unauthorized(_) => true,
        GithubError::SignIn(error) => !error.is_passing(),
        GithubError::Forbidden(said) => Cause::of(said).is_none_or(Cause::is_of_the_token),
        _ => false,
    }
}

/// As [`explain`], as far as it concerns this audience.
pub(crate) fn explain_to(
    audience: Audience,
    error: &GithubError,
    subject: Subject<'_>,
    needs: &str,
) -> String {
    if audience == Audience::Colleague && is_for_admins(error) {
        return ADMINS_MEND_IT.to_owned();
    }
    explain(error, subject, needs)
}

/// The same in plain text: the problem, and the fix.
pub(crate) fn explain_plainly(
    error: &GithubError,
    subject: Subject<'_>,
    needs: &str,
) -> (String, String) {
    let (what, fix) = words(error, subject, needs, |said| escape::clipped(said, MAX_SAID));
    (what.replace('`', ""), fix.replace('`', ""))
}

fn words(
    error: &GithubError,
    subject: Subject<'_>,
    needs: &str,
    quoted: impl Fn(&str) -> String,
) -> (String, String) {
    let because = |said: &str| because(said, &quoted);
    match error {
        GithubError::NoSignIn(why) => {
            (format!("Deckhand cannot sign in to GitHub: {why}."), String::new())
        }
        GithubError::NoSignInNow(why) => (
            format!("Deckhand cannot sign in to GitHub: {why}."),
            "Try again in a minute.".to_owned(),
        ),
        GithubError::SignIn(error) => sign_in(error, quoted),
        GithubError::NotSent(_) => ("GitHub cannot be reached.".to_owned(), OUTAGE.to_owned()),
        GithubError::Lost(_) => ("GitHub did not answer as it should.".to_owned(), OUTAGE.to_owned()),
        GithubError::RateLimited(wait) => {
            let wait = duration::compact(TimeDelta::from_std(*wait).unwrap_or_default());
            ("GitHub's rate limit is used up.".to_owned(), format!("Try again in {wait}."))
        }
        GithubError::Unauthorized(why) => (
            format!("GitHub refuses the token (401){}.", because(why)),
            "It is wrong, expired or revoked. Renew `GITHUB_TOKEN`, or what its parameter holds; of a GitHub App, \
             check that it is still installed."
                .to_owned(),
        ),
        GithubError::Forbidden(why) => {
            (format!("GitHub forbids it (403){}.", because(why)), forbidden(why, subject, needs))
        }
        GithubError::NotFound => unknown(subject),
        GithubError::Moved => (
            match subject {
                Subject::Dispatch(_, repository) | Subject::Repository(repository) => {
                    format!("GitHub says that {} has moved.", code(repository))
                }
                _ => "GitHub says that the repository has moved.".to_owned(),
            },
            "Set `GITHUB_REPO` (or the agent's repository) to its new name.".to_owned(),
        ),
        GithubError::Refused(status, why) => (
            format!("GitHub refuses it ({status}){}.", because(why)),
            refused(*status, why, subject).to_owned(),
        ),
    }
}

/// GitHub's reason, if it gave one.
fn because(said: &str, quoted: impl Fn(&str) -> String) -> String {
    match said.trim_end_matches('.') {
        "" => String::new(),
        said => format!(": {}", quoted(said)),
    }
}

/// A sign-in as the app that failed, so nothing was asked or done. The cure is in the app's settings.
fn sign_in(error: &GithubError, quoted: impl Fn(&str) -> String) -> (String, String) {
    let (why, fix) = match error {
        GithubError::NotSent(_) => ("GitHub cannot be reached.".to_owned(), OUTAGE),
        GithubError::Unauthorized(said) => (
            format!("GitHub refuses the app's signature (401){}.", because(said, quoted)),
            if error.is_about_time() {
                "Set this machine's clock by NTP."
            } else {
                "Check `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY` (or its parameter): both must be of the same \
                 app."
            },
        ),
        GithubError::Forbidden(said) => (
            format!("GitHub forbids it (403){}.", because(said, quoted)),
            Cause::of(said).map_or(INSTALLED, Cause::cure),
        ),
        GithubError::NotFound => {
            ("GitHub does not know the app or its installation (404).".to_owned(), INSTALLED)
        }
        GithubError::Refused(status, said) => {
            (format!("GitHub refuses it ({status}){}.", because(said, quoted)), INSTALLED)
        }
        GithubError::Moved => (
            "GitHub redirects it to another server.".to_owned(),
            "Check `GITHUB_API_BASE`: it must be the final address.",
        ),
        _ => ("GitHub did not answer as it should.".to_owned(), OUTAGE),
    };
    (format!("Deckhand could not sign in to GitHub as the app: {why}"), fix.to_owned())
}

const INSTALLED: &str = "Check `GITHUB_APP_ID`, `GITHUB_APP_INSTALLATION_ID` and `GITHUB_API_BASE`, and that the app is installed.";

const OUTAGE: &str = "Try again in a minute; githubstatus.com tells about outages.";

fn code(repository: &Repository) -> String {
    escape::code(&repository.to_string(), 140)
}

/// The fix for a 403, by GitHub's known reasons.
fn forbidden(said: &str, subject: Subject<'_>, needs: &str) -> String {
    if let Some(cause) = Cause::of(said) {
        return cause.cure().to_owned();
    }
    let place = match subject {
        Subject::Dispatch(_, repository) | Subject::Repository(repository) => {
            format!(" on {}", code(repository))
        }
        Subject::ThisWorkflow | Subject::Run | Subject::Checked => String::new(),
    };
    format!("The token needs the permission {needs}{place}.")
}

fn unknown(subject: Subject<'_>) -> (String, String) {
    let (what, fix) = match subject {
        Subject::Dispatch(file, repository) => (
            format!(
                "GitHub does not know the workflow {} in {} (404).",
                escape::code(file, 100),
                code(repository)
            ),
            "It must be in `.github/workflows` on the default branch, also if another branch is dispatched. Check \
             that, the file's name in agents.toml, and that the token may see the repository.",
        ),
        Subject::ThisWorkflow => (
            "GitHub does not know this workflow (404).".to_owned(),
            "It must be in `.github/workflows` on the default branch. Check that, the agent's workflow in \
             agents.toml, and that the token may see the repository.",
        ),
        Subject::Run => ("GitHub does not know it (404).".to_owned(), "It may have been deleted."),
        Subject::Repository(repository) => (
            format!(
                "GitHub does not know {}, or the token may not see it (404).",
                code(repository)
            ),
            "Check `GITHUB_REPO` (or the agent's repository) and the token's repositories.",
        ),
        Subject::Checked => (
            "GitHub does not know it, or the token may not see it (404).".to_owned(),
            "Check the token (or the app's installation), `GITHUB_REPO` and `GITHUB_API_BASE`.",
        ),
    };
    (what, fix.to_owned())
}

/// What is wrong with a workflow in this state, and the fix. `None`: it can be dispatched.
pub(crate) fn inactive(state: &str) -> Option<(&'static str, &'static str)> {
    match state {
        "active" => None,
        "deleted" => Some((
            "is deleted",
            "Put its file back on the default branch, or fix the agent's workflow in agents.toml.",
        )),
        "disabled_inactivity" => Some((
            "is disabled",
            "GitHub did so after 60 days without a commit. Enable it on its page.",
        )),
        _ => Some(("is disabled", "Enable it on its page.")),
    }
}

/// The fix for any other 4xx, by GitHub's known reasons.
fn refused(status: u16, said: &str, subject: Subject<'_>) -> &'static str {
    if said.contains("Unexpected inputs") {
        "Declare it in the workflow's `on.workflow_dispatch.inputs`, on the branch or tag that is dispatched, or \
         take it out of the agent in agents.toml."
    } else if said.contains("Required input") {
        "Give it as an option of the command. If there is none, add it to the agent's inputs or to `[agent.fixed]` \
         in agents.toml."
    } else if said.contains("not in the list of allowed values") {
        "Choose one that the workflow's `on.workflow_dispatch.inputs` lists. The agent's `choices` in agents.toml \
         should be the same."
    } else if said.contains("No ref found") {
        "Check that this branch or tag exists."
    } else if said.contains("'workflow_dispatch' trigger") {
        "Add `workflow_dispatch` to the workflow's `on`, on the default branch and on the one that is dispatched."
    } else if let Some(cause) = Cause::of(said) {
        cause.cure()
    } else if status == 400 && said.to_lowercase().contains("version") {
        "Update Deckhand: GitHub does not take API version 2022-11-28 any more."
    } else {
        match subject {
            Subject::Dispatch(..) | Subject::ThisWorkflow => {
                "Check the agent's workflow, ref and inputs in agents.toml."
            }
            Subject::Run if status == 409 => "Most likely it has ended meanwhile.",
            Subject::Run => "",
            Subject::Repository(_) | Subject::Checked => {
                "Check the token (or the app's installation), `GITHUB_REPO` and `GITHUB_API_BASE`."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use rstest::rstest;

    fn repository() -> Repository {
        "octo-org/web-client".parse().unwrap()
    }

    #[rstest]
    #[case::saml(
        "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
        "single sign-on"
    )]
    #[case::ip_allow_list(
        "Although you appear to have the correct authorization credentials, the `octo-org` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.",
        "IP allow list, or"
    )]
    #[case::classic_token(
        "`octo-org` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.",
        "fine-grained token or a GitHub App: classic"
    )]
    #[case::disabled_workflow("Workflow is disabled.", "Enable the workflow on its page")]
    #[case::disabled_actions(
        "GitHub Actions is disabled for this repository.",
        "Enable GitHub Actions"
    )]
    #[case::archived("Repository was archived so is read-only.", "Unarchive")]
    #[case::suspended_app("This installation has been suspended", "Unsuspend")]
    #[case::permission(
        "Resource not accessible by personal access token",
        "The token needs the permission Actions: read and write on `octo-org/web-client`."
    )]
    fn a_403_shows_githubs_reason_and_the_fix(#[case] said: &str, #[case] expected_fix: &str) {
        let repository = repository();
        let error = GithubError::Forbidden(said.to_owned());
        let subject = Subject::Dispatch("client-deploy.yml", &repository);
        let text = explain(&error, subject, "Actions: read and write");
        let reason = escape::plain(said.trim_end_matches('.'), MAX_SAID);
        assert!(text.contains(&format!("GitHub forbids it (403): {reason}.")), "{text}");
        assert!(text.contains(expected_fix), "{text}");
    }

    #[rstest]
    #[case::goes_on(
        GithubError::Forbidden("This workflow is already running".to_owned()),
        "GitHub forbids it (403): This workflow is already running. It goes on. Wait until it has ended, or cancel it first."
    )]
    #[case::too_old(
        GithubError::Forbidden("Unable to retry this workflow run because it was created over a month ago".to_owned()),
        "created over a month ago. GitHub runs a run again only within 30 days"
    )]
    #[case::too_often(
        GithubError::Forbidden("Unable to retry this workflow run because it has been run too often".to_owned()),
        "50 times at most. Start a new deploy."
    )]
    #[case::has_ended(
        GithubError::Refused(409, "Cannot cancel a workflow run that is completed.".to_owned()),
        "GitHub refuses it (409): Cannot cancel a workflow run that is completed. It has ended already"
    )]
    #[case::conflict_without_words(
        GithubError::Refused(409, String::new()),
        "GitHub refuses it (409). Most likely it has ended meanwhile."
    )]
    #[case::gone(GithubError::NotFound, "It may have been deleted.")]
    #[case::permission(
        GithubError::Forbidden("Resource not accessible by integration".to_owned()),
        "The token needs the permission Actions: read and write."
    )]
    fn what_a_run_cannot_be_made_to_do_is_explained(
        #[case] error: GithubError,
        #[case] expected: &str,
    ) {
        let text = explain(&error, Subject::Run, "Actions: read and write");
        assert!(text.contains(expected), "{text}");
        let is_about_the_token = text.contains("token");
        assert_eq!(is_about_the_token, expected.contains("token"), "{text}");
    }

    #[rstest]
    #[case("Unexpected inputs provided: [\"x\"]", "`on.workflow_dispatch.inputs`")]
    #[case("Required input 'stage' not provided", "add it to the agent's inputs")]
    #[case(
        "Provided value 'x' for input 'stage' not in the list of allowed values",
        "Choose one that the workflow's"
    )]
    #[case("No ref found for: nope", "branch or tag exists")]
    #[case("Cannot trigger a 'workflow_dispatch' on a disabled workflow", "Enable the workflow")]
    #[case("Repository was archived so is read-only.", "Unarchive the repository")]
    #[case("Workflow does not have 'workflow_dispatch' trigger", "Add `workflow_dispatch`")]
    #[case("Something new", "Check the agent's workflow, ref and inputs")]
    fn a_422_shows_githubs_reason_and_the_fix(#[case] said: &str, #[case] expected_fix: &str) {
        let error = GithubError::Refused(422, said.to_owned());
        let text = explain(&error, Subject::ThisWorkflow, "Actions: read and write");
        assert!(text.starts_with("GitHub refuses it (422): "), "{text}");
        assert!(text.contains(expected_fix), "{text}");
    }

    #[rstest]
    #[case(GithubError::Unauthorized("Bad credentials".to_owned()), "(401): Bad credentials. It is wrong")]
    #[case(GithubError::Unauthorized(String::new()), "(401). It is wrong")]
    #[case(GithubError::NotFound, "Check `GITHUB_REPO`")]
    #[case(GithubError::Moved, "`octo-org/web-client` has moved")]
    #[case(GithubError::RateLimited(Duration::from_secs(3600)), "Try again in 1h 0m.")]
    #[case(GithubError::NotSent("x".to_owned()), "cannot be reached. Try again in a minute")]
    #[case(GithubError::Lost("x".to_owned()), "did not answer as it should. Try again")]
    #[case(GithubError::NoSignIn("why".to_owned()), "cannot sign in to GitHub: why.")]
    #[case(GithubError::NoSignInNow("why".to_owned()), "cannot sign in to GitHub: why. Try again in a minute.")]
    fn every_error_says_what_to_do(#[case] error: GithubError, #[case] expected: &str) {
        let repository = repository();
        let text = explain(&error, Subject::Repository(&repository), "Secrets: read and write");
        assert!(text.contains(expected), "{text}");
    }

    #[rstest]
    #[case::key(GithubError::Unauthorized("A JSON web token could not be decoded".to_owned()), "`GITHUB_APP_PRIVATE_KEY`")]
    #[case::clock(GithubError::Unauthorized("'Expiration time' claim ('exp') is too far in the future".to_owned()), "by NTP")]
    #[case::not_installed(GithubError::NotFound, "`GITHUB_APP_INSTALLATION_ID`")]
    #[case::suspended(GithubError::Forbidden("This installation has been suspended".to_owned()), "Unsuspend")]
    #[case::forbidden(GithubError::Forbidden(String::new()), "that the app is installed")]
    #[case::not_granted(GithubError::Refused(422, "no".to_owned()), "that the app is installed")]
    #[case::outage(GithubError::Lost("status 502".to_owned()), "did not answer as it should. Try again")]
    #[case::offline(GithubError::NotSent("dns".to_owned()), "cannot be reached. Try again")]
    #[case::moved(GithubError::Moved, "`GITHUB_API_BASE`")]
    fn a_failed_sign_in_is_told_as_that(#[case] error: GithubError, #[case] expected: &str) {
        let error = GithubError::of_sign_in(error);
        let repository = repository();
        let subject = Subject::Dispatch("client-deploy.yml", &repository);
        let text = explain(&error, subject, "Actions: read and write");
        assert!(text.starts_with("Deckhand could not sign in to GitHub as the app: "), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("client-deploy"), "it is not about the workflow: {text}");
    }

    #[rstest]
    #[case("active", None)]
    #[case("deleted", Some("Put its file back"))]
    #[case("disabled_manually", Some("Enable it"))]
    #[case("disabled_fork", Some("Enable it"))]
    #[case("disabled_inactivity", Some("60 days without a commit. Enable it"))]
    #[case("invented", Some("Enable it"))]
    fn a_workflow_that_is_not_active_has_a_cure(#[case] state: &str, #[case] fix: Option<&str>) {
        let (_, said) = inactive(state).unzip();
        assert_eq!(said.is_some(), fix.is_some());
        assert!(said.unwrap_or_default().contains(fix.unwrap_or_default()), "{said:?}");
    }

    #[test]
    fn text_from_github_is_escaped() {
        let error =
            GithubError::Forbidden("**@everyone** `x` <@1> https://evil.example".to_owned());
        let text = explain(&error, Subject::Run, "Actions: read");
        for hostile in ["**@", "`x`", "<@1>", "https://"] {
            assert!(!text.contains(hostile), "{text}");
        }
        let (plain, _) = explain_plainly(&error, Subject::Checked, "Actions: read");
        assert!(plain.contains("<@1> https://evil.example"), "{plain}");
    }
}
