//! The settings of the Discord application and client.

use ed25519_dalek::VerifyingKey;
use url::Url;

use crate::config::{self, Reader, Setting};
use crate::secrets::{SecretSetting, SecretSource, mistake};

/// A public key for clients that verify nothing: that of test 1 in RFC 8032, section 7.1.
pub(crate) const ANY_PUBLIC_KEY: &str =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// The settings of the Discord application and client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Verifies that a request comes from Discord.
    pub public_key: VerifyingKey,
    /// The application's id. It is part of the URL of every follow-up.
    pub application_id: u64,
    /// With the API version, without a trailing slash.
    pub api_base: String,
    /// Token to post the digest, and to read the application and its commands.
    pub bot_token: Option<SecretSource>,
    /// The server in which commands are registered, instead of in all.
    pub guild_id: Option<u64>,
}

const PUBLIC_KEY: Setting = Setting {
    name: "DISCORD_PUBLIC_KEY",
    about: "the application's public key, 64 hex digits",
    default: "required",
    shape: "it must be the 64 hex digits of an Ed25519 key",
};

const APPLICATION_ID: Setting = Setting {
    name: "DISCORD_APPLICATION_ID",
    about: "the application's id",
    default: "required",
    shape: "it must be a number",
};

const API_BASE: Setting = Setting {
    name: "DISCORD_API_BASE",
    about: "Discord's API, with its version",
    default: "`https://discord.com/api/v10`",
    shape: "it must be an https URL without query, fragment or & (plain http only to this machine)",
};

const BOT_TOKEN: SecretSetting = SecretSetting {
    value: Setting {
        name: "DISCORD_BOT_TOKEN",
        about: "the bot's token: to tell how a deploy ended (15 minutes after the command nothing else can), a look whether a message was posted when Discord's answer was lost, the digest on a schedule, `deckhand register` and the doctor",
        default: "none",
        shape: "it must be one line of visible characters",
    },
    parameter: Setting {
        name: "DISCORD_BOT_TOKEN_PARAMETER",
        about: "the SSM SecureString that holds the bot's token, by name or ARN; used instead of `DISCORD_BOT_TOKEN`",
        default: "none",
        shape: "it must be an SSM parameter's name or ARN",
    },
    parse: mistake::discord_token,
};

const GUILD_ID: Setting = Setting {
    name: "DISCORD_GUILD_ID",
    about: "the server in which `deckhand register` registers the commands, instead of in all; the doctor looks at its commands too",
    default: "none",
    shape: "it must be a number",
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] =
    &[&PUBLIC_KEY, &APPLICATION_ID, &BOT_TOKEN.value, &BOT_TOKEN.parameter, &GUILD_ID, &API_BASE];

const COPY: &str = "copy it from the application's page in Discord's developer portal";

impl Settings {
    /// Reads these settings. On failure the error holds the public key, if that is valid.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Option<Box<VerifyingKey>>> {
        let given = [&PUBLIC_KEY, &APPLICATION_ID].map(|setting| reader.value(setting));
        let (public_key, application_id) = match given {
            [Some(key), Some(id)] if is_id(&key) && is_key(&id) => {
                reader.swapped(&PUBLIC_KEY, &APPLICATION_ID);
                (None, None)
            }
            _ => (
                reader.required_checked(&PUBLIC_KEY, COPY, public_key),
                reader.required_checked(&APPLICATION_ID, COPY, application_id),
            ),
        };
        let api_base = reader.api_base(&API_BASE, "https://discord.com/api/v10", without_version);
        let bot_token = BOT_TOKEN.read(reader);
        let guild_id = reader.id(&GUILD_ID);
        match (public_key, application_id) {
            (Some(public_key), Some(application_id)) => {
                Ok(Self { public_key, application_id, api_base, bot_token, guild_id })
            }
            (public_key, _) => Err(public_key.map(Box::new)),
        }
    }
}

/// Records a problem if the bot's token is missing, for what does not work without it.
pub(crate) fn require_token(reader: &mut Reader<'_>) {
    let how = "copy it from the application's page Bot in Discord's developer portal (Reset Token shows it, once)";
    if reader.value(&BOT_TOKEN.value).or_else(|| reader.value(&BOT_TOKEN.parameter)).is_none() {
        reader.missing(&BOT_TOKEN.value, how);
    }
}

fn public_key(text: &str) -> Result<VerifyingKey, &'static str> {
    let mut bytes = [0; 32];
    let decoded = hex::decode_to_slice(text, &mut bytes).is_ok();
    let key = decoded.then(|| VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak()));
    key.flatten().ok_or(match text {
        _ if is_id(text) => {
            "it is an id, like the application's: the public key has 64 hex digits and is on the same page"
        }
        _ if text.split('.').count() == 3 => {
            "it is a token: the public key has 64 hex digits and is on the page General Information"
        }
        _ => PUBLIC_KEY.shape,
    })
}

fn application_id(text: &str) -> Result<u64, &'static str> {
    config::id(text).ok_or(if is_key(text) {
        "it is the public key: the application's id is a number and is on the same page"
    } else {
        APPLICATION_ID.shape
    })
}

/// Whether this is an id of Discord's, and surely no key.
fn is_id(text: &str) -> bool {
    text.len() < 64 && config::id(text).is_some()
}

/// Whether this has the form of a public key.
fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What is wrong with this base of Discord's own API: its paths begin with a version. Another server may have others.
fn without_version(url: &Url) -> Option<&'static str> {
    let is_discords = matches!(
        url.host_str()?,
        "discord.com"
            | "www.discord.com"
            | "ptb.discord.com"
            | "canary.discord.com"
            | "discordapp.com"
    );
    let mut last = url.path().trim_end_matches('/').rsplit('/');
    let is_version =
        last.next()?.strip_prefix('v').is_some_and(|number| number.parse::<u8>().is_ok());
    (is_discords && !is_version)
        .then_some("its version is missing: https://discord.com/api/v10 is the default, so leave the setting out")
}
