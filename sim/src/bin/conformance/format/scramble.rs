//! Texts of the corpus with their blanks, line breaks and comments moved about, given to both programs.
//!
//! What comes out need not be well-formed: then both must refuse it. Only where the real program breaks what it formats
//! (see the formatter's own documentation) another answer is meant; those are told apart by formatting its answer
//! again.

use super::{answers, first_difference, formatted, inputs};
use crate::oracle::Terraform;
use sim::Rng;
use std::collections::BTreeMap;

/// What drawing is for; other purposes draw other numbers from the same seed.
const PURPOSE_SCRAMBLE: u64 = 2;

/// Texts given to the real program at once.
const BATCH: u64 = 1_000;

/// What operators and separators are made of.
const OPERATORS: &str = "=+-*/%?:&|<>!.,$~";

/// What opens and closes.
const BRACKETS: &str = "{}[]()";

/// Differences that are printed.
const PRINTED_MAX: usize = 20;

/// Scrambles so many texts from a seed on and prints what differs; whether nothing did.
pub(crate) fn command(terraform: &Terraform, count: u64, seed: u64) -> Result<bool, String> {
    let corpus: Vec<String> = inputs()?.into_values().collect();
    let mut told = Vec::new();
    let (mut same, mut refused, mut broken) = (0, 0, 0);
    for start in (0..count).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let seeds = seed + start..seed + count.min(start + BATCH);
        let texts: BTreeMap<String, String> = seeds
            .map(|seed| (format!("s{seed}"), scrambled(&corpus, seed)))
            .collect();
        for (name, answer) in answers(terraform, &texts)? {
            let given = formatted(texts.get(&name).map_or("", String::as_str));
            match (answer, given) {
                (Err(_), Err(_)) => refused += 1,
                (Ok(answer), given) if given.as_ref() == Ok(&answer) => same += 1,
                (Ok(answer), Ok(_)) if formatted(&answer).is_err() => broken += 1,
                (Ok(answer), given) => {
                    let (recorded, given) = first_difference(&answer, &given);
                    told.push(format!(
                        "  {name}\n    terraform {recorded}\n    given     {given}"
                    ));
                }
                (Err(said), Ok(_)) => told.push(format!(
                    "  {name}\n    terraform refuses it:{said}\n    given     a text"
                )),
            }
        }
    }
    println!(
        "{same} the same, {refused} refused by both, {broken} that terraform breaks, {} different",
        told.len()
    );
    for one in told.iter().take(PRINTED_MAX) {
        println!("{one}");
    }
    Ok(told.is_empty())
}

fn scrambled(corpus: &[String], seed: u64) -> String {
    let mut rng = Rng::new(seed, PURPOSE_SCRAMBLE);
    let text = rng.pick(corpus).cloned().unwrap_or_default();
    let per_mille = rng.pick(&[10, 50, 200]).copied().unwrap_or(10);
    let moves_lines = rng.chance(300);
    let mut out = String::with_capacity(text.len() * 2);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if rng.chance(per_mille) {
            // What is between two characters of one operator takes it apart.
            let is_open = [out.chars().next_back(), characters.peek().copied()]
                .map(|beside| !beside.is_some_and(|beside| OPERATORS.contains(beside)));
            disturb(&mut out, character, is_open, moves_lines, &mut rng);
        } else {
            out.push(character);
        }
    }
    if rng.chance(50) {
        out.truncate(out.trim_end_matches('\n').len());
    }
    if rng.chance(50) {
        out.push_str("   ");
    }
    if rng.chance(100) {
        out.replace('\n', "\r\n")
    } else {
        out
    }
}

/// One character with something around it, or something else in its place. Before and after it, only where it is open.
fn disturb(
    out: &mut String,
    character: char,
    is_open: [bool; 2],
    moves_lines: bool,
    rng: &mut Rng,
) {
    let blanks = ["", "  ", "    ", "\t"];
    let any_blanks = |rng: &mut Rng| rng.pick(&blanks).copied().unwrap_or("");
    match character {
        ' ' => out.push_str(any_blanks(rng)),
        '\n' => {
            let comment = rng
                .pick(&["", "", "", " # c", " //", " /* c */", " #"])
                .copied();
            out.push_str(comment.unwrap_or(""));
            out.push_str(any_blanks(rng));
            if !(moves_lines && rng.chance(200)) {
                out.push('\n');
                let more = rng.pick(&["", "", "\n", "  \n", "# c\n", "\t"]).copied();
                out.push_str(more.unwrap_or(""));
            }
        }
        _ if OPERATORS.contains(character) || BRACKETS.contains(character) => {
            if is_open[0] {
                out.push_str(any_blanks(rng));
                out.push_str(if rng.chance(60) { "/* c */" } else { "" });
            }
            out.push(character);
            if is_open[1] {
                out.push_str(any_blanks(rng));
            }
            if "{[(,".contains(character) && rng.chance(if moves_lines { 300 } else { 20 }) {
                let more = rng.pick(&["\n", "# c\n", "\n\n"]).copied();
                out.push_str(more.unwrap_or(""));
            }
        }
        _ => out.push(character),
    }
}
