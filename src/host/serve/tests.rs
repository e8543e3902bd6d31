use std::sync::Arc;

use ed25519_dalek::SigningKey;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::body::ALWAYS_TAKEN;
use super::*;
use crate::clock::SystemClock;
use crate::host::keep_alive::{HEADERS, IDLE};
use crate::telemetry;

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

fn app() -> App {
    let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
    App::not_set_up(key, Arc::new(SystemClock), String::new(), None, false, telemetry::sink(None))
}

/// A client's side of a connection, and the server's task.
fn connect() -> (DuplexStream, JoinHandle<()>) {
    connect_to(&Room::new())
}

fn connect_to(room: &Room) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(64 * 1024);
    // It shuts connections down when it is dropped.
    let graceful: &GracefulShutdown = Box::leak(Box::default());
    (client, tokio::spawn(connection(server, app(), room.clone(), graceful)))
}

/// Reads one answer with a body, which is small.
async fn answer_of(client: &mut DuplexStream) -> String {
    let mut bytes = vec![0; 4096];
    let length = client.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

async fn asks(client: &mut DuplexStream) {
    client.write_all(HEALTH).await.unwrap();
    let answer = answer_of(client).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with('}'), "{answer}");
}

/// How long the server keeps the connection from now on, if the client does no more than this.
async fn kept(server: JoinHandle<()>, client: DuplexStream) -> Duration {
    let began = Instant::now();
    server.await.unwrap();
    drop(client);
    began.elapsed()
}

#[rstest]
#[case::new(0)]
#[case::used(1)]
#[case::used_often(3)]
#[tokio::test(start_paused = true)]
async fn an_idle_connection_outlives_a_balancers(#[case] requests: usize) {
    let (mut client, server) = connect();
    for _ in 0..requests {
        asks(&mut client).await;
        tokio::time::sleep(Duration::from_secs(70)).await;
    }
    asks(&mut client).await;
    assert_eq!(kept(server, client).await, IDLE);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_that_sends_nothing_is_closed_like_an_idle_one() {
    let (client, server) = connect();
    assert_eq!(kept(server, client).await, IDLE);
}

#[rstest]
#[case::half_a_line(b"GET /hea")]
#[case::half_the_headers(b"GET /health HTTP/1.1\r\nhost: x\r\n")]
#[case::an_empty_line(b"\r\n")]
#[tokio::test(start_paused = true)]
async fn headers_that_have_begun_to_arrive_have_seconds(
    #[case] begun: &[u8],
    #[values(false, true)] is_used: bool,
) {
    let (mut client, server) = connect();
    if is_used {
        asks(&mut client).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    client.write_all(begun).await.unwrap();
    assert_eq!(kept(server, client).await, HEADERS);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_a_byte_now_and_then_gains_no_time() {
    let (mut client, server) = connect();
    let began = Instant::now();
    for byte in HEALTH {
        if client.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    server.await.unwrap();
    assert!(began.elapsed() <= HEADERS + Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_timeout_of_its_own_and_is_answered() {
    let (mut client, server) = connect();
    let head = b"POST /discord HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf";
    client.write_all(head).await.unwrap();
    let answer = answer_of(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    drop(client);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn large_bodies_that_hang_take_up_no_more_than_there_is_for_them() {
    let room = Room::of(100 * 1024);
    let begin = async |client: &mut DuplexStream, path: &str, sent: usize, left: usize| {
        let length = sent + left;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b'x'; sent]).await.unwrap();
    };
    let large = ALWAYS_TAKEN + 80 * 1024;
    let (mut hanging, server) = connect_to(&room);
    begin(&mut hanging, "/github/webhook", large, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut refused, _) = connect_to(&room);
    begin(&mut refused, "/discord", large, 0).await;
    let answer = answer_of(&mut refused).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let (mut small, _) = connect_to(&room);
    begin(&mut small, "/discord", ALWAYS_TAKEN, 0).await;
    let answer = answer_of(&mut small).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // The room is free again once what hung is gone.
    drop(hanging);
    server.await.unwrap();
    let (mut taken, _) = connect_to(&room);
    begin(&mut taken, "/discord", large, 0).await;
    let answer = answer_of(&mut taken).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_delay_a_shutdown() {
    let began = Instant::now();
    let graceful = GracefulShutdown::new();
    let mut clients = Vec::new();
    for is_used in [false, true] {
        let (mut client, server) = duplex(64 * 1024);
        tokio::spawn(connection(server, app(), Room::new(), &graceful));
        if is_used {
            asks(&mut client).await;
        }
        clients.push(client);
    }
    graceful.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[rstest]
#[case("GET", "/health", "200 OK", None)]
#[case("HEAD", "/health", "200 OK", None)]
#[case("POST", "/health", "405 Method Not Allowed", Some("GET, HEAD"))]
#[case("POST", "/discord", "401 Unauthorized", None)]
#[case("GET", "/discord", "405 Method Not Allowed", Some("POST"))]
#[case("HEAD", "/discord", "405 Method Not Allowed", Some("POST"))]
#[case("OPTIONS", "/health", "405 Method Not Allowed", Some("GET, HEAD"))]
#[case("GET", "/", "404 Not Found", None)]
#[case("HEAD", "/", "404 Not Found", None)]
#[tokio::test(start_paused = true)]
async fn a_method_is_answered(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: &str,
    #[case] allowed: Option<&str>,
) {
    let (mut client, _server) = connect();
    client
        .write_all(format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let answer = answer_of(&mut client).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
    let allow = answer.lines().find_map(|line| line.strip_prefix("allow: "));
    assert_eq!(allow, allowed);
    assert_eq!(answer.ends_with("\r\n\r\n"), method == "HEAD", "{answer}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn head_has_the_headers_of_get(#[values("/health", "/discord", "/nothing")] path: &str) {
    let (mut client, _server) = connect();
    let mut heads = Vec::new();
    for method in ["GET", "HEAD"] {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = answer_of(&mut client).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.is_empty(), method == "HEAD");
        let lines = head.lines().filter(|line| !line.starts_with("date:"));
        heads.push(lines.map(str::to_owned).collect::<Vec<_>>());
    }
    assert!(heads[0].iter().any(|line| line.starts_with("content-length: ")), "{heads:?}");
    assert_eq!(heads[0], heads[1]);
}
