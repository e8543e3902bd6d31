//! Step 2: the sign-in to GitHub.

use super::app;
use super::given::GITHUB_TOKEN as FLAG;
use super::person::Question;
use super::stopped::Stopped;
use super::unreached;
use super::work::{Found, Work};
use crate::github::account::Dispatcher;
use crate::github::{Github, GithubError};
use crate::secrets::{Secret, mistake};

const NAME: &str = "GITHUB_TOKEN";
const ASKED: &str = "A fine-grained token of GitHub's (https://github.com/settings/personal-access-tokens/new: choose \
                     the repositories; Actions: read and write, Contents: read, Webhooks: read and write)";

/// Signs in, and keeps the token.
pub(super) async fn sign_in(work: &mut Work<'_>) -> Result<Github, Stopped> {
    work.step("GitHub");
    if let Some(base) = work.given("GITHUB_API_BASE") {
        work.home.keep("GITHUB_API_BASE", &base);
    }
    let app = work.value(app::ID);
    if let (Some(id), Some(_)) = (&app, &work.files.github_token) {
        return Err(Stopped::mend(format!(
            "The bot signs in as the App {id}, so {FLAG} would have no effect. Leave it out; or, to use the token, take \
             what begins with GITHUB_APP_ out of {} first.",
            work.home.place()
        )));
    }
    if work.flags.github_app || app.is_some() {
        return as_app(work).await;
    }
    let mut found = match work.known_secret(NAME, work.files.github_token.as_ref(), FLAG) {
        Some(known) => known,
        None => match asked(work).await? {
            Some(token) => token,
            None => return as_app(work).await,
        },
    };
    let (token, github, account) = loop {
        let Found { secret, place, may_be_asked } = found;
        let why = match foreign(&secret) {
            Some(why) => why.to_owned(),
            None => {
                let github = work.github(&secret)?;
                match github.dispatcher().await {
                    Ok(account) => break (secret, github, account),
                    Err(GithubError::Unauthorized(_)) => {
                        "GitHub refuses it (401): it is wrong, has expired, or was revoked"
                            .to_owned()
                    }
                    Err(error) => return Err(unreached::github(&error)),
                }
            }
        };
        let what = format!("The token for GitHub is of no use ({place}): {why}.");
        if !may_be_asked {
            return Err(Stopped::mend(what));
        }
        work.note(&what);
        found = if work.home.value(NAME).is_some() {
            // An installation with a token stays one.
            work.asked_secret(ASKED, FLAG).await?
        } else if let Some(token) = asked(work).await? {
            token
        } else {
            return as_app(work).await;
        };
    };
    match account {
        Dispatcher::Login(login) => {
            work.done(&format!(
                "Signed in as {login}: GitHub shows {login} as who started the runs."
            ));
        }
        Dispatcher::SomeBot | Dispatcher::Unknown => work.done("Signed in."),
    }
    work.home.keep(NAME, token.expose());
    work.save().await?;
    Ok(github)
}

/// Asks for a token. `None`: an App is wanted.
async fn asked(work: &Work<'_>) -> Result<Option<Found>, Stopped> {
    let text = format!("{ASKED}; or Enter, and GitHub makes an App in your browser");
    let question = Question { text, default: None, flag: FLAG, is_secret: true };
    let secret = work.ask(question).await?;
    let place = "what you entered".to_owned();
    Ok((!secret.expose().is_empty()).then_some(Found { secret, place, may_be_asked: true }))
}

async fn as_app(work: &mut Work<'_>) -> Result<Github, Stopped> {
    let github = app::sign_in(work).await?;
    match github.dispatcher().await {
        Ok(Dispatcher::Login(login)) => {
            work.done(&format!("Signed in as the App {login}: the runs are its own."));
        }
        Ok(_) => work.done("Signed in as the App."),
        Err(error) => return Err(unreached::github(&error)),
    }
    Ok(github)
}

/// Why this cannot be a token of GitHub's. It is not sent there then.
fn foreign(token: &Secret) -> Option<&'static str> {
    mistake::github_token(token.expose()).err()
}
