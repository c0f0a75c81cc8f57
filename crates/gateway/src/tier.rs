//! The words of vendors for service tiers, as tiers of a price book.

use dialects::Request;
use prices::Tier;

/// The tier that an answer says it was served in; no word, or one that no price depends on: standard.
pub(crate) fn served(word: &str) -> Tier {
    match word {
        "flex" => Tier::Flex,
        "priority" | "fast" => Tier::Priority,
        "batch" => Tier::Batch,
        _ => Tier::Standard,
    }
}

/// The tiers that a request may be served in, by what it asks for. A request for a tier may be served in the standard
/// one, and `auto` leaves it to the provider. A tier that the provider's own project settings impose on a request that
/// names none cannot be seen from here.
pub(crate) fn possible(request: &Request) -> &'static [Tier] {
    match request.service_tier_asked() {
        None => &[Tier::Standard],
        Some("auto") => &[Tier::Standard, Tier::Priority, Tier::Flex],
        Some(word) => match served(word) {
            Tier::Standard => &[Tier::Standard],
            Tier::Priority => &[Tier::Standard, Tier::Priority],
            Tier::Flex => &[Tier::Standard, Tier::Flex],
            Tier::Batch => &[Tier::Standard, Tier::Batch],
        },
    }
}

/// The tier that a request asks for by name, which must then have a price.
pub(crate) fn named(request: &Request) -> Tier {
    request.service_tier_asked().map_or(Tier::Standard, served)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use dialects::{Dialect, decode};

    use super::*;

    fn asked(dialect: Dialect, field: &str) -> Request {
        let body =
            format!(r#"{{"model":"m","max_tokens":1,{field}"messages":[{{"role":"user","content":"x"}}]}}"#);
        decode(dialect, Bytes::from(body)).unwrap()
    }

    #[test]
    fn what_is_asked_for_may_be_served_and_so_may_the_standard() {
        let chat = |field: &str| possible(&asked(Dialect::OpenAiChat, field)).to_vec();
        assert_eq!(chat(""), [Tier::Standard]);
        assert_eq!(chat(r#""service_tier":"default","#), [Tier::Standard]);
        assert_eq!(chat(r#""service_tier":"fast","#), [Tier::Standard, Tier::Priority]);
        assert_eq!(chat(r#""service_tier":"flex","#), [Tier::Standard, Tier::Flex]);
        assert!(chat(r#""service_tier":"auto","#).contains(&Tier::Priority));
        let fast = asked(Dialect::AnthropicMessages, r#""speed":"fast","#);
        assert_eq!((possible(&fast), named(&fast)), (&[Tier::Standard, Tier::Priority][..], Tier::Priority));
    }
}
