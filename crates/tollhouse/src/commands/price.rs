//! `tollhouse price`: the charge of a usage, line by line.

use std::fmt::Write as _;

use jiff::Timestamp;
use prices::{Book, Books, Moment, PlanRef, Rated, Tier};
use serde_json::json;
use tokens::Tokens;

use crate::cli::{Price, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::output;

pub fn run(args: &Price) -> Outcome {
    let used: Tokens = serde_json::from_str(&args.usage).map_err(|error| {
        Failure::wrong(format_args!(
            "--usage: {error}\n  fix: write counts by kind, such as {{\"input\":1000,\"output\":200}}"
        ))
    })?;
    let tier: Tier = args.tier.parse().map_err(|error| Failure::wrong(format_args!("--tier: {error}")))?;
    let at = match &args.at {
        None => Timestamp::now(),
        Some(text) => text.parse().map_err(|error| {
            Failure::wrong(format_args!(
                "--at: {error}\n  fix: write an RFC 3339 time, such as 2026-11-24T03:00:00Z"
            ))
        })?,
    };
    let plan = plan(args, &books(args)?)?;
    match plan.explain(Moment::at(at), tier, &used) {
        Ok(rated) => show(args.format, &plan, &rated).map(|()| Exit::Done),
        Err(unpriced) => {
            let (code, message) = ("price_unknown", unpriced.to_string());
            match args.format {
                Shape::Json => {
                    output::data(&json!({ "error": { "code": code, "message": message } }).to_string())?;
                }
                Shape::Csv | Shape::Table => output::tell(format_args!("tollhouse: {code}: {message}")),
            }
            Ok(Exit::No)
        }
    }
}

fn books(args: &Price) -> Result<Books, Failure> {
    let files = match &args.book {
        Some(path) => {
            let json = std::fs::read(path);
            vec![(
                path.display().to_string(),
                json.map_err(|error| Failure::could_not(format_args!("{}: {error}", path.display())))?,
            )]
        }
        None => config::built_in_books().into_iter().map(|file| (file.name, file.json)).collect(),
    };
    let mut books = Vec::new();
    for (name, json) in files {
        let book = Book::parse(&json).map_err(|error| Failure::could_not(format_args!("{name}: {error}")))?;
        books.push((name, book));
    }
    Books::new(books).map_err(Failure::could_not)
}

fn plan(args: &Price, books: &Books) -> Result<PlanRef, Failure> {
    if let Some(id) = &args.plan {
        let known = || books.plans().iter().map(|plan| plan.id().to_string()).collect::<Vec<_>>().join(", ");
        return books
            .plan(id)
            .ok_or_else(|| Failure::wrong(format_args!("no plan `{id}`; the books have {}", known())));
    }
    let model = args.model.as_deref().unwrap_or_default();
    let found = books.find(args.provider.as_deref(), model, args.site.as_deref());
    match found.as_slice() {
        [plan] => Ok(PlanRef::clone(plan)),
        [] => Err(Failure::wrong(format_args!("no plan of the books covers model `{model}` there"))),
        several => {
            let ids = several.iter().map(|plan| plan.id().to_string()).collect::<Vec<_>>().join(", ");
            Err(Failure::wrong(format_args!(
                "several plans cover `{model}`: {ids}\n  fix: name one by --plan"
            )))
        }
    }
}

fn show(format: Shape, plan: &PlanRef, rated: &Rated) -> Result<(), Failure> {
    let (amount, currency) = (rated.charge.amount, rated.charge.currency);
    match format {
        Shape::Json => output::data(
            &json!({
                "charge_nano": amount.0.to_string(),
                "currency": currency,
                "plan": &**plan.id(),
                "book_version": &*rated.book_version,
                "lines": rated.lines,
            })
            .to_string(),
        ),
        Shape::Csv => {
            let mut text = "kind,count,rate_id,price,per,amount,currency\n".to_owned();
            for line in &rated.lines {
                let cells = [
                    line.kind.name(),
                    &line.count.to_string(),
                    &line.rate_id,
                    &line.price,
                    &line.per.to_string(),
                    &line.exact,
                    currency.code(),
                ];
                text += &cells.map(reports::csv_cell).join(",");
                text.push('\n');
            }
            output::data(&text)
        }
        Shape::Table => {
            let mut text = format!("plan {} (book {})\n", plan.id(), rated.book_version);
            for line in &rated.lines {
                let _ = writeln!(
                    text,
                    "  {:>12} {:<16} × {} / {} = {} {currency}   [{}]",
                    line.count,
                    line.kind.name(),
                    line.price,
                    line.per,
                    line.exact,
                    line.rate_id
                );
            }
            let _ = write!(
                text,
                "charge {amount} {currency} (sum {} rounded once to 10^-9, half to even)",
                rated.exact
            );
            output::data(&text)
        }
    }
}
