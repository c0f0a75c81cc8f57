//! Counts against those of tiktoken (see `data/SOURCE.md`), and the law that memory changes nothing.
#![allow(missing_docs)]

use proptest::prelude::*;
use serde_json::Value;
use tokens::Tokenizer;

const BOTH: [Tokenizer; 2] = [Tokenizer::O200k, Tokenizer::Cl100k];

#[test]
fn counts_are_tiktokens() {
    let file: Value = serde_json::from_str(include_str!("data/tokenizer_vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 50);
    for vector in vectors {
        let text = vector["text"].as_str().unwrap();
        for tokenizer in BOTH {
            let expected = vector["counts"][tokenizer.name()].as_u64().unwrap();
            // Twice: counted, and remembered.
            for _ in 0..2 {
                assert_eq!(tokenizer.count(text), expected, "{} of {text:?}", tokenizer.name());
            }
        }
    }
}

proptest! {
    /// What was counted before must not change what is counted now.
    #[test]
    fn memory_changes_nothing(texts in prop::collection::vec("\\PC{0,40}", 1..8)) {
        let plain = |text: &str| bpe_openai::o200k_base().count(text) as u64;
        for text in &texts {
            prop_assert_eq!(Tokenizer::O200k.count(text), plain(text));
        }
    }
}
