//! Who gets in, what is answered to whom, and with which headers.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

#[path = "../examples/fake/backend.rs"]
mod backend;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backend::{Fake, budget, key};
use bytes::Bytes;
use console::{Backend, Console, ConsoleOptions};
use edge::Body;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use ledger::{CallId, EntryBody, Labels, Refused, UnixMicros, name};
use serde_json::{Value, json};

const TOKEN: &str = "correct-horse";

/// 2026-11-24T08:00:00Z.
fn now() -> UnixMicros {
    UnixMicros(1_795_507_200_000_000)
}

fn console() -> (Arc<Fake>, Console) {
    let fake = Arc::new(Fake::new(now));
    let refused = Refused {
        call_id: CallId(7),
        labels: Arc::new(Labels { project: name("claims"), ..Labels::default() }),
        requested_model: name("</script><b>x"),
        code: name("price_unknown"),
        http_status: 403,
        reason: name("no price"),
    };
    fake.append(now(), EntryBody::Refused(Box::new(refused)));
    fake.set_budget("claims-month", budget("claims", "5000 CNY")).unwrap();
    fake.create_key(key("claims", "assistant", "finance")).unwrap();
    let options = ConsoleOptions {
        hosts: vec!["console.example.org".to_owned()],
        streams_max: 2,
        stream_interval: Duration::from_millis(10),
        ..ConsoleOptions::new("127.0.0.1:8081".parse().unwrap())
    };
    let console = Console::new(fake.clone(), TOKEN, &options);
    (fake, console)
}

fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:8081")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Full::from(body.to_owned()))
        .unwrap()
}

fn with(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn ask(console: &Console, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let response = console.handle(request(method, path, body)).await;
    let (status, text) = (response.status(), text(response).await);
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn only_the_token_opens_the_api_and_every_path_of_it() {
    let (_, console) = console();
    let paths = [
        "live",
        "calls",
        "calls/7",
        "reports/volume",
        "budgets",
        "budgets/x",
        "keys",
        "keys/x",
        "orgs",
        "projects",
        "offers",
        "offers/x",
        "providers",
        "ledger",
        "nothing",
        "",
    ];
    for path in paths {
        for wrong in [
            "",
            "Bearer",
            "Bearer correct-hors",
            "Bearer correct-horse2",
            "Basic correct-horse",
            "correct-horse",
        ] {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                let request =
                    with(request(method, &format!("/admin/v1/{path}"), "{}"), "authorization", wrong);
                let response = console.handle(request).await;
                assert_eq!(response.status(), 401, "{method} {path} {wrong:?}");
            }
        }
    }
    // Twice is not once.
    let mut twice = request("GET", "/admin/v1/keys", "");
    twice.headers_mut().append("authorization", "Bearer x".parse().unwrap());
    let response = console.handle(twice).await;
    assert_eq!(response.status(), 401);
    let said = text(response).await;
    assert!(said.contains("invalid_admin_token") && !said.contains(TOKEN), "{said}");
    assert_eq!(ask(&console, "GET", "/admin/v1/keys", "").await.0, 200);
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_with_the_right_token_too() {
    let (_, console) = console();
    for (host, status) in [
        ("127.0.0.1:8081", 200),
        ("localhost:8081", 200),
        ("LOCALHOST:8081", 200),
        ("[::1]:8081", 200),
        ("console.example.org", 200),
        ("evil.example", 421),
        ("evil.example:8081", 421),
        ("127.0.0.1", 421),
        ("127.0.0.1:8080", 421),
        ("127.0.0.1:8081/x", 421),
        ("127.0.0.1:8081#", 421),
        ("127.0.0.1:8081?", 421),
        ("user@127.0.0.1:8081", 421),
        ("localhost.evil.example:8081", 421),
        ("", 421),
    ] {
        for path in ["/admin/v1/keys", "/", "/metrics", "/assets/main.js"] {
            let response = console.handle(with(request("GET", path, ""), "host", host)).await;
            assert_eq!(response.status(), status, "{host} {path}");
        }
    }
    for (origin, status) in [
        ("http://127.0.0.1:8081", 200),
        ("http://localhost:8081", 200),
        ("https://console.example.org", 200),
        ("http://evil.example", 403),
        ("http://127.0.0.1:8082", 403),
        ("http://127.0.0.1:8081.evil.example", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
    ] {
        let response = console.handle(with(request("GET", "/admin/v1/keys", ""), "origin", origin)).await;
        assert_eq!(response.status(), status, "{origin}");
        assert!(response.headers().get("access-control-allow-origin").is_none());
    }
    // No host, two hosts, and an absolute target that names another.
    let mut none = request("GET", "/", "");
    none.headers_mut().remove("host");
    assert_eq!(console.handle(none).await.status(), 421);
    let mut two = request("GET", "/", "");
    two.headers_mut().append("host", "evil.example".parse().unwrap());
    assert_eq!(console.handle(two).await.status(), 421);
    assert_eq!(console.handle(request("GET", "http://evil.example/", "")).await.status(), 421);
    assert_eq!(console.handle(request("GET", "http://127.0.0.1:8081/", "")).await.status(), 200);
}

#[tokio::test]
async fn paths_outside_of_the_table_are_nowhere() {
    let (_, console) = console();
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/vendor/../main.js",
        "//assets/main.js",
        "/assets/main.js/",
        "/assets/main.js%00",
        "/assets/MAIN.JS",
        "/assets/format.test.js",
        "/assets/vendor/README.md",
        "/index.html",
        "/etc/passwd",
        "/admin",
        "/admin/v2/keys",
        "/Admin/v1/keys",
        "/admin//v1/keys",
    ] {
        assert_eq!(console.handle(request("GET", path, "")).await.status(), 404, "{path}");
    }
    // Encoded or not, the path that is served is the path that was checked.
    let open = with(request("GET", "/admin%2fv1%2fkeys", ""), "authorization", "");
    assert_eq!(console.handle(open).await.status(), 404);
    let open = with(request("GET", "/%61dmin/v1/keys", ""), "authorization", "");
    assert_eq!(console.handle(open).await.status(), 401);
    assert_eq!(console.handle(request("POST", "/", "")).await.status(), 405);
}

#[tokio::test]
async fn the_page_comes_with_its_headers_packed_and_only_once() {
    let (_, console) = console();
    let response = console.handle(with(request("GET", "/", ""), "authorization", "")).await;
    let headers = response.headers().clone();
    let header =
        |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert!(header("content-security-policy").starts_with("default-src 'self';"));
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(
        (header("x-content-type-options"), header("x-frame-options")),
        ("nosniff".into(), "DENY".into())
    );
    assert!(headers.get("set-cookie").is_none());
    let page = text(response).await;
    assert!(
        !page.contains("<script>") && !page.contains("onclick") && !page.contains("style="),
        "inline code"
    );

    let again = console.handle(with(request("GET", "/", ""), "if-none-match", &header("etag"))).await;
    assert_eq!((again.status(), text(again).await), (StatusCode::NOT_MODIFIED, String::new()));

    let packed = console
        .handle(with(request("GET", "/assets/vendor/uPlot.js", ""), "accept-encoding", "br, gzip"))
        .await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.into_body().collect().await.unwrap().to_bytes();
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut plain).unwrap();
    assert_eq!(plain, text(console.handle(request("GET", "/assets/vendor/uPlot.js", "")).await).await);
    let unpacked = with(request("GET", "/assets/main.js", ""), "accept-encoding", "gzip;q=0");
    assert!(console.handle(unpacked).await.headers().get("content-encoding").is_none());
}

#[tokio::test]
async fn every_file_of_the_page_is_served_and_small_enough() {
    let (_, console) = console();
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let not_served = ["package.json", "jsconfig.json", "types.js", "README.md", "format.test.js"];
    let mut sent = 0;
    for folder in ["", "views", "vendor"] {
        for file in std::fs::read_dir(web.join(folder)).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if file.file_type().unwrap().is_dir() || not_served.contains(&name.as_str()) {
                continue;
            }
            let inside = Path::new(folder).join(&name);
            let path = match inside.to_str().unwrap() {
                "index.html" => "/".to_owned(),
                other => format!("/assets/{other}"),
            };
            let response = console.handle(with(request("GET", &path, ""), "accept-encoding", "gzip")).await;
            assert_eq!(response.status(), 200, "{path}");
            sent += response.into_body().collect().await.unwrap().to_bytes().len();
        }
    }
    assert!(sent < 300_000, "the page is {sent} bytes over the wire");
}

#[test]
fn vendored_files_are_those_that_the_table_names() {
    use sha2::{Digest, Sha256};
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/vendor");
    let table = std::fs::read_to_string(vendor.join("README.md")).unwrap();
    let hashes: HashSet<&str> = table.split('`').filter(|text| text.len() == 64).collect();
    for file in ["preact.js", "hooks.js", "htm.js", "uPlot.js", "uPlot.css"] {
        let hash = Sha256::digest(std::fs::read(vendor.join(file)).unwrap());
        let hash: String = hash
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|half| char::from_digit(half.into(), 16).unwrap())
            .collect();
        assert!(hashes.contains(hash.as_str()), "{file} is {hash}");
    }
}

#[tokio::test]
async fn lists_and_changes() {
    let (_, console) = console();
    let (_, budgets) = ask(&console, "GET", "/admin/v1/budgets", "").await;
    assert_eq!(budgets["budgets"][0]["limit_nano"], "5000000000000");
    let set = r#"{"scope":{"key":"a/b"},"limit":"0.25 USD","window":"day"}"#;
    let (status, budget) = ask(&console, "PUT", "/admin/v1/budgets/a%2Fb", set).await;
    assert_eq!(
        (status.as_u16(), &budget["id"], &budget["limit_nano"]),
        (200, &json!("a/b"), &json!("250000000"))
    );
    assert_eq!(ask(&console, "DELETE", "/admin/v1/budgets/a%2Fb", "").await.0, 204);
    assert_eq!(ask(&console, "DELETE", "/admin/v1/budgets/a%2Fb", "").await.0, 404);

    let (status, created) =
        ask(&console, "POST", "/admin/v1/keys", r#"{"project":"claims","app":"x"}"#).await;
    assert_eq!((status.as_u16(), &created["secret"]), (201, &json!("th-made-up-secret-7Qx4")));
    let id = created["id"].as_str().unwrap();
    assert_eq!(ask(&console, "DELETE", &format!("/admin/v1/keys/{id}"), "").await.1["state"], "revoked");
    let (_, keys) = ask(&console, "GET", "/admin/v1/keys", "").await;
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("secret").is_none()));

    let (_, calls) = ask(&console, "GET", "/admin/v1/calls?filter=kind%3Drefused&limit=5", "").await;
    assert_eq!(calls["calls"][0]["code"], "price_unknown");
    let (_, story) = ask(&console, "GET", "/admin/v1/calls/00000000-0000-0000-0000-000000000007", "").await;
    assert_eq!((&story["state"], &story["refusal"]["reason"]), (&json!("refused"), &json!("no price")));
    assert_eq!(ask(&console, "GET", "/admin/v1/calls/00000000-0000-0000-0000-000000000008", "").await.0, 404);
    assert_eq!(ask(&console, "GET", "/admin/v1/calls/..%2F..%2Fx", "").await.0, 404);
    let (_, report) =
        ask(&console, "GET", "/admin/v1/reports/cost?by=model,day&zone=Asia/Shanghai", "").await;
    assert_eq!((&report["refused"], &report["by"]), (&json!(1), &json!(["model", "day"])));
    let (_, csv) = ask(&console, "GET", "/admin/v1/reports/volume?by=model&format=csv", "").await;
    assert!(csv.as_str().unwrap().starts_with("model,calls,attempts"));
    for path in ["orgs", "projects", "offers", "providers", "ledger"] {
        assert_eq!(ask(&console, "GET", &format!("/admin/v1/{path}"), "").await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_mistake_is_named_with_its_field_and_fix() {
    let (_, console) = console();
    for (method, path, body, status, field) in [
        ("PUT", "budgets/x", r#"{"scope":{},"limit":"5000"}"#, 400, "limit"),
        ("PUT", "budgets/x", r#"{"scope":{},"limit":"1 CNY","windows":"day"}"#, 400, "windows"),
        ("PUT", "budgets/x", r#"{"scope":{}}"#, 400, "limit"),
        ("PUT", "budgets/x%0a", r#"{"scope":{},"limit":"1 CNY"}"#, 400, "id"),
        ("POST", "keys", "{", 400, "body"),
        ("POST", "keys", r#"{"project":"nobody"}"#, 400, "project"),
        ("POST", "keys", r#"{"project":"claims","id":"a b"}"#, 400, "id"),
        ("PATCH", "offers/x", r#"{"enabled":"yes"}"#, 400, "body"),
        ("GET", "reports/volume?by=vendor", "", 400, "by"),
        ("GET", "reports/volume?group=model", "", 400, "group"),
        ("GET", "reports/volume?from=yesterday", "", 400, "from"),
        ("GET", "reports/volume?zone=Mars", "", 400, "zone"),
        ("GET", "calls?filter=vendor=x", "", 400, "filter"),
        ("GET", "calls?limit=0", "", 400, "limit"),
        ("GET", "live?since=x", "", 400, "since"),
        ("GET", "keys?all=1", "", 400, "all"),
    ] {
        let (got, error) = ask(&console, method, &format!("/admin/v1/{path}"), body).await;
        let error = &error["error"];
        assert_eq!(
            (got.as_u16(), error["field"].as_str()),
            (status, Some(field)),
            "{method} {path} {body}: {error}"
        );
        assert!(error["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{path}: {error}");
    }
    let (status, error) = ask(&console, "POST", "/admin/v1/budgets/x", "{}").await;
    assert_eq!((status.as_u16(), &error["error"]["fix"]), (405, &json!("use PUT or DELETE")));
    assert_eq!(ask(&console, "GET", "/admin/v1/reports/value", "").await.0, 404);
    let large = format!("{{\"project\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(ask(&console, "POST", "/admin/v1/keys", &large).await.0, 413);
}

#[tokio::test]
async fn the_stream_begins_whole_goes_on_with_news_and_is_bounded() {
    let (fake, console) = console();
    let mut first = console.handle(request("GET", "/admin/v1/live", "")).await;
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let mut event = async || {
        let frame = first.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let data = text.strip_prefix("event: live\ndata: ").unwrap().strip_suffix("\n\n").unwrap().to_owned();
        serde_json::from_str::<Value>(&data).unwrap()
    };
    let whole = event().await;
    assert_eq!(
        (&whole["whole"], &whole["calls"][0]["state"], &whole["totals"]["refused"]),
        (&json!(true), &json!("refused"), &json!(1))
    );
    assert_eq!(whole["calls"][0]["requested_model"], "</script><b>x");
    let entry = EntryBody::Refused(Box::new(Refused {
        call_id: CallId(8),
        labels: Arc::default(),
        requested_model: name("m"),
        code: name("overloaded"),
        http_status: 503,
        reason: name("full"),
    }));
    fake.append(now(), entry);
    let news = loop {
        let news = event().await;
        if news["calls"].as_array().is_some_and(|calls| !calls.is_empty()) {
            break news;
        }
    };
    assert_eq!((&news["whole"], &news["calls"][0]["code"]), (&json!(false), &json!("overloaded")));
    assert_eq!(news["calls"].as_array().unwrap().len(), 1);

    let second = console.handle(request("GET", "/admin/v1/live", "")).await;
    assert_eq!(console.handle(request("GET", "/admin/v1/live", "")).await.status(), 503);
    // One answer takes no place.
    assert_eq!(ask(&console, "GET", "/admin/v1/live?once=1", "").await.0, 200);
    // A stream that is dropped gives its place back.
    drop(second);
    let mut tries = 0;
    while console.handle(request("GET", "/admin/v1/live", "")).await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        tries += 1;
        assert!(tries < 400, "the place did not come back");
    }
}

#[tokio::test]
async fn a_stop_ends_the_streams() {
    let (_, console) = console();
    let stream = console.handle(request("GET", "/admin/v1/live", "")).await;
    console.stop();
    let rest = tokio::time::timeout(Duration::from_secs(5), stream.into_body().collect()).await;
    assert!(rest.is_ok(), "the stream goes on");
}

#[tokio::test]
async fn probes_answer_any_host() {
    let (_, console) = console();
    for (path, said) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let response = console.handle(with(request("GET", path, ""), "host", "10.0.0.7")).await;
        assert_eq!((response.status(), text(response).await.as_str()), (StatusCode::OK, said));
    }
    let metrics = console.handle(request("GET", "/metrics", "")).await;
    assert!(text(metrics).await.contains("tollhouse_up 1"));
}
