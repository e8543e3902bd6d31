//! The address of `--listen`: how it may be written, and why it cannot be listened on.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

const EXPECTED: &str = "expected a port like 3000 or an address with a port: 127.0.0.1:3000, localhost:3000, \
                        [::1]:3000, or 0.0.0.0:3000 for every network of this machine";

/// An address as people write it. A port alone is one of this machine, for its own programs only.
pub fn address(text: &str) -> Result<SocketAddr, &'static str> {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        // `localhost` may also be ::1. Tunnels and most programs ask 127.0.0.1.
        Ok(port) if digits && (host.is_empty() || host.eq_ignore_ascii_case("localhost")) => {
            Ok(SocketAddr::new(HERE, port))
        }
        _ => Err(EXPECTED),
    }
}

/// Listens there, or says what keeps it from that and what to do.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| why(address, &error))
}

fn why(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} of {} is in use by another program, perhaps another `deckhand serve`: stop that one, \
             or choose another port, like --listen {}",
            address.ip(),
            SocketAddr::new(address.ip(), other_port(port))
        ),
        ErrorKind::PermissionDenied => format!(
            "port {port} needs the rights of an administrator: choose one above 1023, like --listen {}",
            SocketAddr::new(address.ip(), 3000)
        ),
        ErrorKind::AddrNotAvailable => format!(
            "this machine has no address {}: choose 127.0.0.1 for this machine only, or 0.0.0.0 for every \
             network of it, like --listen 0.0.0.0:{port}",
            address.ip()
        ),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

fn other_port(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(3000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("3000", "127.0.0.1:3000")]
    #[case(":3000", "127.0.0.1:3000")]
    #[case("0", "127.0.0.1:0")]
    #[case("localhost:3000", "127.0.0.1:3000")]
    #[case("LocalHost:80", "127.0.0.1:80")]
    #[case("127.0.0.1:3000", "127.0.0.1:3000")]
    #[case("0.0.0.0:3000", "0.0.0.0:3000")]
    #[case("[::1]:3000", "[::1]:3000")]
    #[case("[::]:3000", "[::]:3000")]
    fn an_address(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(address(text).map(|address| address.to_string()), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case("")]
    #[case(":")]
    #[case("localhost")]
    #[case("localhost:")]
    #[case("127.0.0.1")]
    #[case("::1:3000")]
    #[case("70000")]
    #[case("+3000")]
    #[case("localhost:-1")]
    #[case("http://localhost:3000")]
    #[case("example.com:3000")]
    fn no_address(#[case] text: &str) {
        assert_eq!(address(text), Err(EXPECTED));
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_another_one() {
        let taken = listen(address("0").unwrap()).await.unwrap();
        let address = taken.local_addr().unwrap();
        let why = listen(address).await.unwrap_err();
        assert!(
            why.starts_with(&format!("port {} of 127.0.0.1 is in use", address.port())),
            "{why}"
        );
        assert!(why.contains("--listen 127.0.0.1:"), "{why}");
    }

    #[rstest]
    #[case(ErrorKind::PermissionDenied, "--listen 192.0.2.1:3000")]
    #[case(ErrorKind::AddrNotAvailable, "--listen 0.0.0.0:80")]
    #[case(ErrorKind::Other, "cannot listen on 192.0.2.1:80")]
    fn what_else_keeps_it_from_listening(#[case] kind: ErrorKind, #[case] words: &str) {
        let why = why("192.0.2.1:80".parse().unwrap(), &kind.into());
        assert!(why.contains(words), "{why}");
    }
}
