//! Whether the formatter writes what `terraform fmt` writes, byte for byte.
//!
//! The corpus is pairs of files: `NAME.in` as somebody may have written it, `NAME.out` as recorded. The names that
//! begin with `drawn_` come from [`generate`], the others are made by hand, one construct or one real-looking module
//! each.
//! [`scramble`] goes beyond it where the real program is at hand: it moves blanks, line breaks and comments of the
//! corpus about and compares the answers.

mod expression;
mod generate;
mod scramble;
mod style;

pub(crate) use scramble::command;

use crate::oracle::Terraform;
use crate::suite::{Outcome, path};
use sim::Rng;
use std::collections::BTreeMap;
use std::path::Path;
use value::SourceId;

/// Where the pairs are.
pub(crate) const CORPUS: &str = "crates/definition/tests/format";

/// How many inputs are drawn from seeds when the corpus is recorded.
const DRAWN: u64 = 220;

/// What drawing is for; other purposes draw other numbers from the same seed.
const PURPOSE_GENERATE: u64 = 1;

/// Compares the whole corpus.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for (name, input) in inputs()? {
        let recorded = read(&format!("{name}.out"))?;
        let given = formatted(&input);
        if given.as_deref() == Ok(&*recorded) {
            outcome.passed += 1;
        } else {
            let (recorded, given) = first_difference(&recorded, &given);
            outcome.differ(&name, &recorded, &given);
        }
    }
    Ok(outcome)
}

/// Draws the inputs that come from seeds and asks for all answers. What the real program refuses is drawn in vain.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let drawn = |seed| {
        let text = generate::file(&mut Rng::new(seed, PURPOSE_GENERATE));
        (format!("drawn_{seed:03}"), text)
    };
    let drawn: BTreeMap<String, String> = (0..DRAWN * 2).map(drawn).collect();
    let mut accepted = 0;
    for (name, answer) in answers(terraform, &drawn)? {
        let input = drawn
            .get(&name)
            .filter(|_| answer.is_ok() && accepted < DRAWN);
        if let Some(input) = input {
            accepted += 1;
            write(&format!("{name}.in"), input)?;
        }
    }
    let inputs = inputs()?;
    for (name, answer) in answers(terraform, &inputs)? {
        let answer = answer.map_err(|said| format!("{name} is refused: {said}"))?;
        write(&format!("{name}.out"), &answer)?;
    }
    Ok(inputs.len())
}

/// All inputs of the corpus by their names.
fn inputs() -> Result<BTreeMap<String, String>, String> {
    let place = path(CORPUS);
    let entries =
        std::fs::read_dir(&place).map_err(|error| format!("cannot list {CORPUS}: {error}"))?;
    let mut inputs = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("cannot list {CORPUS}: {error}"))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix(".in") {
            inputs.insert(name.to_owned(), read(&file)?);
        }
    }
    Ok(inputs)
}

fn read(file: &str) -> Result<String, String> {
    crate::suite::read(&format!("{CORPUS}/{file}"))
}

fn write(file: &str, text: &str) -> Result<(), String> {
    crate::suite::write(&format!("{CORPUS}/{file}"), text)
}

/// What our formatter makes of a text, or why it refuses it.
fn formatted(text: &str) -> Result<String, String> {
    definition::format(text, SourceId(0)).map_err(|found| {
        let told = found
            .iter()
            .map(|one| format!("{} {}: {}", one.code, one.summary, one.detail));
        told.collect::<Vec<_>>().join(" | ")
    })
}

/// What the real program makes of texts, or why it refuses one. All of them are asked for at once.
fn answers(
    terraform: &Terraform,
    inputs: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Result<String, String>>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = |name: &str| directory.path().join(format!("{name}.tf"));
    for (name, text) in inputs {
        std::fs::write(file(name), text).map_err(|error| error.to_string())?;
    }
    let output = terraform.run(directory.path(), &["fmt", "-no-color", "-list=false"], "")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = |name: &String| {
        let at = said.find(&format!(" on {name}.tf line "));
        match at {
            Some(at) => Ok(Err(said
                .get(at..)
                .unwrap_or(&said)
                .chars()
                .take(400)
                .collect())),
            None => text_of(&file(name)).map(Ok),
        }
    };
    inputs
        .keys()
        .map(|name| Ok((name.clone(), answer(name)?)))
        .collect()
}

fn text_of(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// The first line in which two answers differ, with its number.
fn first_difference(recorded: &str, given: &Result<String, String>) -> (String, String) {
    let given = match given {
        Ok(given) => given,
        Err(refused) => return ("a formatted text".to_owned(), refused.clone()),
    };
    let lines = |text: &str| {
        text.split_inclusive('\n')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (recorded, given) = (lines(recorded), lines(given));
    let same = recorded
        .iter()
        .zip(&given)
        .take_while(|(one, other)| one == other)
        .count();
    let shown = |lines: &[String]| match lines.get(same) {
        Some(line) => format!("line {}: {line:?}", same + 1),
        None => format!("the end after {same} lines"),
    };
    (shown(&recorded), shown(&given))
}
