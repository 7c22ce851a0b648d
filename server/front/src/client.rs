//! The address of a client, even behind proxies.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use axum::http::{HeaderMap, HeaderValue};
use clap::ValueEnum;
use ipnet::IpNet;

/// The proxies in front of the server. Claims of any other sender about a request's origin are ignored.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Their networks.
    pub trusted: Vec<IpNet>,
    /// The header in which they name their clients.
    pub header: ClientHeader,
}

/// The header in which a proxy names its client.
///
/// It is one, chosen by the operator: a proxy that writes one header passes the other on as the client has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ClientHeader {
    /// `X-Forwarded-For`, as nginx, Caddy, HAProxy and the clouds' load balancers write it.
    #[default]
    XForwardedFor,
    /// `Forwarded`, after [RFC 7239](https://www.rfc-editor.org/rfc/rfc7239).
    Forwarded,
}

/// Parses a network, `10.0.0.0/8`, or one address.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "expected an address or a network, as in 127.0.0.1 or 10.0.0.0/8".to_owned())
}

impl Proxies {
    /// Whether an address is one of the proxies'.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The origin of a request: the other end of the connection or, if that is a proxy, the nearest address before it
    /// that is none. If a proxy names no address, all its clients count as the proxy.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        for hop in self.header.hops(headers).into_iter().rev() {
            let Some(address) = hop else { break };
            client = address;
            if !self.trust(client) {
                break;
            }
        }
        client
    }
}

impl ClientHeader {
    /// The clients that each proxy named, the nearest last; `None` for an invalid address.
    fn hops(self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let name = match self {
            ClientHeader::XForwardedFor => "x-forwarded-for",
            ClientHeader::Forwarded => "forwarded",
        };
        // Each line separately: an open quote in one does not affect the next.
        headers
            .get_all(name)
            .iter()
            .flat_map(|line| line.to_str().map_or(vec![None], |line| self.hops_of(line)))
            .collect()
    }

    fn hops_of(self, line: &str) -> Vec<Option<IpAddr>> {
        match self {
            ClientHeader::XForwardedFor => {
                line.split(',').map(|node| address(node.trim())).collect()
            }
            ClientHeader::Forwarded => {
                let (elements, closed) = split(line, ',');
                let mut hops: Vec<_> = elements.into_iter().map(forwarded_for).collect();
                // The proxy's addition to an open quote is part of that quote.
                if !closed && let Some(last) = hops.last_mut() {
                    *last = None;
                }
                hops
            }
        }
    }
}

/// The `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let (_, value) = split(element, ';')
        .0
        .into_iter()
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    match value.strip_prefix('"') {
        None => address(value),
        Some(quoted) => address(&quoted.strip_suffix('"')?.replace('\\', "")),
    }
}

/// The parts between separators outside of quotes, and whether the last quote is closed.
fn split(text: &str, separator: char) -> (Vec<&str>, bool) {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c: char| {
        let separates = c == separator && !quoted;
        if escaped {
            escaped = false;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == '\\' {
            escaped = quoted;
        }
        separates
    });
    (parts.collect(), !quoted)
}

/// An address with or without a port; one of IPv6 also in brackets.
fn address(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => Ipv6Addr::from_str(bare).ok().map(IpAddr::V6),
        None => node
            .parse()
            .ok()
            .or_else(|| node.parse().ok().map(|node: SocketAddr| node.ip())),
    };
    address.map(|address| address.to_canonical())
}

/// The address that counts for limits: an IPv6 client chooses the lower half of its address itself, so its /64 counts
/// as one.
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

/// The origin of a request without a connection, as in a test of the router.
pub const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Whether a request's own id can be used in the log.
pub fn is_sane_id(id: &HeaderValue) -> bool {
    (1..=64).contains(&id.len())
        && id
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn proxies(header: ClientHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
        Proxies {
            trusted: trusted.map(|text| parse_network(text).unwrap()).to_vec(),
            header,
        }
    }

    fn client(header: ClientHeader, peer: &str, lines: &[&str]) -> String {
        let name = match header {
            ClientHeader::XForwardedFor => "x-forwarded-for",
            ClientHeader::Forwarded => "forwarded",
        };
        proxies(header)
            .client(peer.parse().unwrap(), &headers(name, lines))
            .to_string()
    }

    #[test]
    fn x_forwarded_for_is_believed_from_trusted_proxies_alone() {
        for (peer, lines, expected) in [
            // A client that is not trusted cannot choose its origin.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("2001:db8::9", &["198.51.100.1"], "2001:db8::9"),
            // The right-most address that is not trusted; anybody may have written those before it.
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["198.51.100.1, 10.2.3.4, 192.0.2.7"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // All are trusted: it comes from one of them.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // None, or an invalid one: the proxy counts.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, rubbish, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1", "\u{e9}"], "10.0.0.1"),
        ] {
            let got = client(ClientHeader::XForwardedFor, peer, lines);
            assert_eq!(got, expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (lines, expected) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (
                &["For=198.51.100.1;proto=https;by=203.0.113.43"],
                "198.51.100.1",
            ),
            (&["proto=https ; for = \"198.51.100.1:80\""], "198.51.100.1"),
            (&["for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=\"[2001:db8:cafe::17]\""], "2001:db8:cafe::17"),
            (
                &["for=6.6.6.6, for=198.51.100.1;by=10.0.0.1"],
                "198.51.100.1",
            ),
            (&["for=6.6.6.6", "for=198.51.100.1"], "198.51.100.1"),
            (&["for=198.51.100.1, for=10.0.0.2"], "198.51.100.1"),
            (&["host=\"a,for=6.6.6.6\";for=198.51.100.1"], "198.51.100.1"),
            (
                &["host=\"a\\\",for=6.6.6.6\";for=198.51.100.1"],
                "198.51.100.1",
            ),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["for=198.51.100.1, proto=https"], "10.0.0.1"),
            // A quote that the client left open does not turn the proxy's text into an address of the client's choice.
            (&["for=6.6.6.6, x=\", for=198.51.100.1"], "10.0.0.1"),
            (&["for=6.6.6.6, x=\", for=\"[2001:db8::1]\""], "10.0.0.1"),
            (&["for=\"6.6.6.6\";x=\", for=198.51.100.1"], "10.0.0.1"),
            (
                &["for=\"6.6.6.6\";x=\"\\, for=\"[2001:db8::1]\""],
                "10.0.0.1",
            ),
            (&["for=6.6.6.6, x=\"", "for=198.51.100.1"], "198.51.100.1"),
        ] {
            let got = client(ClientHeader::Forwarded, "10.0.0.1", lines);
            assert_eq!(got, expected, "{lines:?}");
        }
        // The other header comes from the client.
        let spoofed = headers("x-forwarded-for", &["6.6.6.6"]);
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(
            proxies(ClientHeader::Forwarded).client(peer, &spoofed),
            peer
        );
    }

    #[test]
    fn an_ipv6_client_is_counted_by_its_network() {
        for (address, counted) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("2001:db8:1:3:3:4:5:6", "2001:db8:1:3::"),
            ("198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(counted_as(address.parse().unwrap()).to_string(), counted);
        }
    }

    #[test]
    fn an_id_is_taken_over_when_it_cannot_harm_the_log() {
        for (id, sane) in [
            ("7f3a-b_c.d:1", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
        ] {
            assert_eq!(
                is_sane_id(&HeaderValue::from_str(id).unwrap()),
                sane,
                "{id:?}"
            );
        }
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(|bytes| IpAddr::from(bytes).to_canonical()),
        ]
    }

    /// Headers of a client that imitates another.
    fn forged() -> impl Strategy<Value = String> {
        let pieces = [
            "for=",
            "6.6.6.6",
            "for=\"6.6.6.6\"",
            "\"",
            "\\",
            ";",
            ",",
            " ",
            "x=",
            "[",
            "]",
            "::1",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Whatever a client writes before the proxy's addition, the result is the proxy's.
        #[test]
        fn nobody_behind_a_proxy_chooses_an_address(
            client in any_address(),
            sent in prop_oneof!["[ -~]{0,60}", forged()],
            own_line: bool,
            forwarded: bool,
        ) {
            let header = if forwarded { ClientHeader::Forwarded } else { ClientHeader::XForwardedFor };
            let proxies = proxies(header);
            prop_assume!(!proxies.trust(client));
            let (name, appended) = match (header, client) {
                (ClientHeader::XForwardedFor, _) => ("x-forwarded-for", client.to_string()),
                (_, IpAddr::V4(_)) => ("forwarded", format!("for={client}")),
                (_, IpAddr::V6(_)) => ("forwarded", format!("for=\"[{client}]\"")),
            };
            let joined = format!("{sent}, {appended}");
            let lines = if own_line { vec![sent.as_str(), &appended] } else { vec![joined.as_str()] };
            let peer: IpAddr = "10.0.0.1".parse().unwrap();
            let got = proxies.client(peer, &headers(name, &lines));
            // An open quote before it may hide the proxy's text; then the proxy counts.
            let hidden = forwarded && !own_line && sent.contains('"');
            prop_assert!(got == client || hidden && got == peer, "{got} of {lines:?}");
        }

        #[test]
        fn nobody_else_is_believed(peer in any_address(), sent in "[ -~]{0,60}") {
            for header in [ClientHeader::XForwardedFor, ClientHeader::Forwarded] {
                let proxies = proxies(header);
                prop_assume!(!proxies.trust(peer));
                let mut headers = headers("forwarded", &[&sent]);
                headers.insert("x-forwarded-for", HeaderValue::from_str(&sent).unwrap());
                prop_assert_eq!(proxies.client(peer, &headers), peer);
            }
        }
    }
}
