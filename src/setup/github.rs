//! Step 2: the sign-in to GitHub.

use super::stopped::Stopped;
use super::work::{Found, Work};
use crate::github::account::Dispatcher;
use crate::github::{Github, GithubError};
use crate::secrets::Secret;

const NAME: &str = "GITHUB_TOKEN";
const FLAG: &str = "--github-token-file";
const ASKED: &str = "A fine-grained token of GitHub's (https://github.com/settings/personal-access-tokens/new: choose \
                     the repositories; Actions: read and write, Contents: read, Webhooks: read and write)";

/// Signs in, and keeps the token.
pub(super) async fn sign_in(work: &mut Work<'_>) -> Result<Github, Stopped> {
    work.step("GitHub");
    let file = work.flags.github_token_file.as_deref();
    let mut found = work.secret(NAME, file, ASKED, FLAG).await?;
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
                    Err(error) => return Err(unreached(&error)),
                }
            }
        };
        let what = format!("The token for GitHub is of no use ({place}): {why}.");
        if !may_be_asked {
            return Err(Stopped::mend(what));
        }
        work.note(&what);
        found = work.asked_secret(ASKED, FLAG).await?;
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
    if let Some(base) = work.given("GITHUB_API_BASE") {
        work.home.keep("GITHUB_API_BASE", &base);
    }
    work.save().await?;
    Ok(github)
}

/// Why this cannot be a token of GitHub's. It is not sent there then.
fn foreign(token: &Secret) -> Option<&'static str> {
    let token = token.expose();
    // Three parts between dots, the first of which is an id in base64.
    let is_of_discord = token.split('.').count() == 3
        && !token.starts_with("ey")
        && token.starts_with(['M', 'N', 'O']);
    if is_of_discord {
        return Some("it is a token of Discord's");
    }
    if token.starts_with("-----BEGIN") {
        return Some("it is a private key, not a token");
    }
    Secret::one_line(token).is_none().then_some("it is not one line of visible characters")
}

/// What to do if GitHub cannot be asked.
pub(super) fn unreached(error: &GithubError) -> Stopped {
    Stopped::mend(match error {
        GithubError::NotSent(_) | GithubError::Lost(_) => {
            format!(
                "{error}. Check the network, and GITHUB_API_BASE if it is set; https://www.githubstatus.com says how GitHub is."
            )
        }
        _ => format!("{error}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("MTE5MDAwMDAwMDAwMDAwMDAwMQ.Gx1abc.abc-DEF_1", Some("it is a token of Discord's"))]
    #[case("-----BEGIN RSA PRIVATE KEY-----", Some("it is a private key, not a token"))]
    #[case("two words", Some("it is not one line of visible characters"))]
    #[case("github_pat_11AAAA_bbb", None)]
    #[case("ghs_standin_token", None)]
    fn what_is_no_token_of_githubs_is_not_sent(#[case] token: &str, #[case] why: Option<&str>) {
        assert_eq!(foreign(&Secret::new(token)), why);
    }
}
