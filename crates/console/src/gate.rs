//! Who may ask: exact Host and Origin (DNS rebinding, cross-site requests), and the admin token.
//!
//! There are no cookies and no CORS: a foreign page can neither read an answer nor send the token.

use std::net::SocketAddr;

use http::{HeaderMap, Uri, header};
use sha2::{Digest, Sha256};

use crate::Problem;

/// The hosts that the console answers to, with their port.
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    /// The listen address, its loopback names, and `more` (such as `console.example.org`, with its port if any).
    pub(crate) fn new(listen: SocketAddr, more: &[String]) -> Self {
        let port = listen.port();
        let mut hosts = vec![listen.to_string()];
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        if port == 80 {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        hosts.extend(more.iter().map(|host| host.to_ascii_lowercase()));
        Self(hosts)
    }

    /// One Host, one that is ours; an absolute target must name the same; an Origin, if sent, must be ours too.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let host = single(headers, header::HOST).ok().flatten().map(str::to_ascii_lowercase);
        let known = host.as_deref().filter(|host| self.0.iter().any(|known| known == host));
        let same =
            uri.authority().is_none_or(|it| Some(it.as_str().to_ascii_lowercase()).as_deref() == known);
        if known.is_none() || !same {
            let fix = format!("open http://{} instead", self.0.first().map_or("", String::as_str));
            return Err(Problem::new(421, "wrong_host", "this host name is not the console's").fix(fix));
        }
        let origin = single(headers, header::ORIGIN).map_err(|()| foreign())?;
        match origin.map(str::to_ascii_lowercase) {
            Some(origin) if !self.is_ours(&origin) => Err(foreign()),
            Some(_) | None => Ok(()),
        }
    }

    fn is_ours(&self, origin: &str) -> bool {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| self.0.iter().any(|known| known == host))
    }
}

fn foreign() -> Problem {
    Problem::new(403, "foreign_origin", "pages of other origins may not ask the console")
}

/// The header's value where it is sent once, nothing where it is not sent.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The admin token, as its hash: the token itself is not kept.
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// `Authorization: Bearer …` bears the token. Hashes are compared, all bytes of them, so that the time taken
    /// says nothing about how much of a guess was right.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let value = single(headers, header::AUTHORIZATION).ok().flatten().unwrap_or_default();
        let (scheme, given) = value.split_once(' ').unwrap_or_default();
        let hash: [u8; 32] = Sha256::digest(given.trim().as_bytes()).into();
        let differs = self.0.iter().zip(hash).fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        if scheme.eq_ignore_ascii_case("bearer") && std::hint::black_box(differs) == 0 {
            return Ok(());
        }
        let problem = Problem::new(401, "invalid_admin_token", "the admin token is missing or wrong");
        Err(problem
            .fix("send it as `Authorization: Bearer …`; `tollhouse serve` prints it at the first start"))
    }
}
