//! Parses interactions from Discord, leniently.
//!
//! Only the fields that Deckhand uses are read, by hand. A field that is missing, new or of another type is
//! not an error in itself, because Discord adds fields, option types and interaction types without notice.
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object>

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::interaction_id::InteractionId;
use super::permissions::Permissions;
use super::signature::Verified;
use crate::secrets::Secret;
use crate::telemetry::{About, Event};

/// An interaction that is not answered in this time is dead: its user reads that the application did not
/// respond.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::seconds(3);

/// No interaction is under way that long. If one seems older, AWS's clock and Discord's differ, and Discord's own
/// answer tells whether it lives.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(2);

#[derive(Debug, PartialEq)]
pub enum Interaction {
    /// Discord checks that the endpoint works.
    Ping,
    /// A slash command.
    Command(Invocation),
    /// Discord asks for suggestions while the user is typing a command.
    Autocomplete(Invocation),
    /// Anything else: a component, a modal, a type that does not exist yet.
    Other,
}

/// A slash command from a user.
#[derive(Debug, PartialEq)]
pub struct Invocation {
    pub id: InteractionId,
    /// The interaction token. It is a secret: it allows answers to this interaction for 15 minutes.
    pub token: Secret,
    /// The command's name, without the slash.
    pub name: String,
    /// The given options, in Discord's order.
    pub options: Vec<GivenOption>,
    /// Who used the command, and where.
    pub caller: Caller,
    /// When AWS received the request, by its own clock.
    pub received_at: Option<DateTime<Utc>>,
}

impl Invocation {
    /// Whether Discord had surely given it up before it reached us.
    pub fn is_dead(&self) -> bool {
        let age = self.received_at.map(|at| at - self.id.created_at());
        age.is_some_and(|age| age > ANSWERED_WITHIN && age <= CLOCKS_DIFFER)
    }

    /// What the summary line says about this interaction. `known`: whether the command exists.
    pub fn about(&self, event: Event, known: bool, now: DateTime<Utc>) -> About {
        let name = if known { &self.name } else { "unknown" };
        About {
            event,
            interaction_id: Some(self.id.0),
            correlation_id: Some(self.id.correlation_id().to_string()),
            command: Some(name.to_owned()),
            user_id: Some(self.caller.user_id),
            guild_id: self.caller.guild_id,
            channel_id: self.caller.channel_id,
            age_ms: Some((now - self.id.created_at()).num_milliseconds()),
            ..About::default()
        }
    }
}

/// Who used a command, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: u64,
    /// The user's name, not the display name.
    pub username: String,
    /// The member's roles; empty in a direct message.
    pub roles: Vec<u64>,
    /// The server that has added the bot; `None` in a direct message, or if only the user has installed it.
    pub guild_id: Option<u64>,
    pub channel_id: Option<u64>,
    /// Whether the channel is a thread: posting there needs another permission.
    pub in_thread: bool,
    /// What the application may do in the channel; `None` if Discord did not say it.
    pub app_permissions: Option<Permissions>,
}

/// An option as Discord sent it. Its type is checked later, against the command's declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenOption {
    pub name: String,
    pub value: Value,
    /// Whether the user is typing it right now (autocomplete).
    pub focused: bool,
}

/// A signed body that is not an interaction we can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The body is not a JSON object with a numeric `type`.
    #[error("the body is not an interaction")]
    NotAnInteraction,
    /// A command without this part, or with a part of the wrong type.
    #[error("the command has no usable {0}")]
    Command(&'static str),
}

/// Parses a verified body.
pub(crate) fn parse(body: &Verified) -> Result<Interaction, Malformed> {
    parse_bytes(body.bytes())
}

fn parse_bytes(body: &[u8]) -> Result<Interaction, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Malformed::NotAnInteraction)?;
    match value.get("type").and_then(integer).ok_or(Malformed::NotAnInteraction)? {
        1 => Ok(Interaction::Ping),
        2 => command(&value).map(Interaction::Command),
        4 => command(&value).map(Interaction::Autocomplete),
        _ => Ok(Interaction::Other),
    }
}

fn command(value: &Value) -> Result<Invocation, Malformed> {
    let data = value.get("data").unwrap_or(&Value::Null);
    let member = value.get("member").unwrap_or(&Value::Null);
    // In a server the user is inside `member`; in a direct message it is at the top level.
    let user = member.get("user").or_else(|| value.get("user")).unwrap_or(&Value::Null);
    Ok(Invocation {
        id: snowflake(value.get("id")).map(InteractionId).ok_or(Malformed::Command("id"))?,
        token: token(value).ok_or(Malformed::Command("token"))?,
        name: text(data.get("name")).ok_or(Malformed::Command("name"))?,
        options: list(data.get("options")).filter_map(option).collect(),
        caller: Caller {
            user_id: snowflake(user.get("id")).ok_or(Malformed::Command("user"))?,
            username: text(user.get("username")).unwrap_or_default(),
            roles: list(member.get("roles")).filter_map(|r| snowflake(Some(r))).collect(),
            guild_id: server(value),
            channel_id: snowflake(value.get("channel_id")),
            in_thread: is_thread(value.get("channel")),
            app_permissions: value.get("app_permissions").and_then(Permissions::read),
        },
        received_at: None,
    })
}

/// Whether this channel is a thread: of announcements, public or private.
/// <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>
fn is_thread(channel: Option<&Value>) -> bool {
    let kind = channel.and_then(|channel| channel.get("type")).and_then(integer);
    matches!(kind, Some(10..=12))
}

/// The server in which a command of its own was used. A user may have installed the application for themselves
/// and use it in any server and in direct messages; then the server did not ask for it and cannot restrict it.
/// <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object>
fn server(value: &Value) -> Option<u64> {
    /// The interaction context `GUILD`. The others are direct messages and group chats.
    const SERVER: i64 = 0;
    let elsewhere = |context: &Value| !context.is_null() && integer(context) != Some(SERVER);
    // The key is the kind of installation: 0 is a server's. In a direct message its value is "0".
    let by_server = |owners: &Value| match owners.as_object() {
        Some(owners) if !owners.is_empty() => snowflake(owners.get("0")).is_some_and(|id| id > 0),
        _ => true,
    };
    if value.get("context").is_some_and(elsewhere)
        || !value.get("authorizing_integration_owners").is_none_or(by_server)
    {
        return None;
    }
    snowflake(value.get("guild_id"))
}

/// The token becomes a segment of a URL's path, so it must have no special characters.
fn token(value: &Value) -> Option<Secret> {
    let token = value.get("token")?.as_str()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~=+:".contains(&b);
    let dots = token.bytes().all(|b| b == b'.');
    (!dots && token.bytes().all(plain)).then(|| Secret::new(token))
}

fn option(value: &Value) -> Option<GivenOption> {
    Some(GivenOption {
        name: text(value.get("name"))?,
        value: value.get("value").cloned().unwrap_or(Value::Null),
        focused: value.get("focused").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// Discord sends snowflakes as strings. Numbers are accepted too.
pub(super) fn snowflake(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(s) => s.parse().ok(),
        n => n.as_u64(),
    }
}

/// An integer. Discord may send it as `5.0`.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    /// Up to this magnitude a double holds every integer exactly, as in JavaScript.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exact")]
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn read(value: &Value) -> Result<Interaction, Malformed> {
        parse_bytes(value.to_string().as_bytes())
    }

    fn deploy() -> Value {
        json!({
            "id": "1300000000000000000", "type": 2, "token": "aW50ZXJhY3Rpb24", "version": 1,
            "application_id": "1", "guild_id": "41", "channel_id": "42",
            "channel": {"id": "42", "type": 0}, "app_permissions": "68608",
            "member": {"user": {"id": "7", "username": "ada"}, "roles": ["8", "9"]},
            "data": {"id": "5", "name": "deploy-client", "type": 1, "options": [
                {"name": "wait", "type": 5, "value": true},
            ]},
        })
    }

    #[test]
    fn every_part_of_a_command_is_parsed() {
        let expected = Invocation {
            id: InteractionId(1_300_000_000_000_000_000),
            token: Secret::new("aW50ZXJhY3Rpb24"),
            name: "deploy-client".to_owned(),
            options: vec![GivenOption {
                name: "wait".to_owned(),
                value: json!(true),
                focused: false,
            }],
            caller: Caller {
                user_id: 7,
                username: "ada".to_owned(),
                roles: vec![8, 9],
                guild_id: Some(41),
                channel_id: Some(42),
                in_thread: false,
                app_permissions: Permissions::read(&json!("68608")),
            },
            received_at: None,
        };
        assert!(expected.caller.app_permissions.is_some());
        assert_eq!(read(&deploy()), Ok(Interaction::Command(expected)));
    }

    #[rstest]
    #[case::in_time(2_900, false)]
    #[case::too_late(3_100, true)]
    #[case::much_too_late(119_000, true)]
    #[case::clocks_differ(-500, false)]
    #[case::clocks_differ_by_minutes(240_000, false)]
    fn an_interaction_that_arrives_late_is_dead(#[case] age_ms: i64, #[case] is_dead: bool) {
        let Ok(Interaction::Command(mut command)) = read(&deploy()) else { panic!("no command") };
        assert!(!command.is_dead(), "it is not known");
        command.received_at = Some(command.id.created_at() + TimeDelta::milliseconds(age_ms));
        assert_eq!(command.is_dead(), is_dead);
    }

    #[test]
    fn a_direct_message_has_no_guild_and_no_roles() {
        let mut value = deploy();
        value["user"] = value["member"]["user"].take();
        value.as_object_mut().unwrap().retain(|k, _| k != "member" && k != "guild_id");
        let Ok(Interaction::Command(command)) = read(&value) else { panic!("not a command") };
        assert_eq!(command.caller.guild_id, None);
        assert_eq!(command.caller.user_id, 7);
        assert!(command.caller.roles.is_empty());
    }

    #[rstest]
    #[case::in_a_server(json!({"context": 0, "authorizing_integration_owners": {"0": "41"}}), true)]
    #[case::installed_by_both(json!({"authorizing_integration_owners": {"0": "41", "1": "7"}}), true)]
    #[case::nothing_said(json!({"context": null, "authorizing_integration_owners": {}}), true)]
    #[case::installed_by_the_user(json!({"context": 0, "authorizing_integration_owners": {"1": "7"}}), false)]
    #[case::direct_message(json!({"context": 1, "authorizing_integration_owners": {"0": "0"}}), false)]
    #[case::direct_message_by_owner(json!({"authorizing_integration_owners": {"0": "0"}}), false)]
    #[case::direct_message_by_context(json!({"context": 1}), false)]
    #[case::group_chat(json!({"context": 2, "authorizing_integration_owners": {"1": "7"}}), false)]
    #[case::context_from_the_future(json!({"context": "guild"}), false)]
    #[case::only_the_guild_object(json!({"guild_id": null, "guild": {"id": "41"}}), false)]
    fn a_command_is_in_a_server_only_if_the_server_has_added_the_bot(
        #[case] given: Value,
        #[case] in_server: bool,
    ) {
        let mut value = deploy();
        value.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let Ok(Interaction::Command(command)) = read(&value) else { panic!("not a command") };
        assert_eq!(command.caller.guild_id, in_server.then_some(41));
    }

    #[rstest]
    #[case::text_channel(json!({"type": 0}), false)]
    #[case::announcements(json!({"type": 5}), false)]
    #[case::thread_of_announcements(json!({"type": 10}), true)]
    #[case::public_thread(json!({"type": 11.0}), true)]
    #[case::private_thread(json!({"type": 12}), true)]
    #[case::stage(json!({"type": 13}), false)]
    #[case::kind_from_the_future(json!({"type": "thread"}), false)]
    #[case::not_said(Value::Null, false)]
    fn a_thread_is_recognised(#[case] channel: Value, #[case] in_thread: bool) {
        let mut value = deploy();
        value["channel"] = channel;
        let Ok(Interaction::Command(command)) = read(&value) else { panic!("not a command") };
        assert_eq!(command.caller.in_thread, in_thread);
    }

    #[rstest]
    #[case::missing(Value::Null)]
    #[case::odd(json!({"bits": 1}))]
    #[case::empty(json!(""))]
    fn permissions_that_cannot_be_read_are_unknown(#[case] said: Value) {
        let mut value = deploy();
        value["app_permissions"] = said;
        let Ok(Interaction::Command(command)) = read(&value) else { panic!("not a command") };
        assert_eq!(command.caller.app_permissions, None);
    }

    #[rstest]
    #[case::ping(json!({"type": 1}), Interaction::Ping)]
    #[case::ping_as_a_float(json!({"type": 1.0}), Interaction::Ping)]
    #[case::component(json!({"type": 3}), Interaction::Other)]
    #[case::from_the_future(json!({"type": 99, "data": 5}), Interaction::Other)]
    fn each_interaction_type_is_recognised(#[case] value: Value, #[case] expected: Interaction) {
        assert_eq!(read(&value), Ok(expected));
    }

    #[rstest]
    #[case::array(json!([]))]
    #[case::no_type(json!({}))]
    #[case::type_is_text(json!({"type": "2"}))]
    #[case::type_is_a_fraction(json!({"type": 1.5}))]
    fn a_body_that_is_not_an_interaction_is_refused(#[case] value: Value) {
        assert_eq!(read(&value), Err(Malformed::NotAnInteraction));
    }

    #[rstest]
    #[case("/id", "id")]
    #[case("/token", "token")]
    #[case("/data/name", "name")]
    #[case("/data", "name")]
    #[case("/member/user/id", "user")]
    fn a_command_without_a_required_part_names_that_part(
        #[case] at: &str,
        #[case] part: &'static str,
    ) {
        for broken in [Value::Null, json!({"a": 1}), json!(-1.5)] {
            let mut value = deploy();
            *value.pointer_mut(at).unwrap() = broken;
            assert_eq!(read(&value), Err(Malformed::Command(part)));
        }
    }

    #[rstest]
    #[case("../../channels/1")]
    #[case("..")]
    #[case("a/b")]
    #[case("a?b")]
    #[case("a%2fb")]
    fn a_token_that_would_change_the_path_is_refused(#[case] token: &str) {
        let mut value = deploy();
        value["token"] = json!(token);
        assert_eq!(read(&value), Err(Malformed::Command("token")));
    }

    #[test]
    fn unknown_fields_and_odd_options_are_ignored() {
        let mut value = deploy();
        value["brand_new"] = json!({"deep": [1, 2, {"x": null}]});
        value["member"]["roles"] = json!("none");
        value["data"]["options"] = json!([7, {"name": "wait", "type": 77, "extra": 1}]);
        let Ok(Interaction::Command(command)) = read(&value) else { panic!("not a command") };
        let expected = GivenOption { name: "wait".to_owned(), value: Value::Null, focused: false };
        assert_eq!(command.options, vec![expected]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            let key = prop_oneof![
                Just("type"),
                Just("data"),
                Just("options"),
                Just("member"),
                Just("user"),
                Just("id"),
                Just("token"),
                Just("name"),
                Just("value"),
                Just("other"),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(key.prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(mut value in any_json(), kind in 0..6i64) {
            let _ = read(&value);
            if let Some(object) = value.as_object_mut() {
                object.insert("type".to_owned(), json!(kind));
            }
            let _ = read(&value);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_bytes(&bytes);
        }
    }
}
