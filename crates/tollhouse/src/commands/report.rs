//! `tollhouse report`: figures from the ledger, also while the gateway runs.

use reports::{Format, Query};

use crate::cli::{Report, ReportArgs, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::{house, output};

pub fn run(report: Report) -> Outcome {
    let made = match &report {
        Report::Volume(args) => reports::volume(&mut |each| house::scan(&args.data.data, each), query(args)?),
        Report::Cost(args) => reports::cost(&mut |each| house::scan(&args.data.data, each), query(args)?),
    }?;
    let (Report::Volume(args) | Report::Cost(args)) = report;
    output::data(&made.render(match args.format {
        Shape::Table => Format::Table,
        Shape::Json => Format::Json,
        Shape::Csv => Format::Csv,
    }))?;
    Ok(Exit::Done)
}

fn query(args: &ReportArgs) -> Result<Query, Failure> {
    Query::read(&args.by, &args.from, &args.to, &args.zone, &args.filter).map_err(Failure::wrong)
}
