//! Signs in to GitHub with a token, or as an installation of an app.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::app::{self, InstallationToken, SignedIn, Token};
use super::client::{Answer, Ask, Github};
use super::doubt::{self, Doubt};
use super::error::GithubError;
use super::settings::{AppSettings, SignIn};
use crate::secrets::NoSecret;
use crate::secrets::Secret;

/// After a renewal that failed, use the valid token for this long before the next.
const RENEWED_AGAIN_AFTER: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct App {
    slug: String,
}

impl From<NoSecret> for GithubError {
    fn from(error: NoSecret) -> Self {
        let why = error.to_string();
        if error.passes { Self::NoSignInNow(why) } else { Self::NoSignIn(why) }
    }
}

impl Github {
    /// The token for requests. An installation token is cached, and renewed before it expires.
    pub(super) async fn token(&self) -> Result<Token, GithubError> {
        let app = match &self.settings.sign_in {
            SignIn::Token(_) => {
                return Ok(Token { secret: self.credential.get().await?, issued_at: None });
            }
            SignIn::App(app) => app,
        };
        let asked = Instant::now();
        let mut kept = self.signed_in.lock().await;
        let now = self.github_now();
        let valid = kept.token.as_ref().filter(|token| token.is_valid(now));
        let valid = valid.map(|token| (token.token(), token.is_fresh(now)));
        if let Some((token, true)) = valid {
            return Ok(token);
        }
        let valid = valid.map(|(token, _)| token);
        if let Some((at, error)) = &kept.failed {
            // Whoever waited for a sign-in shares its result.
            let shared = *at >= asked || (valid.is_some() && at.elapsed() < RENEWED_AGAIN_AFTER);
            if shared {
                return valid.ok_or_else(|| error.clone());
            }
        }
        let patience = if valid.is_some() { Duration::ZERO } else { doubt::READ };
        match self.issue(app, patience, kept.works).await {
            Ok(issued) => {
                let token = issued.token();
                *kept = SignedIn { token: Some(issued), works: true, failed: None };
                Ok(token)
            }
            Err(error) => {
                kept.failed = Some((Instant::now(), error.clone()));
                valid.ok_or(error)
            }
        }
    }

    /// Gets an installation token. Nothing depends on it yet, so what may pass is tried again for a while; so is
    /// a refusal, if the app's settings are known to be right.
    async fn issue(
        &self,
        app: &AppSettings,
        patience: Duration,
        works: bool,
    ) -> Result<InstallationToken, GithubError> {
        let path = format!("/app/installations/{}/access_tokens", app.installation_id);
        let mut doubt = Doubt::default();
        loop {
            let answer = self.call_as_app(app, Method::POST, &path, None).await;
            let issued = answer.and_then(|answer| {
                answer.json::<InstallationToken>().map_err(GithubError::of_sign_in)
            });
            let error = match issued {
                Ok(token) => {
                    return Ok(InstallationToken { issued_at: Some(self.github_now()), ..token });
                }
                Err(error) => error,
            };
            let may_pass = error.is_passing() || (works && error.is_doubtful());
            if !may_pass || !doubt.lasts(patience).await {
                return Err(error);
            }
            tracing::debug!(%error, "the sign-in is tried again");
        }
    }

    /// A token in place of one that GitHub refused: the secret may have changed, or the installation token was
    /// revoked. `None` if there is no other, or if the refused one is so new that GitHub may not know it yet.
    pub(super) async fn another_token(
        &self,
        refused: &Token,
    ) -> Result<Option<Token>, GithubError> {
        match &self.settings.sign_in {
            SignIn::Token(_) => {
                let secret = self.credential.instead_of(&refused.secret).await;
                Ok(secret.map(|secret| Token { secret, issued_at: None }))
            }
            SignIn::App(_) => {
                if refused.is_new(self.github_now()) {
                    return Ok(None);
                }
                let mut kept = self.signed_in.lock().await;
                kept.token.take_if(|kept| kept.token == refused.secret);
                drop(kept);
                self.token().await.map(Some)
            }
        }
    }

    /// The permissions of the app's installation. `None` for a plain token, which does not tell them.
    pub async fn granted(&self) -> Option<BTreeMap<String, String>> {
        let kept = self.signed_in.lock().await;
        kept.token.as_ref().map(|token| token.permissions.clone())
    }

    /// The login that starts the app's dispatches; `None` if we are not an app.
    pub(super) async fn app_login(&self) -> Result<Option<String>, GithubError> {
        let SignIn::App(app) = &self.settings.sign_in else { return Ok(None) };
        let app: App = self.call_as_app(app, Method::GET, "/app", None).await?.json()?;
        Ok(Some(format!("{}[bot]", app.slug)))
    }

    /// A request as the app itself, not as its installation. Its errors are those of a sign-in.
    pub(super) async fn call_as_app(
        &self,
        app: &AppSettings,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, GithubError> {
        let ask = match body {
            Some(body) => Ask::with(method, path, body),
            None => Ask::new(method, path),
        };
        let key = self.credential.get().await?;
        let mut answer = self.send_as(&self.jwt(app, &key)?, &ask).await;
        if answer.as_ref().is_err_and(GithubError::is_about_time) {
            // The refusal told GitHub's time. Ours may be wrong, or was when a frozen process went on.
            answer = self.send_as(&self.jwt(app, &key)?, &ask).await;
        }
        if let Err(GithubError::Unauthorized(_)) = answer
            && let Some(key) = self.credential.instead_of(&key).await
        {
            answer = self.send_as(&self.jwt(app, &key)?, &ask).await;
        }
        answer.map(Answer::from).map_err(GithubError::of_sign_in)
    }

    fn jwt(&self, app: &AppSettings, private_key: &Secret) -> Result<Token, GithubError> {
        let jwt = app::jwt(&app.id, private_key, self.github_now()).ok_or_else(|| {
            GithubError::NoSignIn(
                "GITHUB_APP_PRIVATE_KEY is not an RSA key in PEM; create a new one on the app's page"
                    .to_owned(),
            )
        })?;
        Ok(Token { secret: jwt, issued_at: None })
    }
}
