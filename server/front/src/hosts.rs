//! The names under which the server answers.
//!
//! A page of another site can let its own name resolve to this machine and then read the server's answers as if they
//! were its own ("DNS rebinding"). The browser still writes that name into `Host`, so a server with a list of its names
//! can refuse it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// The longest name, in bytes ([RFC 1035, section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const MAX_NAME: usize = 255;

/// The host of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name, in lower case and without a dot at its end.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Why a text is not a [`Host`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostError;

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a name or an address without a port, as in ticker.example.org")
    }
}

impl std::error::Error for HostError {}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').ok_or(HostError)?;
            let address: Ipv6Addr = address.parse().map_err(|_| HostError)?;
            return Ok(Host::Address(IpAddr::V6(address).to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_right = name.len() <= MAX_NAME
            && name
                .split('.')
                .all(|label| !label.is_empty() && label.bytes().all(is_letter));
        if !is_right {
            return Err(HostError);
        }
        match name.parse() {
            Ok(address) => Ok(Host::Address(IpAddr::V4(address))),
            Err(_) => Ok(Host::Name(name.to_ascii_lowercase())),
        }
    }
}

impl Host {
    /// Parses the value of a `Host` field, or the authority of an address: a host, and a port if there is one ([RFC
    /// 9110, section 7.2](https://www.rfc-editor.org/rfc/rfc9110#section-7.2)).
    pub(super) fn of_authority(text: &str) -> Result<Self, HostError> {
        let ends = match text.find(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(ends);
        let is_right = match port.strip_prefix(':') {
            None => port.is_empty(),
            Some(digits) => {
                let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
                digits.is_empty() || are_digits && digits.parse::<u16>().is_ok()
            }
        };
        if !is_right {
            return Err(HostError);
        }
        host.parse()
    }

    fn is_of_this_machine(&self) -> bool {
        match self {
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Address(address) => address.is_loopback(),
        }
    }
}

/// The names under which the server answers; every name if none is listed.
#[derive(Debug, Clone, Default)]
pub struct Hosts(pub Vec<Host>);

impl Hosts {
    /// Whether every name is answered.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request for a host that arrived at the address `local` is answered. Besides the listed names, the
    /// names of the machine itself and that address are: no other site's name can replace them, and health checks use
    /// them.
    pub(super) fn serve(&self, host: &Host, local: Option<IpAddr>) -> bool {
        self.is_open()
            || self.0.contains(host)
            || host.is_of_this_machine()
            || local.is_some_and(|local| *host == Host::Address(local.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_field_is_a_host_and_a_port() {
        for (text, host) in [
            ("ticker.example.org", "ticker.example.org"),
            ("Ticker.Example.ORG.", "ticker.example.org"),
            ("ticker.example.org:3000", "ticker.example.org"),
            ("ticker_1:", "ticker_1"),
            ("127.0.0.1:65535", "127.0.0.1"),
            ("[::1]", "::1"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
        ] {
            let read = Host::of_authority(text).map(|host| host.to_string());
            assert_eq!(read.as_deref(), Ok(host), "{text}");
        }
        for text in [
            "", ":80", "a b", "a/b", "a,b", "user@a", "a:b", "a:65536", "a:-1", "a:1:2", "::1",
            "[::1", "[::1]x", "[]", "[a]", "a..b", ".a", ".", "a%41", "\u{e4}", "a\"b", "http://a",
            "a?", "a#",
        ] {
            assert_eq!(Host::of_authority(text), Err(HostError), "{text:?}");
        }
        assert!(Host::of_authority(&"a".repeat(256)).is_err());
    }

    #[test]
    fn listed_names_and_those_of_the_machine_are_served() {
        let hosts = Hosts(vec!["ticker.example.org".parse().unwrap()]);
        let local = Some("192.0.2.7".parse().unwrap());
        let serves = |host: &str| hosts.serve(&host.parse().unwrap(), local);
        for host in [
            "ticker.example.org",
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "192.0.2.7",
        ] {
            assert!(serves(host), "{host}");
        }
        for host in [
            "example.org",
            "evil.ticker.example.org",
            "ticker.example.org.evil",
            "notlocalhost",
            "192.0.2.8",
            "[2001:db8::1]",
        ] {
            assert!(!serves(host), "{host}");
        }
        assert!(Hosts::default().serve(&"anything".parse().unwrap(), None));
    }
}
