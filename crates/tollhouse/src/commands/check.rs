//! `tollhouse check`: is the configuration whole?

use config::{Config, Problem, Severity, System};
use serde_json::json;

use crate::cli::{Check, Shape};
use crate::failure::{Exit, Outcome};
use crate::{house, output};

pub fn run(args: &Check) -> Outcome {
    let (problems, loaded) = match Config::load(&args.config, &System) {
        Ok(loaded) => (loaded.warnings.clone(), Some(loaded)),
        Err(problems) => (problems, None),
    };
    // What the checks let through must also compose: the gateway never finds out later.
    if let Some(loaded) = &loaded {
        house::composes(&loaded.config)?;
    }
    let ok = loaded.is_some();
    match args.format {
        Shape::Json => {
            let problems: Vec<_> = problems.iter().map(record).collect();
            output::data(&json!({ "ok": ok, "problems": problems }).to_string())?;
        }
        Shape::Csv => {
            let mut text = "severity,file,line,column,key,message,fix\n".to_owned();
            for problem in &problems {
                let (line, column) = (problem.line.to_string(), problem.column.to_string());
                let severity = severity(problem).to_owned();
                let cells =
                    [&severity, &problem.file, &line, &column, &problem.key, &problem.message, &problem.fix];
                text += &cells.map(|cell| reports::csv_cell(cell)).join(",");
                text.push('\n');
            }
            output::data(&text)?;
        }
        Shape::Table => {
            for problem in &problems {
                output::data(&problem.to_string())?;
            }
            let file = args.config.display();
            match loaded {
                Some(loaded) => output::data(&format!(
                    "{file}: ok; {} offers, {} models, {} projects, {} keys, {} budgets",
                    loaded.config.offers.len(),
                    loaded.config.models.len(),
                    loaded.config.projects.len(),
                    loaded.config.keys.len(),
                    loaded.config.budgets.len(),
                ))?,
                None => output::tell(format_args!(
                    "{file}: {} problem{}",
                    problems.len(),
                    if problems.len() == 1 { "" } else { "s" }
                )),
            }
        }
    }
    Ok(if ok { Exit::Done } else { Exit::No })
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn record(problem: &Problem) -> serde_json::Value {
    json!({
        "severity": severity(problem),
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
        "fix": problem.fix,
    })
}
