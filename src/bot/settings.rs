//! All settings of the bot. Each module declares and reads its own; this module combines them.

use std::fmt;
use std::path::PathBuf;

use ed25519_dalek::VerifyingKey;

use super::authorize::{self, Access};
use crate::agents::Place;
use crate::config::{Env, Problem, Reader, Setting};
use crate::net::url_guard::{self, UrlPolicy};
use crate::{deploy, digest, discord, github, site, store};

/// Everything the bot needs to answer interactions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base URL, application and credentials for Discord.
    pub discord: discord::Settings,
    /// Base URL, repository and credentials for GitHub.
    pub github: github::Settings,
    /// The secrets of GitHub's webhooks.
    pub webhook: github::webhook::Settings,
    /// Who may use which command.
    pub access: Access,
    /// Which URLs are allowed (SSRF guard).
    pub urls: UrlPolicy,
    /// Whether commands may write the repository's variables and secrets.
    pub allow_secret_writes: bool,
    /// Timeout and poll interval for following a run.
    pub wait: deploy::WaitSettings,
    /// Base URLs of the deployed site.
    pub site: site::Settings,
    /// Where is remembered what outlives a process.
    pub store: store::Settings,
    /// Channel and period of the scheduled digest.
    pub digest: digest::Settings,
}

const ALLOW_SECRET_WRITES: Setting = Setting {
    name: "ALLOW_SECRET_WRITES",
    about: "`true`: admins may use `/set-frontend` and `/set-api-base`",
    default: "`false`",
    shape: "it must be true or false",
};

const AGENTS_FILE: Setting = Setting {
    name: "AGENTS_FILE",
    about: "the file that declares the [agents](agents.md)",
    default: "`agents.toml` beside the binary, else the one built in",
    shape: "it must be the path of a file",
};

/// Read before all others, when logging starts.
const LOG_LEVEL: Setting = Setting {
    name: "LOG_LEVEL",
    about: "`error`, `warn`, `info`, `debug` or `trace`",
    default: "`info`",
    shape: "it must be error, warn, info, debug or trace",
};

/// Every setting, in the order of `docs/settings.md`.
fn declared() -> Vec<&'static Setting> {
    let own = [&ALLOW_SECRET_WRITES, &AGENTS_FILE, &LOG_LEVEL];
    [
        discord::settings::DECLARED,
        github::settings::DECLARED,
        github::webhook::settings::DECLARED,
        authorize::DECLARED,
        url_guard::DECLARED,
        site::settings::DECLARED,
        deploy::settings::DECLARED,
        store::settings::DECLARED,
        digest::settings::DECLARED,
        &own,
    ]
    .concat()
}

/// `docs/settings.md`: a table of every setting.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Setting { name, about, default, .. } in declared() {
        page.push_str(&format!("| `{name}` | {about} | {default} |\n"));
    }
    page + CLOSING
}

const INTRODUCTION: &str = "\
# Settings

Deckhand reads its settings from the environment when it starts, and outside of Lambda from [a
file](#a-file-with-settings) too. It reports every problem at once, by name and without
values. An empty setting counts as not set.

This page is made by `cargo run -- settings > docs/settings.md`; a test compares the two.

| setting | meaning | default |
|---|---|---|
";

const CLOSING: &str = "
A secret in SSM is read when it is first needed, cached for 5 minutes, and read again when GitHub or Discord refuses
it. For the table and for secrets in SSM the usual variables of AWS apply, like `AWS_REGION` and `AWS_ENDPOINT_URL`.

## A file with settings

`serve`, `doctor`, `register`, `history` and `commands` also read the file of `--env-file`, or else `.env` in the folder
where they run, if it is there. Lambda reads no file. The environment wins, except where a variable is empty.

```sh
# A line for each setting; the last one of a name counts.
DISCORD_APPLICATION_ID=1190000000000000001
export GITHUB_REPO = \"octo-org/web-client\"   # quotes, export and spaces may be there
GITHUB_APP_PRIVATE_KEY='-----BEGIN RSA PRIVATE KEY-----
…
-----END RSA PRIVATE KEY-----'
```

- A value is taken as it is: nothing is run, and `$` has no meaning. Only in double quotes are there `\\n` (a new line),
  `\\\"`, `\\\\` and `\\$`. Without quotes a value ends before a `#` that follows a space.
- Line ends of Windows and a byte order mark are fine.
- A line that cannot be read is an error with its number, without its text.
- AWS's own variables (`AWS_…`) have no effect in it: the SDK reads them from the environment.
";

/// Settings that cannot be used.
#[derive(Debug, Clone)]
pub struct BadSettings {
    /// Every problem, in the order of reading.
    pub problems: Vec<Problem>,
    /// The public key, if it is valid. With it the bot can still answer Discord and report the problems.
    pub public_key: Option<Box<VerifyingKey>>,
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(|p| format!("- {p}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Where the agents are declared.
pub(crate) fn agents_file(env: Env<'_>) -> Place {
    Place::find(Reader::new(env).value(&AGENTS_FILE).map(PathBuf::from))
}

/// The value of `LOG_LEVEL`, not validated.
pub fn log_level(env: Env<'_>) -> Option<String> {
    Reader::new(env).value(&LOG_LEVEL)
}

/// The problem with `LOG_LEVEL`, if it has one. It stops nothing: then `info` applies.
pub(crate) fn bad_log_level(env: Env<'_>) -> Option<Problem> {
    let level = log_level(env)?;
    let is_level = level.parse::<tracing::Level>().is_ok();
    (!is_level).then_some(Problem::Invalid(LOG_LEVEL.name, LOG_LEVEL.shape))
}

impl Settings {
    /// Reads all settings through `env`, which gives a variable's value.
    pub fn load(env: impl Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let mut reader = Reader::new(&env);
        let discord = discord::Settings::read(&mut reader);
        let github = github::Settings::read(&mut reader);
        let webhook = github::webhook::Settings::read(&mut reader);
        let access = Access::read(&mut reader);
        let urls = UrlPolicy::read(&mut reader);
        let allow_secret_writes = reader.boolean(&ALLOW_SECRET_WRITES);
        let site = site::Settings::read(&mut reader, &urls);
        let wait = deploy::WaitSettings::read(&mut reader);
        let store = store::Settings::read(&mut reader);
        let digest = digest::Settings::read(&mut reader);
        let problems = reader.problems();
        match (discord, github) {
            (Ok(discord), Some(github)) if problems.is_empty() => Ok(Self {
                discord,
                github,
                webhook,
                access,
                urls,
                allow_secret_writes,
                wait,
                site,
                store,
                digest,
            }),
            (discord, _) => {
                let public_key = match discord {
                    Ok(discord) => Some(Box::new(discord.public_key)),
                    Err(public_key) => public_key,
                };
                Err(BadSettings { problems, public_key })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bot::authorize::Guilds;
    use crate::digest::Period;
    use crate::github::settings::SignIn;
    use crate::secrets::SecretSource;
    use rstest::rstest;

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const FULL: &[(&str, &str)] = &[
        ("DISCORD_PUBLIC_KEY", KEY),
        ("DISCORD_APPLICATION_ID", "1200000000000000000"),
        ("GITHUB_TOKEN", "github_pat_secret"),
        ("GITHUB_REPO", "octo-org/web-client"),
        ("ALLOWED_GUILD_IDS", "41"),
    ];

    fn load(changes: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        let given = |name: &str| changes.iter().chain(FULL).find(|(n, _)| *n == name);
        Settings::load(|name| given(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_required_settings_are_enough() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.discord.api_base, "https://discord.com/api/v10");
        assert_eq!(settings.github.api_base, "https://api.github.com");
        assert_eq!(settings.github.repository.to_string(), "octo-org/web-client");
        assert_eq!(settings.wait, deploy::WaitSettings::default());
        let guilds = Guilds::These(vec![41]);
        assert_eq!(settings.access, Access { guilds, ..Access::default() });
        assert_eq!(settings.urls, UrlPolicy::default());
        assert!(!settings.allow_secret_writes);
        let digest =
            digest::Settings { channel_id: None, period: Period::Daily, zone: digest::Zone::utc() };
        assert_eq!(settings.digest, digest);
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let bad = Settings::load(|_| None).unwrap_err();
        let names = bad.problems.iter().map(|p| match p {
            Problem::Missing(name, _) => *name,
            other => panic!("nothing was set: {other}"),
        });
        let names: Vec<_> = names.collect();
        let required: Vec<_> = FULL.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, required);
        assert!(bad.to_string().contains("- GITHUB_REPO is not set: "));
    }

    #[rstest]
    #[case("DISCORD_PUBLIC_KEY", "d75a")]
    #[case("DISCORD_PUBLIC_KEY", &"00".repeat(32))]
    #[case("DISCORD_APPLICATION_ID", "my-app")]
    #[case("GITHUB_TOKEN", "two words")]
    #[case("GITHUB_REPO", "https://github.com/octo-org/web-client")]
    #[case("GITHUB_REPO", "octo-org/..")]
    #[case("GITHUB_REPO", "a/b/c")]
    #[case("DISCORD_API_BASE", "discord.com")]
    #[case("DISCORD_API_BASE", "http://discord.example.com/api/v10")]
    #[case("GITHUB_API_BASE", "https://user:pw@github.example.com")]
    #[case("GITHUB_API_BASE", "http://github.example.com/api/v3")]
    #[case("GITHUB_API_BASE", "https://github.example.com/api/v3?a=b")]
    #[case("DISCORD_BOT_TOKEN", "two words")]
    #[case("DISCORD_GUILD_ID", "our server")]
    #[case("ALLOWED_GUILD_IDS", "12,abc")]
    #[case("ALLOWED_GUILD_IDS", "*,12")]
    #[case("ADMIN_USER_IDS", "-1")]
    #[case("ADMIN_USER_IDS", ",")]
    #[case("ADMIN_ROLE_IDS", "1 2")]
    #[case("ALLOWED_DOMAINS", "https://example.com")]
    #[case("ALLOWED_DOMAINS", ", ,")]
    #[case("SAFE_LOCAL", "maybe")]
    #[case("ALLOW_SECRET_WRITES", "perhaps")]
    #[case("FRONTEND_BASE_URL", "http://app.example.com")]
    #[case("FRONTEND_BASE_URL", "https://169.254.169.254")]
    #[case("VITE_API_BASE", "api.example.com")]
    #[case("VITE_API_BASE", "https://api.example.com/?v=1")]
    #[case("VITE_API_BASE", "https://api.example.com/#top")]
    #[case("FRONTEND_BASE_URL", "https://app.example.com/a&b")]
    #[case("WAIT_TIMEOUT_SECONDS", "0")]
    #[case("WAIT_TIMEOUT_SECONDS", "3600")]
    #[case("WAIT_TIMEOUT_SECONDS", "NaN")]
    #[case("POLL_INTERVAL_SECONDS", "0")]
    #[case("POLL_INTERVAL_SECONDS", "soon")]
    #[case("HISTORY_DAYS", "0")]
    #[case("HISTORY_DAYS", "3651")]
    #[case("HISTORY_DAYS", "7.5")]
    #[case("HISTORY_DAYS", "a week")]
    #[case("DIGEST_CHANNEL_ID", "#deploys")]
    #[case("DIGEST_PERIOD", "monthly")]
    #[case("DIGEST_TIME_ZONE", "Europe/Berlyn")]
    fn a_wrong_setting_is_named_and_its_value_is_not_shown(
        #[case] name: &str,
        #[case] value: &str,
    ) {
        let bad = load(&[(name, value)]).unwrap_err();
        let [Problem::Invalid(named, _)] = bad.problems.as_slice() else { panic!("{bad}") };
        assert_eq!(*named, name);
        assert!(value.len() < 4 || !bad.to_string().contains(value));
        assert_eq!(bad.public_key.is_some(), name != "DISCORD_PUBLIC_KEY");
    }

    #[test]
    fn lists_and_numbers_are_read() {
        let settings = load(&[
            ("ALLOWED_GUILD_IDS", " 1, 2 ,"),
            ("ALLOWED_DOMAINS", "example.com,*.example.net"),
            ("SAFE_LOCAL", "TRUE"),
            ("ALLOW_SECRET_WRITES", "true"),
            ("WAIT_TIMEOUT_SECONDS", "600"),
            ("POLL_INTERVAL_SECONDS", "0.5"),
            ("HISTORY_DAYS", "3650"),
            ("GITHUB_API_BASE", "https://github.example.com/api/v3/"),
            ("DISCORD_API_BASE", ""),
            ("FRONTEND_BASE_URL", "https://example.com/"),
            ("VITE_API_BASE", ""),
            ("DIGEST_CHANNEL_ID", "1190000000000000003"),
            ("DIGEST_PERIOD", "weekly"),
            ("DIGEST_TIME_ZONE", "Europe/Berlin"),
        ]);
        let settings = settings.unwrap();
        let channel_id = Some(1_190_000_000_000_000_003);
        assert_eq!(
            settings.digest,
            digest::Settings {
                channel_id,
                period: Period::Weekly,
                zone: digest::Zone::named("Europe/Berlin").unwrap(),
            }
        );
        assert_eq!(settings.access.guilds, Guilds::These(vec![1, 2]));
        assert_eq!(settings.urls.allowed_domains.len(), 2);
        assert!(settings.urls.safe_local);
        assert!(settings.allow_secret_writes);
        assert_eq!(settings.wait.timeout, Duration::from_secs(600));
        assert_eq!(settings.wait.poll_interval, Duration::from_millis(500));
        assert_eq!(settings.wait.kept.num_days(), 3650);
        assert_eq!(settings.github.api_base, "https://github.example.com/api/v3");
        assert_eq!(settings.discord.api_base, "https://discord.com/api/v10");
        assert_eq!(settings.site.frontend.unwrap().as_str(), "https://example.com/");
        assert_eq!(settings.site.api, None);
    }

    #[test]
    fn debug_shows_no_token() {
        assert!(!format!("{:?}", load(&[]).unwrap()).contains("github_pat_secret"));
    }

    /// The required settings without `GITHUB_TOKEN`.
    fn without_token(given: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        let full = FULL.iter().filter(|(name, _)| *name != "GITHUB_TOKEN");
        let find = |name: &str| given.iter().chain(full.clone()).find(|(n, _)| *n == name);
        Settings::load(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[cfg(feature = "aws")]
    fn parameter_name(source: &SecretSource) -> Option<&str> {
        match source {
            SecretSource::Given(_) => None,
            SecretSource::Parameter(parameter) => Some(&parameter.name),
        }
    }

    #[test]
    fn an_app_replaces_the_token_and_needs_all_its_settings() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\\nabc\\n-----END RSA PRIVATE KEY-----";
        let app = [
            ("GITHUB_APP_ID", "Iv23.abc"),
            ("GITHUB_APP_INSTALLATION_ID", "77"),
            ("GITHUB_APP_PRIVATE_KEY", key),
        ];
        let SignIn::App(read) = without_token(&app).unwrap().github.sign_in else {
            panic!("a token")
        };
        assert_eq!((read.id.as_str(), read.installation_id), ("Iv23.abc", 77));
        let SecretSource::Given(key) = read.private_key else { panic!("a parameter") };
        assert!(key.expose().contains("-----\nabc\n-----"));
        let bad = without_token(&app[1..]).unwrap_err();
        assert!(bad.to_string().contains("GITHUB_APP_ID is not set"), "{bad}");
        let bad = without_token(&[("GITHUB_APP_PRIVATE_KEY", "abc")]).unwrap_err();
        assert_eq!(bad.problems.len(), 3);
        assert!(!format!("{:?}", without_token(&app).unwrap()).contains("abc\n"));
    }

    #[test]
    #[cfg(feature = "aws")]
    fn a_parameter_overrides_its_secret() {
        let settings = without_token(&[
            ("GITHUB_TOKEN", "left over"),
            ("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token"),
            ("DISCORD_BOT_TOKEN_PARAMETER", "/deckhand/discord-bot-token"),
        ])
        .unwrap();
        let SignIn::Token(token) = &settings.github.sign_in else { panic!("an app") };
        assert_eq!(parameter_name(token), Some("/deckhand/github-token"));
        let bot_token = settings.discord.bot_token.as_ref().unwrap();
        assert_eq!(parameter_name(bot_token), Some("/deckhand/discord-bot-token"));
    }

    #[test]
    #[cfg(feature = "aws")]
    fn an_apps_key_may_come_from_a_parameter() {
        let settings = without_token(&[
            ("GITHUB_APP_ID", "7"),
            ("GITHUB_APP_INSTALLATION_ID", "77"),
            ("GITHUB_APP_PRIVATE_KEY_PARAMETER", "arn:aws:ssm:eu-west-1:123456789012:parameter/k"),
        ]);
        let SignIn::App(app) = settings.unwrap().github.sign_in else { panic!("a token") };
        let name = parameter_name(&app.private_key);
        assert!(name.is_some_and(|name| name.ends_with("parameter/k")));
    }

    #[rstest]
    #[case("GITHUB_TOKEN_PARAMETER", "two words")]
    #[case("DISCORD_BOT_TOKEN_PARAMETER", "/deckhand/`token`")]
    fn an_invalid_parameter_name_is_reported(#[case] name: &'static str, #[case] value: &str) {
        let bad = without_token(&[("GITHUB_TOKEN", "t"), (name, value)]).unwrap_err();
        let names: Vec<_> = bad.problems.iter().map(|problem| problem.name()).collect();
        assert_eq!(names, [name]);
        assert!(!bad.to_string().contains(value));
    }

    #[test]
    fn empty_counts_as_not_set() {
        let bad =
            without_token(&[("GITHUB_TOKEN", ""), ("GITHUB_TOKEN_PARAMETER", " ")]).unwrap_err();
        assert!(bad.to_string().contains("GITHUB_TOKEN is not set"), "{bad}");
    }

    #[test]
    fn every_setting_that_is_read_is_declared() {
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        // Each way to sign in reads other settings.
        for given in ["", "GITHUB_APP_ID"] {
            let env = |name: &str| {
                asked.borrow_mut().insert(name.to_owned());
                (name == given).then(|| "7".to_owned())
            };
            let _ = Settings::load(env);
            agents_file(&env);
            log_level(&env);
        }
        let declared = declared().into_iter().map(|setting| setting.name.to_owned()).collect();
        assert_eq!(*asked.borrow(), declared);
    }

    #[test]
    fn the_page_of_settings_is_up_to_date() {
        let committed = include_str!("../../docs/settings.md");
        assert_eq!(committed, page(), "run: cargo run -- settings > docs/settings.md");
    }
}
