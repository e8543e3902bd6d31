//! The guard for base URLs: those that a user may pass to a workflow, and those of the deployed site (SSRF, shell
//! injection).
//!
//! The URL is built into a web client that runs in every visitor's browser, and Deckhand sends requests to
//! it. So it must name a public host: no credentials, no local names, no special addresses in any notation.
//! The `url` crate parses like a browser (WHATWG), so `https://0x7f.1`, `https://2130706433` and
//! `https://127。0。0。1` are recognised as loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use url::{Host, Url};

use crate::config::{NOT_IN_A_BASE, Reader, Setting, is_loopback};

/// Length limit of a URL, in bytes.
const MAX_LENGTH: usize = 2048;

/// Characters that could be harmful if a workflow pastes the URL into a shell line. No base URL needs them,
/// and each has a percent-encoded form.
const SHELL: &[char] =
    &['$', '`', '\'', '"', ';', '(', ')', '<', '>', '|', '{', '}', '^', '*', '!', '\\'];

/// Host names for this machine or the local network. Names below them are included.
const LOCAL_NAMES: &[&str] =
    &["localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "home.arpa"];

/// IPv4 blocks that are not globally reachable, and multicast, from the IANA special-purpose registry.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry/>
const SPECIAL_V4: &[Ipv4Net] = &[
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared (carrier-grade NAT)
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, the cloud's metadata service
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // 6to4 relays
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarking
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// Global unicast: every public IPv6 address is in it. IPv4 embedded in IPv6 (mapped, compatible, NAT64) is
/// outside.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Special blocks inside [`GLOBAL_V6`].
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>
const SPECIAL_V6: &[Ipv6Net] = &[
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, embeds IPv4
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// The settings `ALLOWED_DOMAINS` and `SAFE_LOCAL`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlPolicy {
    /// Allowed hosts; empty: every public host.
    pub allowed_domains: Vec<DomainPattern>,
    /// For development: also allows `http` and `https` URLs to loopback.
    pub safe_local: bool,
}

/// `example.com` (that host) or `*.example.com` (every host below it, at any depth).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainPattern {
    base: String,
    below: bool,
}

impl DomainPattern {
    /// Parses one entry of `ALLOWED_DOMAINS`; `None` if it has neither form.
    pub fn parse(text: &str) -> Option<Self> {
        let (base, below) = text.strip_prefix("*.").map_or((text, false), |base| (base, true));
        let host = Url::parse(&format!("https://{base}/")).ok()?;
        match host.host()? {
            Host::Domain(domain) if host.path() == "/" && host.port().is_none() => {
                let base = domain.trim_end_matches('.').to_owned();
                (!base.contains('*') && !base.is_empty() && !base.starts_with('.'))
                    .then_some(Self { base, below })
            }
            _ => None,
        }
    }

    fn matches(&self, domain: &str) -> bool {
        if self.below { is_below(domain, &self.base) } else { domain == self.base }
    }
}

/// A URL that passed the guard, normalised. Only [`UrlPolicy::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedUrl(String);

impl AllowedUrl {
    /// The URL. It ends in a slash only if the user typed one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a URL is refused, in words for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUrl {
    /// It does not parse, or it is too long.
    #[error("it is not a URL (like https://api.example.com)")]
    NotAUrl,
    /// It has characters that a shell or a web page could interpret.
    #[error("it contains characters that no base URL needs (quotes, brackets, $, ; and the like)")]
    Characters,
    /// It has a query, a fragment or an `&`. Paths are appended to a base URL.
    #[error("a base URL has no query (?), no fragment (#) and no &")]
    NotABase,
    /// A scheme other than https.
    #[error("it must start with https://")]
    NotHttps,
    /// `user:password@`.
    #[error("it must not contain a user name or password")]
    Credentials,
    /// A local host name, or a name without a dot.
    #[error("it names a host of a local network, not a public one")]
    LocalName,
    /// An address that is not public.
    #[error("it points to a private, local or otherwise special address")]
    SpecialAddress,
    /// Not in `ALLOWED_DOMAINS`.
    #[error("its host is not in this bot's list of allowed domains (ALLOWED_DOMAINS)")]
    NotAllowed,
}

const DOMAINS: Setting = Setting {
    name: "ALLOWED_DOMAINS",
    about: "hosts that URLs may name: `example.com`, `*.example.com`, separated by commas",
    default: "every public host",
    shape: "it must be domains like example.com or *.example.com, separated by commas",
};

const SAFE_LOCAL: Setting = Setting {
    name: "SAFE_LOCAL",
    about: "`true`: URLs of this machine are allowed, for development",
    default: "`false`",
    shape: "it must be true or false",
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&DOMAINS, &SAFE_LOCAL];

impl UrlPolicy {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            allowed_domains: reader.list(&DOMAINS, DomainPattern::parse),
            safe_local: reader.boolean(&SAFE_LOCAL),
        }
    }

    /// Checks a base URL: one that a user typed, or a setting.
    pub fn check(&self, text: &str) -> Result<AllowedUrl, RefusedUrl> {
        let url = self.check_whole(text)?;
        if url.as_str().contains(NOT_IN_A_BASE) { Err(RefusedUrl::NotABase) } else { Ok(url) }
    }

    /// Checks a URL that is used as it is, so it may have a query.
    pub fn check_whole(&self, text: &str) -> Result<AllowedUrl, RefusedUrl> {
        let text = text.trim();
        if text.len() > MAX_LENGTH || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(RefusedUrl::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| RefusedUrl::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(RefusedUrl::NotHttps);
        }
        if url.as_str().contains(SHELL) || text.contains('\\') {
            return Err(RefusedUrl::Characters);
        }
        // Refuse empty credentials too, which the parser drops.
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(RefusedUrl::Credentials);
        }
        self.check_destination(&url)?;
        Ok(AllowedUrl(as_typed(&url, text)))
    }

    /// Checks a URL before Deckhand itself sends a request to it, like a redirect's target. No shell reads
    /// it. The caller must also check the resolved address with [`Self::allows_address`].
    pub fn check_destination(&self, url: &Url) -> Result<(), RefusedUrl> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RefusedUrl::Credentials);
        }
        let host = url.host().ok_or(RefusedUrl::NotAUrl)?;
        if self.safe_local && matches!(url.scheme(), "https" | "http") && is_loopback(&host) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(RefusedUrl::NotHttps);
        }
        self.check_host(&host)
    }

    /// Whether to connect to an address that `name` resolved to.
    pub fn allows_address(&self, name: &str, address: IpAddr) -> bool {
        let local = self.safe_local && is_loopback(&Host::Domain(name)) && address.is_loopback();
        local || is_public(address)
    }

    fn check_host(&self, host: &Host<&str>) -> Result<(), RefusedUrl> {
        let domain = match host {
            Host::Domain(domain) => domain.trim_end_matches('.'),
            Host::Ipv4(address) if is_public(IpAddr::V4(*address)) => "",
            Host::Ipv6(address) if is_public(IpAddr::V6(*address)) => "",
            Host::Ipv4(_) | Host::Ipv6(_) => return Err(RefusedUrl::SpecialAddress),
        };
        if matches!(host, Host::Domain(_)) && is_local_name(domain) {
            return Err(RefusedUrl::LocalName);
        }
        let allowed = self.allowed_domains.iter().any(|pattern| pattern.matches(domain));
        if self.allowed_domains.is_empty() || allowed {
            Ok(())
        } else {
            Err(RefusedUrl::NotAllowed)
        }
    }
}

/// Whether an address is globally reachable.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => {
            GLOBAL_V6.contains(&v6) && !SPECIAL_V6.iter().any(|net| net.contains(&v6))
        }
    }
}

fn is_local_name(domain: &str) -> bool {
    let local = |name: &&str| domain == *name || is_below(domain, name);
    !domain.contains('.') || LOCAL_NAMES.iter().any(local)
}

fn is_below(domain: &str, base: &str) -> bool {
    domain.strip_suffix(base).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// The parser adds the path `/` to a bare host. Clients append a path to the base URL, so remove that slash
/// unless the user typed it.
fn as_typed(url: &Url, text: &str) -> String {
    let normal = url.as_str();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    match normal.strip_suffix('/') {
        Some(without) if bare && !text.ends_with('/') => without.to_owned(),
        _ => normal.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn check(text: &str) -> Result<String, RefusedUrl> {
        UrlPolicy::default().check(text).map(|url| url.as_str().to_owned())
    }

    #[rstest]
    #[case("https://api.example.com", "https://api.example.com")]
    #[case("https://api.example.com/", "https://api.example.com/")]
    #[case("https://api.example.com/v1", "https://api.example.com/v1")]
    #[case(" https://API.Example.com:8443/v1/ ", "https://api.example.com:8443/v1/")]
    #[case("https://8.8.8.8", "https://8.8.8.8")]
    #[case("https://api.example.com/`id`", "https://api.example.com/%60id%60")]
    #[case("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x")]
    #[case("https://api.example.com/a%26b%3Fc%23d", "https://api.example.com/a%26b%3Fc%23d")]
    #[case("https://bücher.example.com", "https://xn--bcher-kva.example.com")]
    fn public_https_urls_pass(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(check(text), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case::empty("", RefusedUrl::NotAUrl)]
    #[case::words("api example com", RefusedUrl::NotAUrl)]
    #[case::no_scheme("api.example.com", RefusedUrl::NotAUrl)]
    #[case::relative("//api.example.com", RefusedUrl::NotAUrl)]
    #[case::newline("https://api.example.com\nhttps://x", RefusedUrl::NotAUrl)]
    #[case::http("http://api.example.com", RefusedUrl::NotHttps)]
    #[case::query("https://api.example.com/?a=b", RefusedUrl::NotABase)]
    #[case::query_of_a_host("https://api.example.com?a", RefusedUrl::NotABase)]
    #[case::empty_query("https://api.example.com/v1?", RefusedUrl::NotABase)]
    #[case::fragment("https://api.example.com/#a", RefusedUrl::NotABase)]
    #[case::empty_fragment("https://api.example.com#", RefusedUrl::NotABase)]
    #[case::ampersand("https://api.example.com/a&b", RefusedUrl::NotABase)]
    #[case::file("file:///etc/passwd", RefusedUrl::NotHttps)]
    #[case::javascript("javascript:alert(1)", RefusedUrl::NotHttps)]
    #[case::user("https://ada@api.example.com", RefusedUrl::Credentials)]
    #[case::password("https://:pw@api.example.com", RefusedUrl::Credentials)]
    #[case::empty_user("https://@api.example.com", RefusedUrl::Credentials)]
    #[case::empty_password("https://:@api.example.com", RefusedUrl::Credentials)]
    #[case::backslash("https://api.example.com\\@127.0.0.1", RefusedUrl::Characters)]
    #[case::command("https://api.example.com/$(id)", RefusedUrl::Characters)]
    #[case::quote("https://api.example.com/';id;'", RefusedUrl::Characters)]
    #[case::disguise("https://api.example.com@127.0.0.1", RefusedUrl::Credentials)]
    #[case::localhost("https://localhost", RefusedUrl::LocalName)]
    #[case::localhost_dot("https://LOCALHOST./", RefusedUrl::LocalName)]
    #[case::below_localhost("https://a.localhost:3000", RefusedUrl::LocalName)]
    #[case::one_label("https://intranet", RefusedUrl::LocalName)]
    #[case::metadata_name("https://metadata.google.internal", RefusedUrl::LocalName)]
    #[case::mdns("https://printer.local", RefusedUrl::LocalName)]
    #[case::loopback("https://127.0.0.1", RefusedUrl::SpecialAddress)]
    #[case::loopback_block("https://127.8.8.8", RefusedUrl::SpecialAddress)]
    #[case::hex("https://0x7f.1", RefusedUrl::SpecialAddress)]
    #[case::octal("https://0177.0.0.1", RefusedUrl::SpecialAddress)]
    #[case::decimal("https://2130706433", RefusedUrl::SpecialAddress)]
    #[case::full_width("https://１２７.0.0.1", RefusedUrl::SpecialAddress)]
    #[case::ideographic_dots("https://127。0。0。1", RefusedUrl::SpecialAddress)]
    #[case::percent("https://%31%32%37.0.0.1", RefusedUrl::SpecialAddress)]
    #[case::trailing_dot("https://127.0.0.1./", RefusedUrl::SpecialAddress)]
    #[case::zero("https://0", RefusedUrl::SpecialAddress)]
    #[case::private_10("https://10.1.2.3", RefusedUrl::SpecialAddress)]
    #[case::private_172("https://172.31.255.255", RefusedUrl::SpecialAddress)]
    #[case::private_192("https://192.168.0.1:8443", RefusedUrl::SpecialAddress)]
    #[case::metadata("https://169.254.169.254/latest", RefusedUrl::SpecialAddress)]
    #[case::shared("https://100.64.0.1", RefusedUrl::SpecialAddress)]
    #[case::multicast("https://224.0.0.1", RefusedUrl::SpecialAddress)]
    #[case::broadcast("https://255.255.255.255", RefusedUrl::SpecialAddress)]
    #[case::documentation("https://203.0.113.7", RefusedUrl::SpecialAddress)]
    #[case::v6_loopback("https://[::1]", RefusedUrl::SpecialAddress)]
    #[case::v6_any("https://[::]", RefusedUrl::SpecialAddress)]
    #[case::v6_mapped("https://[::ffff:127.0.0.1]", RefusedUrl::SpecialAddress)]
    #[case::v6_mapped_hex("https://[::ffff:a9fe:a9fe]", RefusedUrl::SpecialAddress)]
    #[case::v6_compatible("https://[::7f00:1]", RefusedUrl::SpecialAddress)]
    #[case::v6_nat64("https://[64:ff9b::10.0.0.1]", RefusedUrl::SpecialAddress)]
    #[case::v6_6to4("https://[2002:7f00:1::]", RefusedUrl::SpecialAddress)]
    #[case::v6_teredo("https://[2001::1]", RefusedUrl::SpecialAddress)]
    #[case::v6_unique_local("https://[fd00::1]", RefusedUrl::SpecialAddress)]
    #[case::v6_link_local("https://[fe80::1]", RefusedUrl::SpecialAddress)]
    #[case::v6_multicast("https://[ff02::1]", RefusedUrl::SpecialAddress)]
    #[case::v6_documentation("https://[2001:db8::1]", RefusedUrl::SpecialAddress)]
    fn other_urls_are_refused_with_the_reason(#[case] text: &str, #[case] why: RefusedUrl) {
        assert_eq!(check(text), Err(why));
    }

    #[test]
    fn a_url_that_is_too_long_is_refused() {
        let text = format!("https://api.example.com/{}", "x".repeat(MAX_LENGTH));
        assert_eq!(check(&text), Err(RefusedUrl::NotAUrl));
    }

    #[rstest]
    #[case("https://example.com", true)]
    #[case("https://EXAMPLE.com.", true)]
    #[case("https://a.example.com", false)]
    #[case("https://api.example.net", true)]
    #[case("https://a.b.example.net", true)]
    #[case("https://example.net", false)]
    #[case("https://badexample.net", false)]
    #[case("https://example.net.evil.org", false)]
    #[case("https://8.8.8.8", false)]
    fn allowed_domains_are_exact_or_wildcards(#[case] text: &str, #[case] passes: bool) {
        let allowed_domains =
            ["example.com", "*.example.net"].map(|p| DomainPattern::parse(p).unwrap()).to_vec();
        let policy = UrlPolicy { allowed_domains, safe_local: false };
        let result = policy.check(text);
        assert_eq!(result.is_ok(), passes, "{result:?}");
        assert!(passes || result == Err(RefusedUrl::NotAllowed));
    }

    #[rstest]
    #[case("*")]
    #[case("*.*.com")]
    #[case("https://example.com")]
    #[case("example.com/path")]
    #[case("10.0.0.1")]
    #[case(".example.com")]
    #[case("")]
    fn a_pattern_that_is_neither_form_is_refused(#[case] text: &str) {
        assert_eq!(DomainPattern::parse(text), None);
    }

    #[rstest]
    #[case("http://localhost:8080", true)]
    #[case("https://127.0.0.1", true)]
    #[case("http://[::1]:3000/api", true)]
    #[case("http://api.example.com", false)]
    #[case("https://10.0.0.1", false)]
    #[case("https://169.254.169.254", false)]
    #[case("ftp://localhost", false)]
    #[case("http://user@localhost", false)]
    fn safe_local_allows_only_loopback(#[case] text: &str, #[case] passes: bool) {
        let policy = UrlPolicy { safe_local: true, ..UrlPolicy::default() };
        assert_eq!(policy.check(text).is_ok(), passes);
    }

    proptest! {
        #[test]
        fn checking_never_panics_and_is_idempotent(text in ".*") {
            if let Ok(url) = UrlPolicy::default().check(&text) {
                prop_assert_eq!(UrlPolicy::default().check(url.as_str()), Ok(url));
            }
        }

        #[test]
        fn a_special_v4_address_is_refused_in_every_notation(
            net in 0..SPECIAL_V4.len(), host in any::<u32>(), notation in 0..5usize,
        ) {
            let net = SPECIAL_V4[net];
            let inside = u32::from(net.network()) | (host & u32::from(net.hostmask()));
            let [a, b, c, d] = inside.to_be_bytes();
            let text = match notation {
                0 => format!("https://{a}.{b}.{c}.{d}"),
                1 => format!("https://{inside}"),
                2 => format!("https://{inside:#x}"),
                3 => format!("https://{a:#o}.{b}.{:#x}", u16::from_be_bytes([c, d])).replace("0o", "0"),
                _ => format!("https://[::ffff:{a}.{b}.{c}.{d}]"),
            };
            prop_assert_eq!(check(&text), Err(RefusedUrl::SpecialAddress), "{}", text);
        }

        #[test]
        fn a_v6_address_outside_global_unicast_is_refused(address in any::<u128>()) {
            let address = Ipv6Addr::from(address);
            prop_assume!(!GLOBAL_V6.contains(&address));
            prop_assert_eq!(check(&format!("https://[{address}]")), Err(RefusedUrl::SpecialAddress));
        }
    }
}
