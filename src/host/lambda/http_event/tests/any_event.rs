//! Events that nobody has thought of.

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// The fields of AWS's events that a reader may use.
const KEYS: &[&str] = &[
    "version",
    "routeKey",
    "rawPath",
    "rawQueryString",
    "cookies",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "pathParameters",
    "stageVariables",
    "requestContext",
    "http",
    "method",
    "path",
    "elb",
    "targetGroupArn",
    "stage",
    "domainName",
    "timeEpoch",
    "requestTimeEpoch",
    "authorizer",
    "identity",
    "httpMethod",
    "resource",
    "body",
    "isBase64Encoded",
    "source",
    "detail",
    "detail-type",
    "task",
    "time",
    "host",
    "Host",
    "x-forwarded-proto",
    "x-amzn-trace-id",
    "cookie",
];

const WORDS: &[&str] = &[
    "",
    "/",
    "/discord",
    "//",
    "discord",
    "/../discord",
    "POST",
    "POST /discord",
    "ANY /{proxy+}",
    "$default",
    "2.0",
    "%%%",
    "eyJ0eXBlIjoxfQ==",
    "a b",
    "://",
    "[::1",
    "example.com:99999",
    "aws.scheduler",
    "digest",
    "\u{0}",
    "ü",
];

fn json() -> impl Strategy<Value = Value> {
    let key = || prop_oneof![4 => select(KEYS).prop_map(str::to_owned), 1 => ".{0,8}"];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        4 => select(WORDS).prop_map(Value::from),
        2 => ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => hash_map(key(), inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// AWS's events with two random fields, at the top level or one below.
fn nearly_an_event() -> impl Strategy<Value = Value> {
    let field = || (select(&["", "requestContext", "headers"][..]), select(KEYS), json());
    let event = select(vec![v2(), v1(), load_balancer(), function_url()]);
    (event, [field(), field()]).prop_map(|(mut event, fields)| {
        for (below, key, value) in fields {
            let part = if below.is_empty() { &mut event } else { &mut event[below] };
            if let Some(part) = part.as_object_mut() {
                part.insert(key.to_owned(), value);
            }
        }
        event
    })
}

proptest! {
    #[test]
    fn no_event_causes_a_panic(event in prop_oneof![json(), nearly_an_event()]) {
        if let Event::Http(request) | Event::BadBody(request) = Event::read(event) {
            prop_assert_eq!(&answered(*request)["statusCode"], 405);
        }
    }

    #[test]
    fn no_path_causes_a_panic(path in "\\PC{0,40}", stage in ".{0,3}") {
        let mut event = with(v2(), json!({"rawPath": format!("/{path}")}));
        event["requestContext"]["stage"] = json!(stage);
        prop_assert!(request(event).uri().path().starts_with('/'));
    }
}
