use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::click::Clicked;
use super::*;
use crate::discord::interaction_id::InteractionId;
use crate::discord::permissions::Permissions;
use crate::discord::token::InteractionToken;
use crate::secrets::Secret;

fn read(value: &Value) -> Result<Interaction, Malformed> {
    parse_bytes(value.to_string().as_bytes())
}

#[rstest]
#[case::snowflake(json!("1300000000000000007"), Some(1_300_000_000_000_000_007))]
#[case::number(json!(7), Some(7))]
#[case::another_path(json!("7/../8"), None)]
#[case::nothing(json!(""), None)]
#[case::zero(json!("0"), None)]
#[case::too_long(json!("99999999999999999999"), None)]
#[case::list(json!(["7"]), None)]
fn an_application_is_a_snowflake_or_left_out(#[case] given: Value, #[case] expected: Option<u64>) {
    for mut interaction in [deploy(), press()] {
        interaction["application_id"] = given.clone();
        let token = match read(&interaction) {
            Ok(Interaction::Command(command)) => command.token,
            Ok(Interaction::Click(click)) => click.token,
            other => panic!("{other:?}"),
        };
        assert_eq!(token.application_id, expected);
    }
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
        token: InteractionToken { application_id: Some(1), token: Secret::new("aW50ZXJhY3Rpb24") },
        name: "deploy-client".to_owned(),
        options: vec![GivenOption { name: "wait".to_owned(), value: json!(true), focused: false }],
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
fn a_command_without_a_required_part_names_that_part(#[case] at: &str, #[case] part: &'static str) {
    for broken in [Value::Null, json!({"a": 1}), json!(-1.5)] {
        let mut value = deploy();
        *value.pointer_mut(at).unwrap() = broken;
        assert_eq!(read(&value), Err(Malformed::Command(part)));
    }
}

fn press() -> Value {
    let mut value = deploy();
    value["type"] = json!(3);
    value["data"] = json!({"component_type": 2, "custom_id": "cancel:5:1", "id": 4});
    value["message"] = json!({
        "id": "1300000000000000009", "channel_id": "42", "author": {"id": "1", "bot": true},
        "flags": 32768, "content": "", "components": [],
    });
    value
}

fn click(value: &Value) -> Click {
    match read(value) {
        Ok(Interaction::Click(click)) => click,
        other => panic!("no click: {other:?}"),
    }
}

#[test]
fn every_part_of_a_click_is_parsed() {
    let Ok(Interaction::Command(command)) = read(&deploy()) else { panic!("not a command") };
    let message = Clicked {
        id: 1_300_000_000_000_000_009,
        channel_id: Some(42),
        author_id: Some(1),
        asked_by: None,
        flags: 32768,
    };
    assert!(!message.is_ephemeral());
    let expected = Click {
        id: InteractionId(1_300_000_000_000_000_000),
        token: InteractionToken { application_id: Some(1), token: Secret::new("aW50ZXJhY3Rpb24") },
        custom_id: "cancel:5:1".to_owned(),
        message: Some(message),
        caller: command.caller,
        received_at: None,
    };
    assert_eq!(read(&press()), Ok(Interaction::Click(expected)));
}

#[test]
fn a_click_that_arrives_late_is_dead() {
    let mut click = click(&press());
    assert!(!click.is_dead(), "it is not known");
    click.received_at = Some(click.id.created_at() + TimeDelta::milliseconds(3_100));
    assert!(click.is_dead());
}

#[test]
fn a_click_by_a_user_s_own_installation_is_in_no_server() {
    let mut value = press();
    value["authorizing_integration_owners"] = json!({"1": "7"});
    assert_eq!(click(&value).caller.guild_id, None);
}

#[rstest]
#[case::gone(Value::Null, None)]
#[case::odd(json!("x"), None)]
#[case::no_id(json!({"channel_id": "42"}), None)]
#[case::only_its_id(json!({"id": 9}), Some(Clicked { id: 9, channel_id: None, author_id: None, asked_by: None, flags: 0 }))]
#[case::odd_parts(
    json!({"id": "9", "author": 5, "flags": "64", "channel_id": []}),
    Some(Clicked { id: 9, channel_id: None, author_id: None, asked_by: None, flags: 0 })
)]
fn a_click_is_read_whatever_is_said_of_its_message(
    #[case] message: Value,
    #[case] expected: Option<Clicked>,
) {
    let mut value = press();
    value["message"] = message;
    assert_eq!(click(&value).message, expected);
}

#[rstest]
#[case("/id", "id")]
#[case("/token", "token")]
#[case("/data/custom_id", "custom_id")]
#[case("/member/user/id", "user")]
fn a_click_without_a_required_part_names_that_part(#[case] at: &str, #[case] part: &'static str) {
    for broken in [Value::Null, json!({"a": 1}), json!(-1.5)] {
        let mut value = press();
        *value.pointer_mut(at).unwrap() = broken;
        assert_eq!(read(&value), Err(Malformed::Click(part)));
    }
}

#[rstest]
#[case::select_menu(3, json!({"component_type": 3, "custom_id": "x", "values": []}))]
#[case::kind_from_the_future(3, json!({"component_type": "button", "custom_id": "x"}))]
#[case::no_data(3, Value::Null)]
#[case::modal(5, json!({"custom_id": "x", "components": []}))]
fn other_components_are_no_clicks(#[case] kind: u64, #[case] data: Value) {
    let mut value = press();
    (value["type"], value["data"]) = (json!(kind), data);
    assert_eq!(read(&value), Ok(Interaction::Other));
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
            Just("message"),
            Just("custom_id"),
            Just("component_type"),
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
