//! The settings that hold secrets, and how we sign in to GitHub with them.

use super::reader::{Reader, SecretSetting};
use crate::credential::SecretSource;
use crate::secret::Secret;

/// How we sign in to GitHub.
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

pub const DISCORD_BOT_TOKEN: SecretSetting = SecretSetting {
    name: "DISCORD_BOT_TOKEN",
    parameter: "DISCORD_BOT_TOKEN_PARAMETER",
    shape: "it must be one line of visible characters",
    parse: one_line,
};

const GITHUB_TOKEN: SecretSetting = SecretSetting {
    name: "GITHUB_TOKEN",
    parameter: "GITHUB_TOKEN_PARAMETER",
    shape: "it must be one line of visible characters",
    parse: one_line,
};

const GITHUB_APP_PRIVATE_KEY: SecretSetting = SecretSetting {
    name: "GITHUB_APP_PRIVATE_KEY",
    parameter: "GITHUB_APP_PRIVATE_KEY_PARAMETER",
    shape: "it must be the key's PEM text (line breaks may be written as \\n)",
    parse: pem,
};

fn one_line(text: &str) -> Option<Secret> {
    let usable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    usable.then(|| Secret::new(text))
}

/// One line is what an environment file holds.
fn pem(text: &str) -> Option<Secret> {
    text.starts_with("-----BEGIN").then(|| Secret::new(text.replace("\\n", "\n")))
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    /// The app if any of its settings is there, else the token.
    pub fn sign_in(&mut self) -> Option<SignIn> {
        let ids = ["GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID"];
        let is_app = ids.into_iter().any(|name| self.value(name).is_some());
        if !is_app && !self.is_set(&GITHUB_APP_PRIVATE_KEY) {
            let token = self.required_secret(
                &GITHUB_TOKEN,
                "create a fine-grained token with Actions read and write on the repository, or set \
                 GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY",
            );
            return token.map(SignIn::Token);
        }
        let id = self.required(
            "GITHUB_APP_ID",
            "copy the app's id or client id from its page",
            "it must be an id or client id",
            |text| {
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'.')
                    .then(|| text.to_owned())
            },
        );
        let installation_id = self.required(
            "GITHUB_APP_INSTALLATION_ID",
            "it is the number at the end of the installation's URL",
            "it must be a number",
            |text| text.parse().ok(),
        );
        let private_key =
            self.required_secret(&GITHUB_APP_PRIVATE_KEY, "create a private key on the app's page");
        Some(SignIn::App(AppSettings {
            id: id?,
            installation_id: installation_id?,
            private_key: private_key?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BadSettings, Settings};
    use rstest::rstest;

    const FULL: &[(&str, &str)] = &[
        ("DISCORD_PUBLIC_KEY", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        ("DISCORD_APPLICATION_ID", "1200000000000000000"),
        ("GITHUB_REPO", "octo-org/web-client"),
    ];

    fn load(given: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        let find = |name: &str| given.iter().chain(FULL).find(|(n, _)| *n == name);
        Settings::load(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[cfg(feature = "aws")]
    fn place(source: &SecretSource) -> Option<&str> {
        match source {
            SecretSource::Given(_) => None,
            SecretSource::Parameter(parameter) => Some(&parameter.name),
        }
    }

    #[test]
    fn an_app_takes_the_tokens_place_and_must_be_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\\nabc\\n-----END RSA PRIVATE KEY-----";
        let app = [
            ("GITHUB_APP_ID", "Iv23.abc"),
            ("GITHUB_APP_INSTALLATION_ID", "77"),
            ("GITHUB_APP_PRIVATE_KEY", key),
        ];
        let SignIn::App(read) = load(&app).unwrap().github.sign_in else { panic!("a token") };
        assert_eq!((read.id.as_str(), read.installation_id), ("Iv23.abc", 77));
        let SecretSource::Given(key) = read.private_key else { panic!("a parameter") };
        assert!(key.expose().contains("-----\nabc\n-----"));
        let bad = load(&app[1..]).unwrap_err();
        assert!(bad.to_string().contains("GITHUB_APP_ID is not set"), "{bad}");
        let bad = load(&[("GITHUB_APP_PRIVATE_KEY", "abc")]).unwrap_err();
        assert_eq!(bad.problems.len(), 3);
        assert!(!format!("{:?}", load(&app).unwrap()).contains("abc\n"));
    }

    #[test]
    #[cfg(feature = "aws")]
    fn a_parameter_takes_the_place_of_its_secret() {
        let settings = load(&[
            ("GITHUB_TOKEN", "left over"),
            ("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token"),
            ("DISCORD_BOT_TOKEN_PARAMETER", "/deckhand/discord-bot-token"),
        ])
        .unwrap();
        let SignIn::Token(token) = &settings.github.sign_in else { panic!("an app") };
        assert_eq!(place(token), Some("/deckhand/github-token"));
        let bot_token = settings.discord.bot_token.as_ref().unwrap();
        assert_eq!(place(bot_token), Some("/deckhand/discord-bot-token"));
    }

    #[test]
    #[cfg(feature = "aws")]
    fn an_apps_key_may_be_a_parameter_alone() {
        let settings = load(&[
            ("GITHUB_APP_ID", "7"),
            ("GITHUB_APP_INSTALLATION_ID", "77"),
            ("GITHUB_APP_PRIVATE_KEY_PARAMETER", "arn:aws:ssm:eu-west-1:123456789012:parameter/k"),
        ]);
        let SignIn::App(app) = settings.unwrap().github.sign_in else { panic!("a token") };
        assert!(place(&app.private_key).is_some_and(|name| name.ends_with("parameter/k")));
    }

    #[rstest]
    #[case("GITHUB_TOKEN_PARAMETER", "two words")]
    #[case("DISCORD_BOT_TOKEN_PARAMETER", "/deckhand/`token`")]
    fn what_cannot_be_a_parameter_is_told(#[case] name: &'static str, #[case] value: &str) {
        let bad = load(&[("GITHUB_TOKEN", "t"), (name, value)]).unwrap_err();
        let names: Vec<_> = bad.problems.iter().map(|problem| problem.name()).collect();
        assert_eq!(names, [name]);
        assert!(!bad.to_string().contains(value));
    }

    #[rstest]
    #[case("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token")]
    #[case("DISCORD_BOT_TOKEN_PARAMETER", "/deckhand/discord-bot-token")]
    #[case("TABLE_NAME", "deckhand")]
    #[cfg(not(feature = "aws"))]
    fn a_build_without_aws_refuses_what_is_there(#[case] name: &'static str, #[case] value: &str) {
        let bad = load(&[("GITHUB_TOKEN", "t"), (name, value)]).unwrap_err();
        let expected = format!(
            "- {name} is not valid: this build has no AWS support: build with the feature `aws`"
        );
        assert_eq!(bad.to_string(), expected);
    }

    #[test]
    fn empty_counts_as_not_set() {
        let bad = load(&[("GITHUB_TOKEN", ""), ("GITHUB_TOKEN_PARAMETER", " ")]).unwrap_err();
        assert!(bad.to_string().contains("GITHUB_TOKEN is not set"), "{bad}");
    }
}
