//! What an image counts: the vendors' published rules for the size that can be read from the request itself.
//!
//! OpenAI ("Images and vision" guide, tile rule of gpt-4o): `detail: low` 85; else the picture is shrunk into
//! 2048 × 2048, then until its shorter side is at most 768, and costs 85 + 170 for each 512 × 512 tile.
//! Anthropic ("Vision" guide): width × height / 750, rounded up, after shrinking the longer side to 1568.
//! A size that cannot be read (a link, a JPEG) counts as 1024 × 1024.

const UNKNOWN: (u64, u64) = (1024, 1024);

/// Tokens of an OpenAI `image_url` part.
pub(crate) fn openai_tokens(url: &str, detail: Option<&str>) -> u64 {
    if detail == Some("low") {
        return 85;
    }
    let encoded =
        url.strip_prefix("data:").and_then(|data| data.split_once(";base64,")).map(|(_, encoded)| encoded);
    openai_rule(encoded.and_then(size).unwrap_or(UNKNOWN))
}

/// Tokens of an Anthropic `image` block; `encoded` is its base64 data, if it has any.
pub(crate) fn anthropic_tokens(encoded: Option<&str>) -> u64 {
    anthropic_rule(encoded.and_then(size).unwrap_or(UNKNOWN))
}

fn openai_rule((mut width, mut height): (u64, u64)) -> u64 {
    let longer = width.max(height);
    if longer > 2048 {
        (width, height) = (width * 2048 / longer, height * 2048 / longer);
    }
    let shorter = width.min(height);
    if shorter > 768 {
        (width, height) = (width * 768 / shorter, height * 768 / shorter);
    }
    85 + 170 * width.div_ceil(512).max(1) * height.div_ceil(512).max(1)
}

fn anthropic_rule((mut width, mut height): (u64, u64)) -> u64 {
    let longer = width.max(height);
    if longer > 1568 {
        (width, height) = (width * 1568 / longer, height * 1568 / longer);
    }
    (width * height).div_ceil(750)
}

/// Width and height from the head of a base64 PNG or GIF.
fn size(encoded: &str) -> Option<(u64, u64)> {
    let head = decode(encoded.as_bytes().get(..32)?);
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        let side =
            |from: usize| Some(u64::from(u32::from_be_bytes(head.get(from..from + 4)?.try_into().ok()?)));
        return Some((side(16)?, side(20)?));
    }
    if head.starts_with(b"GIF8") {
        let side =
            |from: usize| Some(u64::from(u16::from_le_bytes(head.get(from..from + 2)?.try_into().ok()?)));
        return Some((side(6)?, side(8)?));
    }
    None
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in encoded {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        held = (held << 6 | u32::from(value)) & 0xFF_FFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let [.., byte] = (held >> bits).to_be_bytes();
            decoded.push(byte);
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked examples of the two vendors' guides.
    #[test]
    fn the_rules_give_the_vendors_examples() {
        assert_eq!(openai_rule((1024, 1024)), 765);
        assert_eq!(openai_rule((2048, 4096)), 1105);
        assert_eq!(openai_tokens("https://example.com/a.png", Some("low")), 85);
        assert_eq!(anthropic_rule((200, 200)), 54);
        assert_eq!(anthropic_rule((1000, 1000)), 1334);
        assert_eq!(anthropic_rule((1092, 1092)), 1590);
    }

    /// The one-pixel PNG that is all over the web.
    #[test]
    fn a_size_is_read_from_a_picture() {
        let dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        assert_eq!(size(dot), Some((1, 1)));
        assert_eq!(size("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="), Some((1, 1)));
        assert_eq!(openai_tokens(&format!("data:image/png;base64,{dot}"), None), 255);
        assert_eq!(anthropic_tokens(Some(dot)), 1);
        assert_eq!(size("/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgID"), None);
    }
}
