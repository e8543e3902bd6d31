//! The mistakes that people make while setting up, as a table: what is set, and what `deckhand doctor` says of it: the
//! cause and the cure.

use standins::discord::{APPLICATION_ID, CHANNEL_ID, GUILD_ID, OTHER_GUILD_ID, OTHER_ROLE_ID};

use crate::doctor::command_line::SetUp;

mod aws;

/// A mistake: its name, the settings, and what the doctor's words must contain.
type Mistake<'a> = (&'a str, &'a [(&'static str, &'a str)], &'a [&'a str]);

const DISCORDS: &str = "MTE5MDAwMDAwMDAwMDAwMDAwMQ.GaBcDe.x_yz-0123456789abcdefghijklmnop";
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----";
const RESET: &str = "Reset Token";

/// Each is a finding that is not ✅, and one only.
const MISTAKES: &[Mistake<'_>] = &[
    // Secrets
    (
        "bot token in quotes",
        &[("DISCORD_BOT_TOKEN", "\"abc.def.ghi\"")],
        &["it is in quotes", "leave the quotes out"],
    ),
    ("bot token in typographic quotes", &[("DISCORD_BOT_TOKEN", "“abc.def.ghi”")], &["in quotes"]),
    (
        "bot token with its name",
        &[("DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKEN=abc.def.ghi")],
        &["name and an equals sign", "leave them out"],
    ),
    (
        "bot token with export",
        &[("DISCORD_BOT_TOKEN", "export TOKEN=abc.def.ghi")],
        &["equals sign"],
    ),
    (
        "bot token with Bot",
        &[("DISCORD_BOT_TOKEN", "Bot abc.def.ghi")],
        &["a word like Bot", "leave that word"],
    ),
    ("bot token on two lines", &[("DISCORD_BOT_TOKEN", "abc.def.\nghi")], &["one line"]),
    (
        "a classic token of GitHub's as bot token",
        &[("DISCORD_BOT_TOKEN", "ghp_0123456789abcdef")],
        &["token of GitHub's", "GITHUB_TOKEN", RESET],
    ),
    (
        "a fine-grained token as bot token",
        &[("DISCORD_BOT_TOKEN", "github_pat_11ABC_def")],
        &["token of GitHub's", RESET],
    ),
    ("the public key as bot token", &[("DISCORD_BOT_TOKEN", KEY)], &["public key", RESET]),
    (
        "an id as bot token",
        &[("DISCORD_BOT_TOKEN", APPLICATION_ID)],
        &["an id, not a token", RESET],
    ),
    ("a bot token that was reset", &[("DISCORD_BOT_TOKEN", DISCORDS)], &["(401)", RESET]),
    (
        "no bot token for the digest",
        &[("DISCORD_BOT_TOKEN", ""), ("DIGEST_CHANNEL_ID", CHANNEL_ID)],
        &["DISCORD_BOT_TOKEN is not set", RESET],
    ),
    ("GitHub's token in quotes", &[("GITHUB_TOKEN", "'ghp_0123'")], &["in quotes"]),
    (
        "GitHub's token with its name",
        &[("GITHUB_TOKEN", "GITHUB_TOKEN=ghp_0123")],
        &["equals sign"],
    ),
    (
        "GitHub's token with its scheme",
        &[("GITHUB_TOKEN", "Bearer ghp_0123")],
        &["a word like Bot or Bearer"],
    ),
    (
        "the bot's token as GitHub's",
        &[("GITHUB_TOKEN", DISCORDS)],
        &["token of Discord's", "DISCORD_BOT_TOKEN", "github_pat_"],
    ),
    ("an app's key as token", &[("GITHUB_TOKEN", PEM)], &["GITHUB_APP_PRIVATE_KEY"]),
    ("no token", &[("GITHUB_TOKEN", "")], &["GITHUB_TOKEN is not set", "fine-grained token"]),
    (
        "a token that was revoked",
        &[("GITHUB_TOKEN", "ghp_revoked")],
        &["refuses the token (401)", "Renew GITHUB_TOKEN"],
    ),
    (
        "a key without its first line",
        &[
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "2"),
            ("GITHUB_APP_PRIVATE_KEY", "MIIE\nabc"),
        ],
        &["first line is missing", "-----BEGIN"],
    ),
    (
        "a key's file name",
        &[
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "2"),
            ("GITHUB_APP_PRIVATE_KEY", "file://key.pem"),
        ],
        &["name of a file", "what is in the file"],
    ),
    (
        "a key that lost its line breaks",
        &[
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "2"),
            (
                "GITHUB_APP_PRIVATE_KEY",
                "-----BEGIN RSA PRIVATE KEY----- abc -----END RSA PRIVATE KEY-----",
            ),
        ],
        &["line breaks were lost"],
    ),
    (
        "a public key as the app's",
        &[
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "2"),
            ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----"),
        ],
        &["public key", "private key"],
    ),
    (
        "an installation's URL",
        &[
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "https://github.com/settings/installations/2"),
            ("GITHUB_APP_PRIVATE_KEY", PEM),
        ],
        &["GITHUB_APP_INSTALLATION_ID", "number at the end"],
    ),
    (
        "the hook's URL as its secret",
        &[("GITHUB_WEBHOOK_SECRET", "https://deckhand.example.com/github/webhook")],
        &["it is a URL", "of your own choice"],
    ),
    (
        "a token as the hook's secret",
        &[("GITHUB_WEBHOOK_SECRET", "ghp_0123")],
        &["it is a token", "of your own choice"],
    ),
    // Keys and ids of the application
    (
        "key and id swapped",
        &[("DISCORD_PUBLIC_KEY", APPLICATION_ID), ("DISCORD_APPLICATION_ID", KEY)],
        &["are swapped", "other's value"],
    ),
    (
        "the id as key",
        &[("DISCORD_PUBLIC_KEY", APPLICATION_ID)],
        &["DISCORD_PUBLIC_KEY is not valid", "it is an id", "64 hex digits"],
    ),
    (
        "the key as id",
        &[("DISCORD_APPLICATION_ID", KEY)],
        &["DISCORD_APPLICATION_ID is not valid", "it is the public key"],
    ),
    (
        "another application's id",
        &[("DISCORD_APPLICATION_ID", "1190000000000000077")],
        &["DISCORD_APPLICATION_ID is not the id", "Copy both"],
    ),
    (
        "another application's key",
        &[("DISCORD_PUBLIC_KEY", KEY)],
        &["not this application's key", "Copy the public key"],
    ),
    // Addresses
    (
        "Discord's API without its version",
        &[("DISCORD_API_BASE", "https://discord.com/api")],
        &["version is missing", "leave the setting out"],
    ),
    (
        "Discord's page as its API",
        &[("DISCORD_API_BASE", "https://discord.com/")],
        &["version is missing", "/api/v10"],
    ),
    (
        "GitHub's page as its API",
        &[("GITHUB_API_BASE", "https://github.com")],
        &["pages, not of its API", "leave the setting out"],
    ),
    (
        "a subdomain's page as its API",
        &[("GITHUB_API_BASE", "https://octo.ghe.com/")],
        &["pages, not of its API", "https://api."],
    ),
    (
        "an API without https",
        &[("GITHUB_API_BASE", "http://ghe.example.com/api/v3")],
        &["GITHUB_API_BASE is not valid", "https"],
    ),
    (
        "a repository's URL",
        &[("GITHUB_REPO", "https://github.com/octo-org/web-client")],
        &["it is a URL", "only owner/name"],
    ),
    (
        "a repository's address for git",
        &[("GITHUB_REPO", "git@github.com:octo-org/web-client.git")],
        &["for git clone", "only owner/name"],
    ),
    ("a repository with .git", &[("GITHUB_REPO", "octo-org/web-client.git")], &["leave .git out"]),
    (
        "a repository with a slash",
        &[("GITHUB_REPO", "octo-org/web-client/")],
        &["ends with a slash"],
    ),
    (
        "a repository without its owner",
        &[("GITHUB_REPO", "web-client")],
        &["only a name", "owner/name"],
    ),
    (
        "two repositories",
        &[("GITHUB_REPO", "octo-org/a, octo-org/b")],
        &["it is a list", "agents.toml"],
    ),
    // Other settings
    (
        "a log level that is none",
        &[("LOG_LEVEL", "verbose")],
        &["LOG_LEVEL is not valid", "error, warn, info, debug or trace"],
    ),
    ("a boolean that is none", &[("ALLOW_SECRET_WRITES", "perhaps")], &["true or false"]),
    (
        "an id in quotes",
        &[("ADMIN_USER_IDS", "\"810000000000000001\"")],
        &["ADMIN_USER_IDS is not valid", "leave the quotes out"],
    ),
    (
        "a setting with its name",
        &[("ALLOWED_GUILD_IDS", "ALLOWED_GUILD_IDS=1190000000000000002")],
        &["its own name"],
    ),
    ("a name as admin", &[("ADMIN_USER_IDS", "ada")], &["Copy User ID", "not names"]),
    ("a mention as role", &[("ADMIN_ROLE_IDS", "<@&1190000000000000004>")], &["Copy Role ID"]),
    // Ids against reality
    ("1 as server", &[("ALLOWED_GUILD_IDS", "1")], &["no id of Discord's", "Copy Server ID"]),
    (
        "a channel as server",
        &[("ALLOWED_GUILD_IDS", CHANNEL_ID)],
        &["which is a channel", "Copy Server ID"],
    ),
    (
        "a user as server",
        &[("ALLOWED_GUILD_IDS", "810000000000000001")],
        &["which is a user", "Copy Server ID"],
    ),
    (
        "the application as server",
        &[("ALLOWED_GUILD_IDS", APPLICATION_ID)],
        &["the application's own id"],
    ),
    (
        "a server without the bot",
        &[("ALLOWED_GUILD_IDS", "1190000000000000555")],
        &["the bot is in no server of this id", "Invite the bot"],
    ),
    (
        "the application as admin",
        &[("ADMIN_USER_IDS", APPLICATION_ID)],
        &["the application's own id", "Copy User ID"],
    ),
    (
        "nobody as admin",
        &[("ADMIN_USER_IDS", "1190000000000000666")],
        &["no user of this id", "Copy User ID"],
    ),
    (
        "a role as admin",
        &[("ADMIN_USER_IDS", "1190000000000000004")],
        &["which is a role, not a user"],
    ),
    (
        "another server's role",
        &[("ADMIN_ROLE_IDS", OTHER_ROLE_ID)],
        &["a role of server", OTHER_GUILD_ID, "Copy Role ID"],
    ),
    (
        "everyone as role",
        &[("ADMIN_ROLE_IDS", GUILD_ID)],
        &["stands for @everyone", "Name another role"],
    ),
    ("a user as role", &[("ADMIN_ROLE_IDS", "810000000000000001")], &["a user, not a role"]),
    (
        "no such role",
        &[("ADMIN_ROLE_IDS", "1190000000000000777")],
        &["no allowed server has such a role"],
    ),
    (
        "commands in a server that is refused",
        &[("DISCORD_GUILD_ID", "7")],
        &["The commands of server 7 cannot be seen"],
    ),
    (
        "no channel for the digest",
        &[("DIGEST_CHANNEL_ID", "7")],
        &["no channel of the id in DIGEST_CHANNEL_ID"],
    ),
    // AWS
    (
        "not signed in to AWS",
        &[
            ("TABLE_NAME", "deckhand"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ],
        &["not signed in to AWS", "aws login"],
    ),
    (
        "no region",
        &[("TABLE_NAME", "deckhand"), ("AWS_EC2_METADATA_DISABLED", "true")],
        &["no AWS region", "set AWS_REGION"],
    ),
];

/// The findings that are not ✅, each with its cure.
fn found(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = ["  ❌ ", "  ⚠️ ", "  ✅ "]
        .iter()
        .flat_map(|icon| text.match_indices(icon).map(|(at, _)| at))
        .chain([text.len()])
        .collect();
    let mut starts = starts;
    starts.sort_unstable();
    let parts = starts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
    parts.filter(|part| !part.starts_with("  ✅")).collect()
}

#[tokio::test]
async fn each_mistake_is_named_once_with_its_cure() {
    let set_up = SetUp::new().await;
    set_up.discord.add_guild(OTHER_GUILD_ID, "another server");
    let (well, status) = set_up.examined().await;
    assert_eq!(status, Some(0), "{well}");
    let usual = found(&well).len();
    let mut wrong = Vec::new();
    for (name, settings, said) in MISTAKES {
        let (text, _) = set_up.examined_with(settings).await;
        let findings = found(&text);
        if !findings
            .iter()
            .any(|one| said.iter().all(|words| one.to_lowercase().contains(&words.to_lowercase())))
        {
            wrong.push(format!("{name}: none says {said:?}\n{text}"));
        }
        let bad = findings.iter().filter(|one| one.starts_with("  ❌")).count();
        if bad > 1 || findings.len() > usual + 1 {
            wrong.push(format!("{name}: more than one finding\n{text}"));
        }
        for (_, value) in
            settings.iter().filter(|(name, _)| name.contains("TOKEN") || name.contains("SECRET"))
        {
            assert!(value.is_empty() || !text.contains(value), "{name}: a secret is shown");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(MISTAKES.len(), 64, "docs/troubleshooting.md says how many");
}
