//! Mistakes with AWS: in a secret that is a parameter, and with a stack.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use super::{DISCORDS, found};
use crate::doctor::command_line::SetUp;
use crate::world::TOKEN;

/// A stand-in of SSM that answers this to everything.
fn ssm(status: u16, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&connection);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if lines.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_lowercase();
                length = line
                    .strip_prefix("content-length:")
                    .map_or(length, |n| n.trim().parse().unwrap());
            }
            let _ = lines.read_exact(&mut vec![0; length]);
            let head = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}",
                body.len()
            );
            let _ = write!(&connection, "{head}\r\n\r\n{body}");
        }
    });
    url
}

#[tokio::test]
async fn each_mistake_in_a_parameter_is_named_with_the_whole_line_that_mends_it() {
    let set_up = SetUp::new().await;
    let parameter = |kind: &str, value: &str| {
        let value = serde_json::Value::from(value);
        (200, format!(r#"{{"Parameter":{{"Type":"{kind}","Value":{value}}}}}"#))
    };
    let refused = |code: &str| (400, format!(r#"{{"__type":"{code}","message":"no"}}"#));
    let line = "read -rs SECRET; aws ssm put-parameter --overwrite --type SecureString --region eu-central-1 --name \
                /deckhand/github-token --value \"$SECRET\"";
    for (answer, said) in [
        (parameter("SecureString", "\"ghp_0123\""), ["in quotes", line]),
        (parameter("SecureString", "GITHUB_TOKEN=ghp_0123"), ["equals sign", line]),
        (parameter("SecureString", DISCORDS), ["token of Discord's", line]),
        (parameter("SecureString", "token ghp_0123"), ["a word like Bot", line]),
        (parameter("SecureString", "two words"), ["one line", line]),
        (refused("ParameterNotFound"), ["does not exist in the region eu-central-1", line]),
        (refused("AccessDeniedException"), ["allow ssm:GetParameter", "AccessDeniedException"]),
        (refused("ExpiredTokenException"), ["have expired", "sign in again"]),
        (
            refused("UnrecognizedClientException"),
            ["does not accept the credentials", "sign in again"],
        ),
    ] {
        let url = ssm(answer.0, answer.1);
        let settings = [
            ("GITHUB_TOKEN", ""),
            ("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token"),
            ("AWS_ENDPOINT_URL_SSM", url.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let (text, status) = set_up.examined_with(&settings).await;
        assert_eq!(status, Some(1), "{text}");
        assert!(said.iter().all(|words| text.contains(words)), "{said:?}: {text}");
        assert!(!text.contains("0123") && !text.contains("Try again"), "{text}");
        assert_eq!(found(&text).iter().filter(|one| one.contains('❌')).count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_parameter_of_type_string_works_and_is_named() {
    let set_up = SetUp::new().await;
    let token = TOKEN;
    let url = ssm(200, format!(r#"{{"Parameter":{{"Type":"String","Value":"{token}"}}}}"#));
    let settings = [
        ("GITHUB_TOKEN", ""),
        ("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token"),
        ("AWS_ENDPOINT_URL_SSM", url.as_str()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let (text, status) = set_up.examined_with(&settings).await;
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("is of type String") && text.contains("aws ssm delete-parameter"),
        "{text}"
    );
}

/// The environment of somebody who is signed in to AWS, and nothing else.
fn signed_in(url: &str) -> Vec<(&'static str, String)> {
    let env = [
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", url),
        ("AWS_ENDPOINT_URL_LAMBDA", url),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    env.map(|(name, value)| (name, value.to_owned())).to_vec()
}

#[tokio::test]
async fn the_settings_of_a_deployed_function_are_checked_without_its_table() {
    let set_up = SetUp::new().await;
    let variables: serde_json::Map<_, _> = set_up
        .env()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    let url = ssm(200, serde_json::json!({"Environment": {"Variables": variables}}).to_string());
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:deckhand-Function-1";
    let (text, _, status) = set_up.run(&["doctor", "--stack", arn], signed_in(&url)).await;
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.starts_with("Settings of the function deckhand-Function-1 in eu-west-1:"),
        "{text}"
    );
    let [bad] = &found(&text).into_iter().filter(|one| one.contains('❌')).collect::<Vec<_>>()[..]
    else {
        panic!("{text}")
    };
    assert!(bad.contains("Nothing is dispatched: TABLE_NAME is not set"), "{text}");
}

#[tokio::test]
async fn why_a_stack_cannot_be_read_is_said() {
    let set_up = SetUp::new().await;
    let error = |code: &str, what: &str| {
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{what}</Message></Error></ErrorResponse>"
        )
    };
    for (answer, said) in [
        (error("AccessDenied", "no"), "allow cloudformation:ListStackResources"),
        (error("ExpiredToken", "no"), "have expired: sign in again"),
        (
            error("ValidationError", "Stack with id deckhand does not exist"),
            "no stack deckhand in the region eu-west-1",
        ),
    ] {
        let url = ssm(400, answer);
        let args = ["doctor", "--stack", "deckhand", "--region", "eu-west-1"];
        let (text, error, status) = set_up.run(&args, signed_in(&url)).await;
        assert_eq!((text.as_str(), status), ("", Some(1)), "{error}");
        assert!(error.starts_with("deckhand: --stack deckhand: "), "{error}");
        assert!(error.contains(said), "{error}");
    }
    let nobody = vec![("AWS_EC2_METADATA_DISABLED", "true".to_owned())];
    let args = ["doctor", "--stack", "deckhand", "--region", "eu-west-1"];
    let (_, error, _) = set_up.run(&args, nobody).await;
    assert!(error.contains("not signed in to AWS") && error.contains("aws login"), "{error}");
}
