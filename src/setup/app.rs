//! Step 2 with a GitHub App: GitHub makes it of a manifest, by a form on a page of this machine. The person creates it and
//! installs it, in their browser.

use std::sync::{Arc, Mutex, PoisonError};

use super::form::{Form, serve};
use super::stopped::Stopped;
use super::unreached;
use super::webhook::random;
use super::work::Work;
use crate::github::Github;
use crate::github::app_manifest::{Installation, MadeApp, converted, manifest};

pub(super) const ID: &str = "GITHUB_APP_ID";
const INSTALLATION: &str = "GITHUB_APP_INSTALLATION_ID";
const KEY: &str = "GITHUB_APP_PRIVATE_KEY";
const SECRET: &str = "GITHUB_WEBHOOK_SECRET";

/// Where a new App's webhook leads at first. Names that end so lead nowhere. Its address and our secret are set together,
/// when the server answers.
const NOWHERE: &str = "https://deckhand.invalid/github/webhook";

/// Signs in as the App. Makes it and has it installed, as far as that was not done.
pub(super) async fn sign_in(work: &mut Work<'_>) -> Result<Github, Stopped> {
    if work.value(ID).is_none() {
        let made = make(work).await?;
        let id = made.id.to_string();
        work.home.keep(ID, &id);
        work.home.keep(KEY, made.private_key.expose());
        if let Some(secret) = made.webhook_secret.filter(|_| work.value(SECRET).is_none()) {
            work.home.keep(SECRET, secret.expose());
        }
        work.save().await?;
        work.done(&format!("The App is made: {}", made.page));
    }
    if work.value(INSTALLATION).is_none() {
        let installation = installed(work).await?;
        work.home.keep(INSTALLATION, &installation.id.to_string());
        work.save().await?;
        work.done(&format!("It is installed at {}.", super::discord::shown(&installation.account)));
    }
    work.github_app()
}

/// Has GitHub make the App, and waits for the person.
async fn make(work: &Work<'_>) -> Result<MadeApp, Stopped> {
    if !work.goes("open a page on this machine from which GitHub makes an App") {
        return Err(Stopped::Unasked {
            text: "the App on GitHub's page".to_owned(),
            flag: "a browser",
        });
    }
    let api = work.github_api()?;
    // GitHub must bring it back with the code.
    let state = random()?.expose().to_owned();
    let code = Arc::new(Mutex::new(None));
    let org = work
        .flags
        .github_org
        .as_ref()
        .map(|org| format!("organizations/{org}/"))
        .unwrap_or_default();
    let page = format!("{}/{org}settings/apps/new", crate::github::client::web_base(&api));
    let name = format!("deckhand-{}", state.get(..6).unwrap_or_default());
    let form = Form {
        action: page,
        state,
        path: random()?.expose().to_owned(),
        manifest: Box::new(move |back| manifest(&name, NOWHERE, back).to_string()),
        code: code.clone(),
    };
    let served = serve(form).await.map_err(|error| {
        Stopped::mend(format!("No port of this machine can be listened on ({error})."))
    })?;
    let wait = format!(
        "  … Open this page in a browser on this machine; this goes on when the App is made:\n    {address}\n    \
         (From another machine: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE)",
        address = served.address,
        port = served.port
    );
    let look = || async { Ok(code.lock().unwrap_or_else(PoisonError::into_inner).take()) };
    let code: Option<String> = work.patiently(&wait, look).await?;
    drop(served);
    let Some(code) = code else {
        return Err(Stopped::mend("No App was made. Or use a token: --github-token-file."));
    };
    converted(work.transport.as_ref(), &api, &code).await.map_err(|error| unreached::github(&error))
}

/// Waits until the App is installed.
async fn installed(work: &Work<'_>) -> Result<Installation, Stopped> {
    let github = work.github_app_before()?;
    let page =
        github.app_page().await.map_err(|error| unreached::github(&error))?.unwrap_or_default();
    let page = format!("{page}/installations/new");
    let wait = format!(
        "  … Install it, and choose the repositories; this goes on when that is done:\n    {page}"
    );
    let look = || async {
        let all = github.installations().await.map_err(|error| unreached::github(&error))?;
        Ok((!all.is_empty()).then_some(all))
    };
    let mut all = match work.patiently(&wait, look).await? {
        Some(all) => all,
        None => return Err(Stopped::mend(format!("The App is not installed: {page}"))),
    };
    if all.len() > 1 {
        let items: Vec<String> =
            all.iter().map(|one| super::discord::shown(&one.account)).collect();
        let picked =
            work.choose_one("Which installation?", &items, "GITHUB_APP_INSTALLATION_ID").await?;
        return all.into_iter().nth(picked).ok_or(Stopped::Interrupted);
    }
    all.pop().ok_or(Stopped::Interrupted)
}
