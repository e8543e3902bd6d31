//! `deckhand health`: asks the server of this machine whether it is up. An image without a shell has no other program for
//! that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Shorter than the 5 s after which the Dockerfile's health check is given up.
const TIMEOUT: Duration = Duration::from_secs(3);

const MOST_BYTES: usize = 4096;

/// The version of the server that listens there. An address that means every network is asked on this machine. No proxy is
/// used, whatever the environment says.
pub async fn health(listens: SocketAddr) -> Result<String, String> {
    let address = on_this_machine(listens);
    match timeout(TIMEOUT, ask(address)).await {
        Ok(Ok(version)) => Ok(version),
        Ok(Err(why)) => Err(format!("not healthy: http://{address}/health: {why}")),
        Err(_) => Err(format!(
            "not healthy: http://{address}/health: no answer within {} s",
            TIMEOUT.as_secs()
        )),
    }
}

fn on_this_machine(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

async fn ask(address: SocketAddr) -> Result<String, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = Request::get("/health")
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    // What goes wrong with it fails the request, too.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("status {}", answer.status().as_u16()));
    }
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    version(&body).ok_or_else(|| "this is another program, not Deckhand".to_owned())
}

fn version(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let version = body.get("version")?.as_str()?;
    (body.get("status")?.as_str()? == "ok").then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[rstest]
    #[case("0.0.0.0:3000", "127.0.0.1:3000")]
    #[case("[::]:80", "[::1]:80")]
    #[case("192.0.2.1:3000", "192.0.2.1:3000")]
    fn every_network_is_asked_on_this_machine(#[case] listens: &str, #[case] asked: &str) {
        assert_eq!(on_this_machine(listens.parse().unwrap()).to_string(), asked);
    }

    /// What is said of a server that answers this.
    async fn said(answer: &'static str) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream);
            String::from_utf8(request[..read].to_vec()).unwrap()
        };
        let (said, request) = tokio::join!(health(address), server);
        assert!(request.starts_with("GET /health HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
        said
    }

    #[rstest]
    #[case::fault("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", "/health: status 503")]
    #[case::redirect(
        "HTTP/1.1 302 No\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
        "/health: status 302"
    )]
    #[case::another(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
        "another program, not Deckhand"
    )]
    #[case::ill(
        "HTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n{\"status\":\"ill\",\"version\":\"1.0\"}",
        "another program"
    )]
    #[case::cut("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "/health: ")]
    #[case::no_http("SSH-2.0-OpenSSH\r\n", "/health: ")]
    #[case::nothing("", "/health: ")]
    #[tokio::test]
    async fn what_is_not_healthy(#[case] answer: &'static str, #[case] words: &str) {
        let why = said(answer).await.unwrap_err();
        assert!(why.starts_with("not healthy: http://127.0.0.1:") && why.contains(words), "{why}");
    }

    #[tokio::test]
    async fn a_healthy_server_tells_its_version() {
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-length: 31\r\n\r\n{\"status\":\"ok\",\"version\":\"1.2\"}";
        assert_eq!(said(answer).await, Ok("1.2".to_owned()));
    }

    #[tokio::test]
    async fn a_body_without_length_is_read_to_its_end() {
        let answer = "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\",\"version\":\"1.2\"}";
        assert_eq!(said(answer).await, Ok("1.2".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let why = health(listener.local_addr().unwrap()).await.unwrap_err();
        assert!(why.ends_with("no answer within 3 s"), "{why}");
    }
}
