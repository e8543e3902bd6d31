//! Who can be somebody on the page, and where they type.

use serde_json::{Value, json};
use standins::discord::{CHANNEL_ID, Discord, User};

use crate::bot::Registry;

/// A channel in a server that the bot was added to without being allowed there.
const CHANNEL_ABROAD: &str = "1190000000000000103";
const GUILD_ABROAD: &str = "1190000000000000102";
/// The admin of the page.
pub(crate) const ADMIN: &str = "linus";
/// The admins in the terminal: there the default user may try everything.
pub(crate) const ADMINS_OF_LINES: [&str; 2] = ["ada", ADMIN];

/// Somebody on the page.
pub(crate) struct Person {
    pub user: User,
    part: &'static str,
    about: &'static str,
    pub channel: &'static str,
}

/// All of them. The requester has every role, and the first id, that agents allow.
pub(crate) fn people(registry: &Registry) -> Vec<Person> {
    let rules = || registry.agents().iter().map(|agent| &agent.rule);
    let mut ada = User::named("ada");
    let mut roles: Vec<String> =
        rules().flat_map(|rule| rule.roles.iter().map(u64::to_string)).collect();
    roles.sort();
    roles.dedup();
    ada.roles = roles;
    if let Some(id) = rules().find_map(|rule| rule.users.first()) {
        ada.id = id.to_string();
    }
    let person = |user, part, about| Person { user, part, about, channel: CHANNEL_ID };
    vec![
        person(ada, "Requester", "May use every agent"),
        person(User::named("grace"), "Colleague", "A member without roles"),
        person(User::named(ADMIN), "Admin", "One of ADMIN_USER_IDS"),
        Person {
            channel: CHANNEL_ABROAD,
            ..person(User::named("mallory"), "Stranger", "Added the bot to a server of their own")
        },
    ]
}

impl Person {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.user.id,
            "name": self.user.username,
            "shown": self.user.global_name,
            "roles": self.user.roles,
            "part": self.part,
            "about": self.about,
            "channel": self.channel,
        })
    }
}

/// Makes the channels that people and watches need. Returns them as the page shows them.
pub(crate) fn channels(discord: &Discord, registry: &Registry) -> Vec<Value> {
    let channel =
        |id: &str, name: &str, server: &str| json!({"id": id, "name": name, "server": server});
    let mut all = vec![channel(CHANNEL_ID, "deploys", "Octo")];
    for (watch, number) in registry.watches().iter().zip(1..) {
        let id = watch.channel.to_string();
        if !all.iter().any(|known| known["id"] == id.as_str()) {
            discord.add_channel(&id);
            all.push(channel(&id, &format!("watch-{number}"), "Octo"));
        }
    }
    discord.add_channel_abroad(CHANNEL_ABROAD, GUILD_ABROAD);
    all.push(channel(CHANNEL_ABROAD, "general", "Mallory’s server"));
    all
}
