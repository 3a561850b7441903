//! What the console prints, line for line: values and their types.
//!
//! A case is `> expression` and the lines of its answer. Expressions refer to nothing.

use crate::oracle::Terraform;
use crate::suite::{Outcome, read, write};
use definition::{Console, Nothing};
use model::{Module, Release};
use value::SourceId;

/// The cases with their answers.
pub(crate) const PLACE: &str = "sim/conformance/console.txt";

/// Compares all answers.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for (expression, recorded) in cases(&read(PLACE)?) {
        outcome.compare(expression, recorded, &answer(expression));
    }
    Ok(outcome)
}

/// Asks for all answers.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let text = read(PLACE)?;
    let mut out: String = text
        .lines()
        .take_while(|line| !line.starts_with("> "))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut count = 0;
    for (expression, _) in cases(&text) {
        let answer = terraform.console(directory.path(), expression)?;
        let answer = answer.map_err(|said| format!("{expression}: {said}"))?;
        out += &format!("> {expression}\n{answer}\n");
        count += 1;
    }
    write(PLACE, &out)?;
    Ok(count)
}

fn cases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let cases = text.split("\n> ").skip(1);
    cases.map(|case| {
        // A new case has no answer yet.
        let (expression, answer) = case.split_once('\n').unwrap_or((case, ""));
        (expression, answer.strip_suffix('\n').unwrap_or(answer))
    })
}

fn answer(expression: &str) -> String {
    let release = Release {
        modules: vec![Module::default()],
        ..Release::default()
    };
    let asked = Console::new(&release, &[]).read(expression, SourceId(0));
    let shown = asked.and_then(|asked| {
        let value = asked.expr.evaluate(&Nothing)?;
        Ok(if asked.wants_type {
            value.ty().render_lines()
        } else {
            value.render_lines()
        })
    });
    shown.unwrap_or_else(|found| {
        let told = found
            .iter()
            .map(|one| format!("{} {}", one.summary, one.detail));
        told.collect::<Vec<_>>().join(" | ")
    })
}
