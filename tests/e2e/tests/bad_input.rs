//! What a caller gets wrong: broken JSON, wrong types, a body that is too large, a key that is missing, unknown or
//! revoked, a model that is unknown or has no price. Each is a clear error in the caller's dialect that names the
//! fault, costs nothing, reaches no provider, and leaves the gateway as it was.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use e2e::calls::DIALECTS;
use e2e::http::{Answer, Exchange};
use e2e::{Books, Call, Dialect, Gateway, House, Simulator};
use serde_json::{Value, json};

/// A gateway, and a simulator that must never be asked.
struct Stage {
    simulator: Simulator,
    house: House,
    gateway: Gateway,
}

impl Stage {
    fn new() -> Self {
        let simulator = Simulator::start(&[]);
        let house = House::new(simulator.address, "");
        let gateway = Gateway::start(&house);
        Self { simulator, house, gateway }
    }

    fn post(&self, call: &Call, body: &[u8]) -> Answer {
        let socket = call.send_body(self.gateway.listen, body).expect("sent");
        Exchange::begin(socket).and_then(Exchange::whole).expect("an answer")
    }

    /// Nothing left for a provider, nothing is open, the gateway takes calls; gives the codes of the refusals.
    fn end(self) -> Vec<String> {
        for dialect in DIALECTS {
            let answer = Call::new(dialect, false).whole(self.gateway.listen).expect("an answer");
            assert_eq!(answer.status, 200, "a good call afterwards: {}", answer.text());
        }
        let books = Books::at_rest(&self.house.data(), Duration::from_secs(5));
        assert_eq!(self.simulator.truth().len(), 2, "a bad request reached the provider");
        assert_eq!(books.opened().len(), 2, "a bad request was opened");
        books.refused().iter().map(|refused| refused.code.to_string()).collect()
    }
}

/// The answer is an error of that status in the dialect: `chat` is its code, `messages` its type. Gives its words.
fn is_error(dialect: Dialect, answer: &Answer, status: u16, chat: &str, messages: &str) -> String {
    let text = answer.text();
    assert_eq!(answer.status, status, "{dialect:?}: {text}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{dialect:?}");
    let (code, message) =
        dialect.error(&answer.json()).unwrap_or_else(|| panic!("{dialect:?}: no error in {text}"));
    assert_eq!(code, if dialect == Dialect::Chat { chat } else { messages }, "{text}");
    assert!(message.len() > 10, "{text}");
    message
}

#[test]
fn bodies_that_are_no_request() {
    let stage = Stage::new();
    let bodies: [(&[u8], &str); 6] = [
        (b"", "invalid_json"),
        (b"{\"model\": ", "invalid_json"),
        (b"[1, 2]", "invalid_json"),
        (b"{\"model\": \"\xff\xfe\", \"messages\": []}", "invalid_json"),
        (b"{}", "missing_required_parameter"),
        (
            b"{\"model\":\"chat-model\",\"model\":\"chat-model\",\"max_tokens\":1,\"messages\":[]}",
            "duplicate_parameter",
        ),
    ];
    for dialect in DIALECTS {
        for (body, code) in bodies {
            let answer = stage.post(&Call::new(dialect, false), body);
            is_error(dialect, &answer, 400, code, "invalid_request_error");
        }
    }
    stage.end();
}

#[test]
fn fields_of_the_wrong_type() {
    let stage = Stage::new();
    let wrong = [
        ("model", json!(7)),
        ("messages", json!("hello")),
        ("stream", json!("yes")),
        ("max_tokens", json!("many")),
        ("max_tokens", json!(-1)),
        ("max_tokens", json!(1.5)),
    ];
    for dialect in DIALECTS {
        for (field, value) in &wrong {
            let call = Call::new(dialect, false);
            let mut body = call.body();
            body[*field] = value.clone();
            let answer = stage.post(&call, body.to_string().as_bytes());
            assert_eq!(answer.status, 400, "{dialect:?} {field}={value}: {}", answer.text());
            let (_, message) = dialect.error(&answer.json()).expect("in its dialect");
            assert!(message.contains(field), "{field}={value}: {message}");
            if dialect == Dialect::Chat {
                let param = answer.json()["error"]["param"].clone();
                assert!(
                    param.as_str().is_some_and(|param| param.starts_with(field)),
                    "{field}={value}: {param}"
                );
            }
        }
        let mut body = Call::new(dialect, false).body();
        body.as_object_mut().unwrap().remove("messages");
        let answer = stage.post(&Call::new(dialect, false), body.to_string().as_bytes());
        let message = is_error(dialect, &answer, 400, "missing_required_parameter", "invalid_request_error");
        assert!(message.contains("messages"), "{message}");
    }
    stage.end();
}

#[test]
fn a_body_of_33_mebibytes() {
    let stage = Stage::new();
    for dialect in DIALECTS {
        let mut call = Call::new(dialect, false);
        call.text = "x".repeat(33 << 20);
        // Said beforehand: refused before it is sent.
        let answer = refused_while_sending(&stage, &call, false);
        let message = is_error(dialect, &answer, 413, "request_too_large", "request_too_large");
        assert!(message.contains("32 MiB") || message.contains("33554432"), "{message}");
        // In chunks, so that nobody knows before it has come.
        let answer = refused_while_sending(&stage, &call, true);
        is_error(dialect, &answer, 413, "request_too_large", "request_too_large");
    }
    stage.end();
}

/// Sends a body that is refused while it is under way, and reads the answer whatever becomes of the sending.
fn refused_while_sending(stage: &Stage, call: &Call, chunked: bool) -> Answer {
    let mut socket = TcpStream::connect(stage.gateway.listen).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let body = call.body().to_string();
    let length = if chunked {
        "transfer-encoding: chunked".to_owned()
    } else {
        format!("content-length: {}", body.len())
    };
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{length}\r\n\r\n",
        call.dialect.path(),
        call.secret
    );
    socket.write_all(head.as_bytes()).expect("sent");
    let mut writer = socket.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        for part in body.as_bytes().chunks(1 << 20) {
            let sent = if chunked {
                let framed = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
                writer.write_all(&framed)
            } else {
                writer.write_all(part)
            };
            if sent.is_err() {
                return; // it is told why
            }
        }
    });
    let answer = Exchange::begin(socket).and_then(Exchange::whole).expect("an answer, not a reset");
    drop(sending.join());
    answer
}

#[test]
fn keys() {
    let stage = Stage::new();
    let made =
        stage.gateway.admin("POST", "/admin/v1/keys", &json!({ "project": "alpha", "id": "short-lived" }));
    let made = made.expect("an answer");
    assert!(made.status == 200 || made.status == 201, "{}", made.text());
    let secret = made.json()["secret"].as_str().expect("the secret, once").to_owned();
    for dialect in DIALECTS {
        let mut call = Call::new(dialect, false);
        let body = call.body().to_string();
        for wrong in ["", "th-nobody-knows-this-one", "Bearer"] {
            wrong.clone_into(&mut call.secret);
            let answer = stage.post(&call, body.as_bytes());
            let message = is_error(dialect, &answer, 401, "invalid_api_key", "authentication_error");
            assert!(wrong.len() < 10 || !message.contains(wrong), "the secret is repeated: {message}");
        }
    }
    let revoked =
        stage.gateway.admin("DELETE", "/admin/v1/keys/short-lived", &Value::Null).expect("an answer");
    assert!(revoked.status < 300, "{} {}", revoked.status, revoked.text());
    for dialect in DIALECTS {
        let mut call = Call::new(dialect, true);
        call.secret.clone_from(&secret);
        let answer = call.whole(stage.gateway.listen).expect("an answer");
        is_error(dialect, &answer, 401, "invalid_api_key", "authentication_error");
    }
    stage.end();
}

#[test]
fn models() {
    let stage = Stage::new();
    for dialect in DIALECTS {
        for streamed in [false, true] {
            let mut call = Call::new(dialect, streamed);
            "no-such-model".clone_into(&mut call.model);
            let answer = call.whole(stage.gateway.listen).expect("an answer");
            let message = is_error(dialect, &answer, 404, "model_not_found", "not_found_error");
            assert!(message.contains("no-such-model"), "{message}");

            let unpriced =
                if dialect == Dialect::Chat { "unpriced-model" } else { "unpriced-messages-model" };
            unpriced.clone_into(&mut call.model);
            let answer = call.whole(stage.gateway.listen).expect("an answer");
            let message = is_error(dialect, &answer, 500, "price_unknown", "api_error");
            assert!(message.contains("price"), "{message}");

            // A model of the other dialect: translation is not of this version.
            let other = if dialect == Dialect::Chat { Dialect::Messages } else { Dialect::Chat };
            other.model().clone_into(&mut call.model);
            let answer = call.whole(stage.gateway.listen).expect("an answer");
            assert!(answer.status >= 400, "{}", answer.text());
            assert!(dialect.error(&answer.json()).is_some(), "{}", answer.text());
        }
    }
    let codes = stage.end();
    for code in ["price_unknown", "model_not_found"] {
        assert_eq!(codes.iter().filter(|known| *known == code).count(), 4, "{code} is on record: {codes:?}");
    }
}

#[test]
fn requests_that_never_end() {
    let stage = Stage::new();
    // Half a body, then silence, then gone: no call, no attempt.
    for dialect in DIALECTS {
        let call = Call::new(dialect, false);
        let mut socket = TcpStream::connect(stage.gateway.listen).expect("a connection");
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\ncontent-length: 1000\r\n\r\n{{\"model\"",
            dialect.path(),
            call.secret
        );
        socket.write_all(head.as_bytes()).expect("sent");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Garbage that is no HTTP at all.
    let mut socket = TcpStream::connect(stage.gateway.listen).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    socket.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").expect("sent");
    let mut said = Vec::new();
    drop(socket.read_to_end(&mut said));
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&said));
    stage.end();
}
