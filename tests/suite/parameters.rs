//! Secrets in SSM parameters.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use standins::discord::User;
use standins::github::{Fault, On, Scenario};

use crate::aws;
use crate::doctor::command_line::SetUp;
use crate::world::{Plan, TOKEN, World};

/// A world whose GitHub token is in this parameter.
pub(crate) async fn signing_in_with(parameter: &str, scenario: Scenario) -> World {
    let env = vec![
        ("GITHUB_TOKEN", String::new()),
        ("GITHUB_TOKEN_PARAMETER", parameter.to_owned()),
        // Others are told that an admin must mend it.
        ("ADMIN_USER_IDS", User::named("ada").id),
    ];
    World::of(Plan { env, scenario, ..Plan::default() }).await
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_changed_token_in_ssm_is_read_when_the_old_one_is_refused() {
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_parameter(&world, &parameter, TOKEN).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    // Revoked, and a new one stored: the next command is refused once and signs in with the new one.
    world.github.fault(Fault::status(401, "Bad credentials").on(On::Dispatch));
    aws::put_parameter(&world, &parameter, "ghs_another").await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("not started"), "{}", told.transcript());
    let dispatches = world.github.requests().into_iter().filter(|r| r.method == "POST");
    assert_eq!(dispatches.map(|request| request.status).collect::<Vec<_>>(), [200, 401, 401]);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_missing_parameter_is_named_in_the_answer() {
    let world = signing_in_with("/deckhand/nowhere_at-all", Scenario::default()).await;
    for text in ["/deploy-client", "/deploy-client wait:true", "/status", "/verify-latest"] {
        let told = world.types("ada", text).await;
        let missing = "the SSM parameter `/deckhand/nowhere_at-all` (`GITHUB_TOKEN_PARAMETER`) does not exist";
        for message in told.messages() {
            assert!(message.content.contains(missing), "{text}: {}", message.content);
        }
    }
    assert!(world.github.requests().is_empty());
}

/// The head of the one request that comes, in small letters. It is answered with a parameter.
fn answer_once(ssm: &TcpListener) -> String {
    let (mut connection, _) = ssm.accept().unwrap();
    let mut lines = BufReader::new(connection.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let begins = head.len();
        lines.read_line(&mut head).unwrap();
        let line = head[begins..].to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    lines.read_exact(&mut vec![0; length]).unwrap();
    let body = format!(r#"{{"Parameter":{{"Type":"SecureString","Value":"{TOKEN}"}}}}"#);
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    head.to_lowercase()
}

/// Set up for AWS by the environment alone, as Lambda sets it up.
async fn on_aws() -> SetUp {
    let env = [
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "a/session+token="),
        ("AWS_REGION", "eu-central-1"),
        ("GITHUB_TOKEN", ""),
        ("GITHUB_TOKEN_PARAMETER", "/deckhand/github-token"),
    ];
    let set_up = SetUp::new().await;
    env.into_iter().fold(set_up, |set_up, (name, value)| set_up.with(name, value))
}

#[tokio::test]
async fn the_environment_says_where_ssm_is_and_who_asks() {
    let ssm = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", ssm.local_addr().unwrap());
    let asked = std::thread::spawn(move || answer_once(&ssm));
    // The endpoint for SSM goes before the one for all services, where nobody is.
    let set_up = on_aws().await.with("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let (text, status) = set_up.with("AWS_ENDPOINT_URL_SSM", &url).examined().await;
    assert_eq!(status, Some(0), "{text}");
    let asked = asked.join().unwrap();
    for words in [
        "post / http/1.1",
        "x-amz-target: amazonssm.getparameter",
        "x-amz-security-token: a/session+token=",
        "credential=asiaexample/",
        "/eu-central-1/ssm/aws4_request, signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,",
    ] {
        assert!(asked.contains(words), "{words} is not in: {asked}");
    }
}

#[tokio::test]
async fn an_endpoint_without_fips_is_not_used_where_fips_is_asked_for() {
    let set_up = on_aws().await.with("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let (text, status) = set_up.with("AWS_USE_FIPS_ENDPOINT", "true").examined().await;
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("neither FIPS nor dual-stack"), "{text}");
}
