//! The settings: read from the environment once, typed, with every problem reported at once.

mod reader;
mod secrets;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;

pub use self::secrets::{AppSettings, SignIn};

use self::reader::Reader;
use crate::credential::SecretSource;
use crate::digest::Period;
use crate::edge::authorize::Access;
use crate::url_guard::{AllowedUrl, DomainPattern, UrlPolicy};

/// Everything the bot needs to answer interactions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach Discord, and who we are there.
    pub discord: DiscordSettings,
    /// How to reach GitHub.
    pub github: GithubSettings,
    /// Who may do what: `ALLOWED_GUILD_IDS`, `ADMIN_USER_IDS`, `ADMIN_ROLE_IDS`.
    pub access: Access,
    /// Which URLs users may pass on: `ALLOWED_DOMAINS`, `SAFE_LOCAL`.
    pub urls: UrlPolicy,
    /// Whether commands may write the repository's variables and secrets: `ALLOW_SECRET_WRITES`.
    pub allow_secret_writes: bool,
    /// How long a run is followed.
    pub wait: WaitSettings,
    /// Where what is deployed can be seen.
    pub site: SiteSettings,
    /// The DynamoDB table that all processes share: `TABLE_NAME`.
    pub table: Option<String>,
    /// Where the digest is posted to by itself.
    pub digest: DigestSettings,
}

/// `DIGEST_CHANNEL_ID`, `DIGEST_PERIOD`: the digest that a schedule has posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestSettings {
    /// The channel. `None`: there is no such digest.
    pub channel_id: Option<u64>,
    /// What it sums up, unless the schedule says something else.
    pub period: Period,
}

/// `FRONTEND_BASE_URL`, `VITE_API_BASE`: what `/verify-latest` and `/verify-run` check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteSettings {
    /// The frontend.
    pub frontend: Option<AllowedUrl>,
    /// The API.
    pub api: Option<AllowedUrl>,
}

/// `DISCORD_PUBLIC_KEY`, `DISCORD_APPLICATION_ID`, `DISCORD_API_BASE`, `DISCORD_BOT_TOKEN`; for the doctor
/// alone `DISCORD_GUILD_ID`.
#[derive(Debug, Clone)]
pub struct DiscordSettings {
    /// Verifies that a request is Discord's.
    pub public_key: VerifyingKey,
    /// The application's id, a part of every follow-up's path.
    pub application_id: u64,
    /// With its version, without a trailing slash.
    pub api_base: String,
    /// Reads the application and its registered commands.
    pub bot_token: Option<SecretSource>,
    /// The server whose own commands are checked besides the global ones.
    pub guild_id: Option<u64>,
}

/// `GITHUB_TOKEN` or `GITHUB_APP_*`, `GITHUB_REPO`, `GITHUB_API_BASE`.
#[derive(Debug, Clone)]
pub struct GithubSettings {
    /// How we sign in.
    pub sign_in: SignIn,
    /// The repository of agents that name none.
    pub repository: Repository,
    /// Without a trailing slash; Enterprise Server's ends in `/api/v3`.
    pub api_base: String,
}

/// `WAIT_TIMEOUT_SECONDS`, `POLL_INTERVAL_SECONDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitSettings {
    /// From the command until a run that has not ended is reported as still running.
    pub timeout: Duration,
    /// Between two looks at a run.
    pub poll_interval: Duration,
}

impl Default for WaitSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(180), poll_interval: Duration::from_secs(3) }
    }
}

/// `owner/name` on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository(String);

impl FromStr for Repository {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let part = |part: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            !matches!(part, "" | "." | "..") && part.bytes().all(allowed)
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) => Ok(Self(text.to_owned())),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with one setting. It names the setting and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not set, or empty.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// Set to something that it cannot be.
    #[error("{0} is not valid: {1}")]
    Invalid(&'static str, &'static str),
}

impl Problem {
    /// The setting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(name, _) | Self::Invalid(name, _) => name,
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, Clone)]
pub struct BadSettings {
    /// Every problem, in the order of the README's table.
    pub problems: Vec<Problem>,
    /// The public key, if that at least is usable: then Discord can be told what is wrong.
    pub public_key: Option<Box<VerifyingKey>>,
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(|p| format!("- {p}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Where the agents are declared: `AGENTS_FILE`, or the file built into the binary.
pub fn agents_file(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    env("AGENTS_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

impl Settings {
    /// Reads all settings through `env`, which gives a variable's value.
    pub fn load(env: impl Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let mut read = Reader { env, problems: Vec::new() };
        let public_key = read.required(
            "DISCORD_PUBLIC_KEY",
            "copy it from the application's page in Discord's developer portal",
            "it must be the 64 hex digits of an Ed25519 key",
            public_key,
        );
        let application_id = read.required(
            "DISCORD_APPLICATION_ID",
            "copy it from the application's page in Discord's developer portal",
            "it must be a number",
            |text| text.parse().ok(),
        );
        let sign_in = read.sign_in();
        let repository = read.required(
            "GITHUB_REPO",
            "set it to the repository that holds the workflows, as owner/name",
            "it must be owner/name",
            |text| text.parse().ok(),
        );
        let discord_base = read.base("DISCORD_API_BASE", "https://discord.com/api/v10");
        let bot_token = read.secret(&secrets::DISCORD_BOT_TOKEN);
        let guild_id = read.optional(
            "DISCORD_GUILD_ID",
            "it must be a number",
            |text| text.parse().ok().map(Some),
            None,
        );
        let github_base = read.base("GITHUB_API_BASE", "https://api.github.com");
        let access = Access {
            guilds: read.list("ALLOWED_GUILD_IDS", IDS, |id| id.parse().ok()),
            admin_users: read.list("ADMIN_USER_IDS", IDS, |id| id.parse().ok()),
            admin_roles: read.list("ADMIN_ROLE_IDS", IDS, |id| id.parse().ok()),
        };
        let urls = UrlPolicy {
            allowed_domains: read.list("ALLOWED_DOMAINS", DOMAINS, DomainPattern::parse),
            safe_local: read.optional("SAFE_LOCAL", "it must be true or false", boolean, false),
        };
        let allow_secret_writes =
            read.optional("ALLOW_SECRET_WRITES", "it must be true or false", boolean, false);
        // A path is appended to it.
        let base = |text: &str| {
            let plain = !text.contains(['?', '#']);
            plain.then(|| urls.check(text).ok()).flatten().map(Some)
        };
        let site = SiteSettings {
            frontend: read.optional("FRONTEND_BASE_URL", SITE, base, None),
            api: read.optional("VITE_API_BASE", SITE, base, None),
        };
        let wait = WaitSettings {
            timeout: read.seconds(
                "WAIT_TIMEOUT_SECONDS",
                "it must be 1 to 840 seconds",
                1.0,
                840.0,
                180.0,
            ),
            poll_interval: read.seconds(
                "POLL_INTERVAL_SECONDS",
                "it must be 0.05 to 60 seconds",
                0.05,
                60.0,
                3.0,
            ),
        };
        let table = read.aws_name("TABLE_NAME", "it must be the name or ARN of a DynamoDB table");
        let digest = DigestSettings {
            channel_id: read.optional(
                "DIGEST_CHANNEL_ID",
                "it must be a number",
                |text| text.parse().ok().map(Some),
                None,
            ),
            period: read.optional(
                "DIGEST_PERIOD",
                "it must be daily or weekly",
                Period::named,
                Period::Daily,
            ),
        };
        match (public_key, application_id, sign_in, repository) {
            (Some(public_key), Some(application_id), Some(sign_in), Some(repository))
                if read.problems.is_empty() =>
            {
                Ok(Self {
                    discord: DiscordSettings {
                        public_key,
                        application_id,
                        api_base: discord_base,
                        bot_token,
                        guild_id,
                    },
                    github: GithubSettings { sign_in, repository, api_base: github_base },
                    access,
                    urls,
                    allow_secret_writes,
                    wait,
                    site,
                    table,
                    digest,
                })
            }
            (public_key, ..) => {
                let public_key = public_key.map(Box::new);
                Err(BadSettings { problems: read.problems, public_key })
            }
        }
    }
}

const IDS: &str = "it must be numbers separated by commas";
const SITE: &str = "it must be a public https URL, of ALLOWED_DOMAINS if those are set";
const DOMAINS: &str = "it must be domains like example.com or *.example.com, separated by commas";

fn public_key(text: &str) -> Option<VerifyingKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const FULL: &[(&str, &str)] = &[
        ("DISCORD_PUBLIC_KEY", KEY),
        ("DISCORD_APPLICATION_ID", "1200000000000000000"),
        ("GITHUB_TOKEN", "github_pat_secret"),
        ("GITHUB_REPO", "octo-org/web-client"),
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
        assert_eq!(settings.wait, WaitSettings::default());
        assert_eq!(settings.access, Access::default());
        assert_eq!(settings.urls, UrlPolicy::default());
        assert!(!settings.allow_secret_writes);
        let digest = DigestSettings { channel_id: None, period: Period::Daily };
        assert_eq!(settings.digest, digest);
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let bad = Settings::load(|_| None).unwrap_err();
        let names = bad.problems.iter().map(|p| match p {
            Problem::Missing(name, _) => *name,
            Problem::Invalid(..) => panic!("nothing was set"),
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
    #[case("GITHUB_API_BASE", "https://user:pw@github.example.com")]
    #[case("DISCORD_BOT_TOKEN", "two words")]
    #[case("DISCORD_GUILD_ID", "our server")]
    #[case("ALLOWED_GUILD_IDS", "12,abc")]
    #[case("ADMIN_USER_IDS", "-1")]
    #[case("ADMIN_ROLE_IDS", "1 2")]
    #[case("ALLOWED_DOMAINS", "https://example.com")]
    #[case("SAFE_LOCAL", "maybe")]
    #[case("ALLOW_SECRET_WRITES", "perhaps")]
    #[case("FRONTEND_BASE_URL", "http://app.example.com")]
    #[case("FRONTEND_BASE_URL", "https://169.254.169.254")]
    #[case("VITE_API_BASE", "api.example.com")]
    #[case("VITE_API_BASE", "https://api.example.com/?v=1")]
    #[case("WAIT_TIMEOUT_SECONDS", "0")]
    #[case("WAIT_TIMEOUT_SECONDS", "3600")]
    #[case("WAIT_TIMEOUT_SECONDS", "NaN")]
    #[case("POLL_INTERVAL_SECONDS", "0")]
    #[case("POLL_INTERVAL_SECONDS", "soon")]
    #[case("DIGEST_CHANNEL_ID", "#deploys")]
    #[case("DIGEST_PERIOD", "monthly")]
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
            ("GITHUB_API_BASE", "https://github.example.com/api/v3/"),
            ("DISCORD_API_BASE", ""),
            ("FRONTEND_BASE_URL", "https://example.com/"),
            ("VITE_API_BASE", ""),
            ("DIGEST_CHANNEL_ID", "1190000000000000003"),
            ("DIGEST_PERIOD", "weekly"),
        ]);
        let settings = settings.unwrap();
        let channel_id = Some(1_190_000_000_000_000_003);
        assert_eq!(settings.digest, DigestSettings { channel_id, period: Period::Weekly });
        assert_eq!(settings.access.guilds, [1, 2]);
        assert_eq!(settings.urls.allowed_domains.len(), 2);
        assert!(settings.urls.safe_local);
        assert!(settings.allow_secret_writes);
        assert_eq!(settings.wait.timeout, Duration::from_secs(600));
        assert_eq!(settings.wait.poll_interval, Duration::from_millis(500));
        assert_eq!(settings.github.api_base, "https://github.example.com/api/v3");
        assert_eq!(settings.discord.api_base, "https://discord.com/api/v10");
        assert_eq!(settings.site.frontend.unwrap().as_str(), "https://example.com/");
        assert_eq!(settings.site.api, None);
    }

    #[test]
    fn debug_shows_no_token() {
        assert!(!format!("{:?}", load(&[]).unwrap()).contains("github_pat_secret"));
    }
}
