//! A provider's base URL, and whether its host is one that must be asked for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use edge::address::is_public;

use crate::problem::Wrong;

/// `scheme://host[:port][/path]` with nothing else, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// `https`, rather than `http`.
    pub tls: bool,
    /// The host in small letters; an IPv6 address without brackets.
    pub host: String,
    /// The port, 443 or 80 when none is written.
    pub port: u16,
    /// Empty, or a path that begins with a slash.
    pub path: String,
}

/// Where a host's name leads, as far as the name itself tells. What a name resolves to is checked on connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine.
    Loopback,
    /// A private, link-local or otherwise special address, a cloud's metadata service among them.
    Private,
    /// The internet, or a name that only resolving will tell.
    Elsewhere,
}

impl BaseUrl {
    /// Another place under the same rules; used for the simulated providers, whose port is known at start.
    pub fn loopback(port: u16, path: &str) -> Self {
        Self { tls: false, host: "127.0.0.1".to_owned(), port, path: path.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        const FIX: &str = "write scheme, host and path, such as \"https://api.example.com/v1\"";
        let bad = |why: &str| Wrong::new(format!("`{text}` is no base URL: {why}"), FIX);
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => return Err(bad(&format!("its scheme is `{other}`, not http or https"))),
        };
        let (authority, path) =
            rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, ""));
        if authority.contains('@') {
            // The text may hold a password: it is not repeated.
            return Err(Wrong::new(
                "the base URL carries a user or a password",
                "take them out, and name the variable that holds the credential as `api_key_env`",
            ));
        }
        if rest.contains(['?', '#']) {
            return Err(bad("it has a query or a fragment"));
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte)) {
            return Err(bad("its path has characters that must be escaped"));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| bad("its port is no number from 1 to 65535"))?;
        let host = parse_host(host).ok_or_else(|| bad("its host is no name and no IP address"))?;
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }), path })
    }

    pub(crate) fn reach(&self) -> Reach {
        if let Some(address) = address_of(&self.host) {
            return match address {
                _ if is_loopback(address) => Reach::Loopback,
                _ if is_public(address) => Reach::Elsewhere,
                _ => Reach::Private,
            };
        }
        // Google's metadata service stands in the private top-level domain `internal` (ICANN, 2024); `local` is
        // multicast DNS (RFC 6762): this link only.
        match self.host.trim_end_matches('.').rsplit('.').next() {
            Some("localhost") => Reach::Loopback,
            Some("internal" | "local") => Reach::Private,
            _ => Reach::Elsewhere,
        }
    }
}

/// As it is written, without the scheme's own port.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://")?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

/// Host and port of an authority; `None` when the port is wrong.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = authority.rfind(':').filter(|colon| !authority.get(*colon..).unwrap_or("").contains(']'));
    let Some((host, port)) = colon.and_then(|colon| authority.split_at_checked(colon)) else {
        return Some((authority, None));
    };
    let port = port.strip_prefix(':').filter(|digits| digits.bytes().all(|it| it.is_ascii_digit()))?;
    port.parse().ok().filter(|port| *port > 0).map(|port| (host, Some(port)))
}

/// A host as the WHATWG URL standard reads it, as far as plain ASCII goes: `0x7f.1` is 127.0.0.1, as every resolver
/// has it, so it is written out here and cannot slip past the check of addresses.
fn parse_host(text: &str) -> Option<String> {
    if let Some(inside) = text.strip_prefix('[') {
        let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
        return Some(address.to_string());
    }
    let host = text.to_ascii_lowercase();
    let name = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let labels = host.strip_suffix('.').unwrap_or(&host);
    if labels.len() > 253 || !labels.split('.').all(name) {
        return None;
    }
    let last = labels.rsplit('.').next().unwrap_or("");
    if last.bytes().all(|byte| byte.is_ascii_digit()) || number(last).is_some() {
        return ipv4(labels).map(|address| address.to_string());
    }
    Some(host)
}

/// Dotted parts, each decimal, octal or hexadecimal, the last filling what is left (`inet_aton`).
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    let room = 4_u32.checked_sub(u32::try_from(leading.len()).ok()?).filter(|room| *room > 0)?;
    if leading.iter().any(|part| *part > 255) || u64::from(*last) >> (8 * room) != 0 {
        return None;
    }
    let high = leading.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | (part << shift));
    Some(Ipv4Addr::from(high | last))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (text.get(2..)?, 16),
        [b'0', _, ..] => (text.get(1..)?, 8),
        _ => (text, 10),
    };
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    // The standard reads a bare `0x` as zero.
    if digits.is_empty() { Some(0) } else { u32::from_str_radix(digits, radix).ok() }
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Reach {
        BaseUrl::parse(text).unwrap().reach()
    }

    #[test]
    fn urls_are_taken_apart_and_written_again() {
        for (text, written) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com/v1"),
            ("http://127.0.0.1:9001/v1", "http://127.0.0.1:9001/v1"),
            ("http://[::1]:9001", "http://[::1]:9001"),
            ("https://api.deepseek.com", "https://api.deepseek.com"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for bad in [
            "",
            "api.openai.com/v1",
            "ftp://api.openai.com",
            "https://",
            "https:///v1",
            "https://api.openai.com:0/v1",
            "https://api.openai.com:99999/v1",
            "https://api.openai.com:+80/v1",
            "https://api.openai.com/v1?key=1",
            "https://api.openai.com/v1#x",
            "https://user:pass@api.openai.com/v1",
            "https://exa mple.com",
            "https://例え.jp",
            "https://1.2.3.4.5",
            "https://256.1.1.1",
            "https://a..b",
            "https://[::1",
            "https://[fe80::1%25eth0]",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let wrong = BaseUrl::parse("https://me:hunter2@api.openai.com/v1").unwrap_err();
        assert!(!format!("{wrong:?}").contains("hunter2"));
    }

    /// The forms are those of the WHATWG URL standard's IPv4 parser, as `curl` and `inet_aton` read them too.
    #[test]
    fn disguised_addresses_are_seen() {
        for loopback in [
            "http://127.0.0.1",
            "http://127.1",
            "http://2130706433",
            "http://0x7f000001",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://localhost",
            "http://LOCALHOST.",
            "http://a.localhost",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert_eq!(reach(loopback), Reach::Loopback, "{loopback}");
        }
        for private in [
            "http://10.0.0.1",
            "http://192.168.1.1",
            "http://169.254.169.254",
            "http://2852039166",
            "http://0xa9fea9fe",
            "http://100.100.100.200",
            "http://metadata.google.internal",
            "http://printer.local",
            "http://0",
            "http://[fd00:ec2::254]",
            "http://[fe80::1]",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert_eq!(reach(private), Reach::Private, "{private}");
        }
        for elsewhere in
            ["https://api.openai.com", "https://1.1.1.1", "https://[2606:4700::1111]", "https://0x.example"]
        {
            assert_eq!(reach(elsewhere), Reach::Elsewhere, "{elsewhere}");
        }
    }
}
