//! The settings of the GitHub client: `GITHUB_TOKEN` or `GITHUB_APP_*`, `GITHUB_REPO`, `GITHUB_API_BASE`.

use url::Url;

use super::repository::Repository;
use crate::config::{Reader, Setting};
use crate::secrets::{SecretSetting, SecretSource, mistake};

/// The settings of the GitHub client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to sign in.
    pub sign_in: SignIn,
    /// The repository of agents that name none.
    pub repository: Repository,
    /// Without a trailing slash. For Enterprise Server it ends in `/api/v3`.
    pub api_base: String,
}

/// How to sign in to GitHub.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// With a token that may read and write Actions.
    Token(SecretSource),
    /// As an installation of a GitHub App.
    App(AppSettings),
}

/// `GITHUB_APP_ID`, `GITHUB_APP_INSTALLATION_ID`, `GITHUB_APP_PRIVATE_KEY`.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// The app's id or client id.
    pub id: String,
    /// The installation's id.
    pub installation_id: u64,
    /// An RSA key in PEM.
    pub private_key: SecretSource,
}

const TOKEN: SecretSetting = SecretSetting {
    value: Setting {
        name: "GITHUB_TOKEN",
        about: "a token with the permission *Actions: read and write*",
        default: "required, or an app",
        shape: "it must be one line of visible characters",
    },
    parameter: Setting {
        name: "GITHUB_TOKEN_PARAMETER",
        about: "the SSM SecureString that holds the token, by name or ARN; used instead of `GITHUB_TOKEN`",
        default: "none",
        shape: "it must be an SSM parameter's name or ARN",
    },
    parse: mistake::github_token,
};

const APP_ID: Setting = Setting {
    name: "GITHUB_APP_ID",
    about: "a GitHub App instead of the token: its id or client id. If any `GITHUB_APP_…` is set, the token is not used.",
    default: "none",
    shape: "it must be an id or client id",
};

const APP_INSTALLATION_ID: Setting = Setting {
    name: "GITHUB_APP_INSTALLATION_ID",
    about: "the id of the app's installation: the number at the end of the installation's URL",
    default: "required with an app",
    shape: "it must be only the number at the end of the installation's URL",
};

const APP_PRIVATE_KEY: SecretSetting = SecretSetting {
    value: Setting {
        name: "GITHUB_APP_PRIVATE_KEY",
        about: "the app's private key as PEM text; line breaks may be written as `\\n`",
        default: "required with an app",
        shape: "it must be the key's PEM text (line breaks may be written as \\n)",
    },
    parameter: Setting {
        name: "GITHUB_APP_PRIVATE_KEY_PARAMETER",
        about: "the SSM SecureString that holds the key, by name or ARN; used instead of `GITHUB_APP_PRIVATE_KEY`",
        default: "none",
        shape: "it must be an SSM parameter's name or ARN",
    },
    parse: mistake::private_key,
};

const REPOSITORY: Setting = Setting {
    name: "GITHUB_REPO",
    about: "`owner/name` of the repository that holds the workflows",
    default: "required",
    shape: "it must be owner/name",
};

const API_BASE: Setting = Setting {
    name: "GITHUB_API_BASE",
    about: "the API of GitHub Enterprise Server: `https://<host>/api/v3`",
    default: "`https://api.github.com`",
    shape: "it must be an https URL without query, fragment or & (plain http only to this machine)",
};

/// The settings of this module.
pub const DECLARED: &[&Setting] = &[
    &TOKEN.value,
    &TOKEN.parameter,
    &APP_ID,
    &APP_INSTALLATION_ID,
    &APP_PRIVATE_KEY.value,
    &APP_PRIVATE_KEY.parameter,
    &REPOSITORY,
    &API_BASE,
];

impl Settings {
    /// Reads these settings; `None` if a required one is missing or not valid.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let sign_in = SignIn::read(reader);
        let repository = reader.required_checked(
            &REPOSITORY,
            "set it to the repository that holds the workflows, as owner/name",
            |text| text.parse().map_err(|()| Repository::mistake(text).unwrap_or(REPOSITORY.shape)),
        );
        let api_base = reader.api_base(&API_BASE, "https://api.github.com", web_page);
        Some(Self { sign_in: sign_in?, repository: repository?, api_base })
    }
}

/// What is wrong with the address of GitHub's pages as that of its API.
fn web_page(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?;
    match host {
        "github.com" | "www.github.com" => Some(
            "it is the address of GitHub's pages, not of its API: for github.com leave the setting out",
        ),
        _ if host.ends_with(".ghe.com") && !host.starts_with("api.") => Some(
            "it is the address of GitHub's pages, not of its API: that is https://api.<subdomain>.ghe.com",
        ),
        _ if host.ends_with(".github.com") && url.path().starts_with("/repos/") => {
            Some("it is the address of one repository in the API: the base ends before /repos")
        }
        _ => None,
    }
}

impl SignIn {
    /// Chooses the app if any of its settings is set, else the token.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let is_app = [&APP_ID, &APP_INSTALLATION_ID].iter().any(|one| reader.value(one).is_some());
        if !is_app && !APP_PRIVATE_KEY.is_set(reader) {
            let token = TOKEN.required(
                reader,
                "create a fine-grained token with Actions read and write on the repository, or set \
                 GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY",
            );
            return token.map(Self::Token);
        }
        let plain = |text: &str| {
            let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
            plain.then(|| text.to_owned())
        };
        let id = reader.required(&APP_ID, "copy the app's id or client id from its page", plain);
        let installation_id = reader.required(
            &APP_INSTALLATION_ID,
            "it is the number at the end of the installation's URL",
            |text| text.parse().ok(),
        );
        let private_key =
            APP_PRIVATE_KEY.required(reader, "create a private key on the app's page");
        Some(Self::App(AppSettings {
            id: id?,
            installation_id: installation_id?,
            private_key: private_key?,
        }))
    }
}
