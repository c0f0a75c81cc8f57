//! The page, embedded: a table from path to bytes. A path that is not in the table is nowhere.

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use edge::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::reply;

struct Source {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! sources {
    ($($path:literal <- $file:literal, $kind:ident;)*) => {
        &[$(Source { path: $path, kind: $kind, bytes: include_bytes!(concat!("../../../web/", $file)) },)*]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

const SOURCES: &[Source] = sources! {
    "/" <- "index.html", HTML;
    "/assets/mark.svg" <- "mark.svg", SVG;
    "/assets/style.css" <- "style.css", CSS;
    "/assets/panels.css" <- "panels.css", CSS;
    "/assets/main.js" <- "main.js", JS;
    "/assets/html.js" <- "html.js", JS;
    "/assets/store.js" <- "store.js", JS;
    "/assets/client.js" <- "client.js", JS;
    "/assets/live.js" <- "live.js", JS;
    "/assets/format.js" <- "format.js", JS;
    "/assets/plot.js" <- "plot.js", JS;
    "/assets/strings.js" <- "strings.js", JS;
    "/assets/views/app.js" <- "views/app.js", JS;
    "/assets/views/header.js" <- "views/header.js", JS;
    "/assets/views/login.js" <- "views/login.js", JS;
    "/assets/views/panel.js" <- "views/panel.js", JS;
    "/assets/views/figures.js" <- "views/figures.js", JS;
    "/assets/views/charts.js" <- "views/charts.js", JS;
    "/assets/views/calls.js" <- "views/calls.js", JS;
    "/assets/views/story.js" <- "views/story.js", JS;
    "/assets/views/budgets.js" <- "views/budgets.js", JS;
    "/assets/views/providers.js" <- "views/providers.js", JS;
    "/assets/views/keys.js" <- "views/keys.js", JS;
    "/assets/vendor/preact.js" <- "vendor/preact.js", JS;
    "/assets/vendor/hooks.js" <- "vendor/hooks.js", JS;
    "/assets/vendor/htm.js" <- "vendor/htm.js", JS;
    "/assets/vendor/uPlot.js" <- "vendor/uPlot.js", JS;
    "/assets/vendor/uPlot.css" <- "vendor/uPlot.css", CSS;
    "/assets/vendor/preact.LICENSE" <- "vendor/preact.LICENSE", TEXT;
    "/assets/vendor/htm.LICENSE" <- "vendor/htm.LICENSE", TEXT;
    "/assets/vendor/uPlot.LICENSE" <- "vendor/uPlot.LICENSE", TEXT;
};

struct Asset {
    source: &'static Source,
    etag: HeaderValue,
    gzip: Option<Bytes>,
}

/// Made at the first request: compressing it all takes a few milliseconds.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| SOURCES.iter().map(Asset::new).collect());

impl Asset {
    fn new(source: &'static Source) -> Self {
        let hash = Sha256::digest(source.bytes);
        let tag = hash.iter().take(8).fold(0u64, |tag, byte| tag << 8 | u64::from(*byte));
        let etag =
            HeaderValue::from_str(&format!("\"{tag:016x}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(source.bytes).and_then(|()| encoder.finish());
        let gzip = packed.ok().filter(|packed| packed.len() < source.bytes.len()).map(Bytes::from);
        Self { source, etag, gzip }
    }
}

/// The file at a path, by the table; `None`: there is none.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let asset = ASSETS.iter().find(|asset| asset.source.path == path)?;
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| *seen == asset.etag);
    let packed = asset.gzip.as_ref().filter(|_| accepts_gzip(headers));
    let (status, body) = match (fresh, packed) {
        (true, _) => (StatusCode::NOT_MODIFIED, Bytes::new()),
        (false, Some(packed)) => (StatusCode::OK, packed.clone()),
        (false, None) => (StatusCode::OK, Bytes::from_static(asset.source.bytes)),
    };
    let mut response = reply::answer(status, asset.source.kind, body);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, asset.etag.clone());
    // Kept, and asked for again by its tag: a new binary is a new page at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}
