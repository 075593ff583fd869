//! Which addresses may be talked to. Whoever enters an address could otherwise make this server ask
//! what only this server can reach: a neighbour's administration, a cloud's metadata.
//!
//! A name is resolved once, what it resolved to is looked at, and the connection goes there: a second
//! answer of the name does not count.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where to. Only public addresses over HTTPS, unless more is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Private, loopback and link-local addresses too, and HTTP to them: for receivers in one's own house.
    pub allow_private: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("it is no address: expected one as https://receiver.example/path")]
    NotAnAddress,
    #[error("expected https:// (http:// only to a private address, where those are allowed)")]
    Scheme,
    #[error("it holds a name or password: expected none, what is sent is signed")]
    Login,
    #[error(
        "{0} is not a public address: expected one, unless `allow_private` is set in [webhooks]"
    )]
    Private(IpAddr),
    #[error("port {0} is not for HTTP")]
    Port(u16),
}

/// Ports of mail and the like: a request there can be read as something else.
const PORTS_REFUSED: [u16; 12] = [19, 21, 22, 23, 25, 53, 110, 119, 143, 465, 587, 993];

impl Reach {
    /// What can be known before the name is resolved.
    pub fn check(self, text: &str) -> Result<Url, Unreachable> {
        let url = Url::parse(text).map_err(|_| Unreachable::NotAnAddress)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(Unreachable::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unreachable::Login);
        }
        let is_http = url.scheme() == "http";
        if (url.scheme() != "https" && !is_http) || (is_http && !self.allow_private) {
            return Err(Unreachable::Scheme);
        }
        if let Some(port) = url.port().filter(|port| PORTS_REFUSED.contains(port)) {
            return Err(Unreachable::Port(port));
        }
        if let Some(address) = literal(host) {
            self.check_address(address)?;
            if is_http && is_public(address) {
                return Err(Unreachable::Scheme);
            }
        }
        Ok(url)
    }

    fn check_address(self, address: IpAddr) -> Result<(), Unreachable> {
        match self.allow_private || is_public(address) {
            true => Ok(()),
            false => Err(Unreachable::Private(address)),
        }
    }
}

/// The parser of addresses has brought every way of writing one to this form.
fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// Is it one of the internet at large? What only looks so (an IPv4 address within an IPv6 one) is looked
/// at as what it is.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the IANA registry of special-purpose addresses (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || address.is_broadcast()
        || a == 0
        || a >= 240
        // Shared by providers, protocol assignments, relays of 6to4, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded(address) {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out; in it are documentation (two blocks), Teredo and ORCHID.
    let is_special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x3fff => second < 0x1000,
        _ => false,
    };
    (0x2000..0x4000).contains(&first) && !is_special
}

/// Mapped, translated (NAT64, both prefixes) or tunnelled (6to4) IPv4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if high != 0 || low > 1 => Some(of(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x64, 0xff9b, 1, _, _, _, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// Looks at what a name resolved to before a connection goes there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    pub reach: Reach,
    /// Without TLS: at home only.
    pub is_plain: bool,
}

impl Gate {
    fn check(self, address: IpAddr) -> Result<(), Unreachable> {
        if self.is_plain && is_public(address) {
            return Err(Unreachable::Scheme);
        }
        self.reach.check_address(address)
    }
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            // One that may not be reached among them is no accident.
            for address in &found {
                let checked = gate.check(address.ip());
                checked
                    .map_err(|refused| io::Error::new(io::ErrorKind::PermissionDenied, refused))?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Reach = Reach { allow_private: false };
    const HOUSE: Reach = Reach { allow_private: true };

    #[test]
    fn what_is_not_of_the_internet_at_large_is_refused_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::a00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[2001::1]",
            "[ff02::1]",
        ] {
            let url = format!("https://{host}/hook");
            let refused = PUBLIC.check(&url);
            assert!(matches!(refused, Err(Unreachable::Private(_))), "{host}: {refused:?}");
            assert!(HOUSE.check(&url).is_ok(), "{host}");
        }
        for host in ["1.1.1.1", "[2606:4700::1111]", "[::ffff:1.1.1.1]", "receiver.example"] {
            assert!(PUBLIC.check(&format!("https://{host}/hook")).is_ok(), "{host}");
        }
    }

    #[test]
    fn only_https_without_a_login_and_http_at_home() {
        for text in ["", "x", "https://", "ftp://a.example", "file:///etc/passwd", "gopher://a"] {
            assert!(PUBLIC.check(text).is_err() && HOUSE.check(text).is_err(), "{text}");
        }
        assert_eq!(PUBLIC.check("http://a.example"), Err(Unreachable::Scheme));
        assert_eq!(HOUSE.check("http://1.1.1.1"), Err(Unreachable::Scheme));
        assert!(HOUSE.check("http://127.0.0.1:9000/hook").is_ok());
        assert_eq!(PUBLIC.check("https://u:p@a.example"), Err(Unreachable::Login));
        assert_eq!(PUBLIC.check("https://a.example:25"), Err(Unreachable::Port(25)));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_resolved() {
        let resolve = async |reach, is_plain| {
            let name = "localhost".parse::<Name>().unwrap();
            Gate { reach, is_plain }.resolve(name).await.map(drop)
        };
        assert!(resolve(PUBLIC, false).await.unwrap_err().to_string().contains("not a public"));
        assert!(resolve(HOUSE, false).await.is_ok() && resolve(HOUSE, true).await.is_ok());
        let abroad = IpAddr::from([1, 1, 1, 1]);
        assert!(Gate { reach: HOUSE, is_plain: false }.check(abroad).is_ok());
        assert_eq!(Gate { reach: HOUSE, is_plain: true }.check(abroad), Err(Unreachable::Scheme));
    }
}
