//! `tollhouse count`: the tokens of a text.

use std::io::Read as _;

use serde_json::json;
use tokens::counter_for;

use crate::cli::{Count, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::output;

pub fn run(args: &Count) -> Outcome {
    let bytes = if let Some(path) = &args.file {
        std::fs::read(path)
            .map_err(|error| Failure::could_not(format_args!("{}: {error}", path.display())))?
    } else {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Failure::could_not(format_args!("standard input: {error}")))?;
        bytes
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::wrong(format_args!("the text is no UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
    })?;
    let counter = counter_for(&args.model);
    let (count, tokenizer) = (counter.tokenizer.count(&text), counter.tokenizer.name());
    match args.format {
        Shape::Json => output::data(
            &json!({ "tokens": count, "tokenizer": tokenizer, "exact": counter.exact }).to_string(),
        )?,
        Shape::Csv => {
            output::data(&format!("tokens,tokenizer,exact\n{count},{tokenizer},{}", counter.exact))?;
        }
        Shape::Table if counter.exact => output::data(&format!("{count} tokens ({tokenizer})"))?,
        Shape::Table => output::data(&format!(
            "{count} tokens by {tokenizer}, a stand-in: the vocabulary of {} is not at hand, so this is an estimate",
            args.model
        ))?,
    }
    Ok(Exit::Done)
}
