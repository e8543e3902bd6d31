//! Signs in to GitHub with a token, or as an installation of an app.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::app::{self, InstallationToken};
use super::client::{Answer, Github};
use super::error::GithubError;
use super::settings::{AppSettings, SignIn};
use crate::secrets::NoSecret;
use crate::secrets::Secret;

#[derive(Deserialize)]
struct App {
    slug: String,
}

impl From<NoSecret> for GithubError {
    fn from(error: NoSecret) -> Self {
        Self::NoSignIn(error.to_string())
    }
}

impl Github {
    /// The token for requests. An installation token is cached, and renewed before it expires.
    pub(super) async fn token(&self) -> Result<Secret, GithubError> {
        let app = match &self.settings.sign_in {
            SignIn::Token(_) => return Ok(self.credential.get().await?),
            SignIn::App(app) => app,
        };
        let mut kept = self.installation.lock().await;
        if let Some(installation) = kept.as_ref().filter(|token| token.is_fresh(self.clock.now())) {
            return Ok(installation.token.clone());
        }
        let path = format!("/app/installations/{}/access_tokens", app.installation_id);
        let answer = self.call_as_app(app, Method::POST, &path).await?;
        let installation: InstallationToken = answer.json()?;
        let token = installation.token.clone();
        *kept = Some(installation);
        Ok(token)
    }

    /// A new token in place of one that GitHub refused: the secret may have changed, or the installation
    /// token was revoked. `None` if there is no other.
    pub(super) async fn another_token(
        &self,
        refused: &Secret,
    ) -> Result<Option<Secret>, GithubError> {
        match &self.settings.sign_in {
            SignIn::Token(_) => Ok(self.credential.instead_of(refused).await),
            SignIn::App(_) => {
                self.installation.lock().await.take_if(|kept| kept.token == *refused);
                self.token().await.map(Some)
            }
        }
    }

    /// The permissions of the app's installation. `None` for a plain token, which does not tell them.
    pub async fn granted(&self) -> Option<BTreeMap<String, String>> {
        self.installation.lock().await.as_ref().map(|token| token.permissions.clone())
    }

    /// The login that starts the app's dispatches; `None` if we are not an app.
    pub(super) async fn app_login(&self) -> Result<Option<String>, GithubError> {
        let SignIn::App(app) = &self.settings.sign_in else { return Ok(None) };
        let app: App = self.call_as_app(app, Method::GET, "/app").await?.json()?;
        Ok(Some(format!("{}[bot]", app.slug)))
    }

    /// A request as the app itself, not as its installation.
    async fn call_as_app(
        &self,
        app: &AppSettings,
        method: Method,
        path: &str,
    ) -> Result<Answer, GithubError> {
        let key = self.credential.get().await?;
        let jwt = self.jwt(app, &key)?;
        let answer = self.call_as(&jwt, method.clone(), path, None, Bytes::new()).await;
        if let Err(GithubError::Unauthorized(_)) = answer
            && let Some(key) = self.credential.instead_of(&key).await
        {
            return self.call_as(&self.jwt(app, &key)?, method, path, None, Bytes::new()).await;
        }
        answer
    }

    fn jwt(&self, app: &AppSettings, private_key: &Secret) -> Result<Secret, GithubError> {
        let now = self.clock.now();
        let now = self.to_github_time(now).unwrap_or(now);
        app::jwt(&app.id, private_key, now).ok_or_else(|| {
            GithubError::NoSignIn(
                "GITHUB_APP_PRIVATE_KEY is not an RSA key in PEM; create a new one on the app's page"
                    .to_owned(),
            )
        })
    }
}
