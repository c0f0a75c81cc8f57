//! Step 1, accept: a bounded read, and a request that is understood.

use dialects::{Dialect, Request};
use edge::{BodyError, read_body};
use hyper::body::Incoming;

use crate::house::House;
use crate::refusal::Refusal;

pub(crate) async fn accept(house: &House, dialect: Dialect, body: Incoming) -> Result<Request, Refusal> {
    let reading = read_body(body, house.settings.max_body, house.settings.body_pause);
    let limit = house.settings.body_limit;
    let read = tokio::time::timeout(limit, reading).await.unwrap_or(Err(BodyError::Stalled(limit)));
    let bytes = read.map_err(|error| match error {
        BodyError::TooLarge { limit } => Refusal::new(
            413,
            "request_too_large",
            format!("the request body is larger than {limit} bytes (server.max_body); send less"),
        ),
        BodyError::Stalled(_) => {
            Refusal::new(408, "request_timeout", format!("{error}; send the body at once"))
        }
        BodyError::Cut(_) => Refusal::new(400, "invalid_request_error", error.to_string()),
    })?;
    dialects::decode(dialect, bytes).map_err(|bad| {
        let refusal = Refusal::new(400, bad.code, bad.message);
        match bad.param {
            Some(param) => refusal.param(param),
            None => refusal,
        }
    })
}
