//! `language --fuzz`: drawn expressions, answered by the real program and by ours. Each difference is printed with the
//! seed that draws it again and made as small as it goes while it stays a difference of its kind.

mod draw;
mod tree;
mod words;

use crate::answer::Answer;
use crate::batch;
use crate::oracle::Terraform;
use crate::ours::{Fixtures, Ours};
use sim::Rng;
use tree::Drawn;

/// What the draws of expressions are for.
const PURPOSE: u64 = 0x65_78_70_72;

/// Expressions that are asked for at once.
const AT_ONCE: u64 = 400;

/// Smaller forms that are asked for at once.
const SMALLER_MAX: usize = 200;

/// Steps towards a smaller form; each of them is smaller, so they end by themselves long before.
const STEPS_MAX: usize = 40;

/// A drawn expression that two programs answer differently.
struct Difference {
    seed: u64,
    drawn: Drawn,
}

/// Compares so many expressions from a seed on; whether all answers agree.
pub(crate) fn command(
    terraform: &Terraform,
    fixtures: &Fixtures,
    count: u64,
    seed: u64,
    differences_max: usize,
) -> Result<bool, String> {
    let ours = Ours::new(fixtures);
    let (mut total, mut values, mut found, mut unanswered) = (0, 0, 0, 0);
    let end = seed.saturating_add(count);
    let mut at = seed;
    while at < end {
        let seeds = at..end.min(at + AT_ONCE);
        at = seeds.end;
        let drawn: Vec<Difference> = seeds
            .map(|seed| Difference {
                seed,
                drawn: draw::expression(&mut Rng::new(seed, PURPOSE)),
            })
            .collect();
        let texts: Vec<String> = drawn.iter().map(|one| one.drawn.text()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let answers = ask(terraform, fixtures, &texts);
        for ((one, text), answer) in drawn.iter().zip(&texts).zip(&answers) {
            let Some(answer) = answer else {
                unanswered += 1;
                println!("terraform gives no answer to seed {}:\n  {text}", one.seed);
                continue;
            };
            total += 1;
            values += u64::from(answer.is_value());
            if agree(text, answer, &ours) {
                continue;
            }
            found += 1;
            if found <= differences_max {
                let small = smallest(terraform, fixtures, &ours, &one.drawn, answer);
                print_difference(terraform, fixtures, &ours, one, &small);
            }
        }
    }
    println!("{total} expressions answered, {values} of them by values; {found} answers differ");
    if unanswered > 0 {
        println!("{unanswered} expressions without an answer");
    }
    Ok(found == 0)
}

/// Answers each line of standard input, an expression; whether all answers agree.
pub(crate) fn answer_lines(terraform: &Terraform, fixtures: &Fixtures) -> Result<bool, String> {
    let input = std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string())?;
    let texts: Vec<&str> = input.lines().filter(|line| !line.is_empty()).collect();
    let ours = Ours::new(fixtures);
    let mut agree = true;
    for (text, answer) in texts.iter().zip(ask(terraform, fixtures, &texts)) {
        let given = ours.answer(text);
        println!("> {text}");
        let recorded = answer.map(|answer| answer.lines()).unwrap_or_default();
        recorded.iter().for_each(|line| println!("{line}"));
        if !given.agrees(&recorded) {
            agree = false;
            given
                .lines()
                .iter()
                .for_each(|line| println!("  ours {line}"));
        }
    }
    Ok(agree)
}

/// What the real program answers; none where it breaks off without an answer to this expression.
fn ask(terraform: &Terraform, fixtures: &Fixtures, texts: &[&str]) -> Vec<Option<Answer>> {
    match batch::ask(terraform, fixtures, texts) {
        Ok(answers) => answers.into_iter().map(Some).collect(),
        Err(_) if texts.len() > 1 => {
            let (first, second) = texts.split_at(texts.len() / 2);
            let mut answers = ask(terraform, fixtures, first);
            answers.extend(ask(terraform, fixtures, second));
            answers
        }
        Err(_) => texts.iter().map(|_| None).collect(),
    }
}

/// Whether two answers are the same for this purpose: the same value, or faults among which ours has one at the place
/// of the first that the real program points out. What follows from it depends on what is made of a part that could not
/// be computed, and ours has its own words: both are compared by recorded cases.
fn agree(text: &str, theirs: &Answer, ours: &Ours<'_>) -> bool {
    let given = ours.answer(text);
    if are_alike(theirs, &given) || is_kept(text, theirs, &given) {
        return true;
    }
    // A release is compiled for all workspaces: what is wrong in each of them is said before anything else. Of the one
    // that was asked for both say the same.
    let in_one = text.replace("terraform.workspace", r#"{a="default" }["a"]"#);
    in_one != text && agree(&in_one, theirs, ours)
}

fn are_alike(theirs: &Answer, ours: &Answer) -> bool {
    if theirs.is_value() || ours.is_value() {
        return ours.agrees(&theirs.lines());
    }
    let ours_lines = ours.lines();
    let (theirs, ours) = (theirs.places(), ours.places());
    // A text in quotes that a template begins with is pointed out without its quotes, ours with them.
    let quoted = |place: &str| {
        let (start, end) = place.split_once("..")?;
        let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
        Some(format!("{}..{}", start.checked_sub(1)?, end + 1))
    };
    // Ours reads the files that a release carries before it computes anything.
    let reads = ours_lines
        .iter()
        .any(|line| line.contains("There is no readable file"));
    let first = if reads { theirs.len() } else { 1 };
    theirs.iter().take(first).any(|place| {
        let with_quotes = quoted(place).unwrap_or_default();
        ours.contains(place) || ours.contains(&with_quotes.as_str())
    })
}

/// Differences that are meant: what only ours says, and why.
const KEPT: &[(&str, &str)] = &[
    // What is not declared is found without computing anything.
    ("Unknown function: There is no function named", ""),
    // Which files there are is written down in a release, so which are meant cannot depend on what is found out later.
    ("it is not known which files", ""),
    // So is what is missing of them found before anything else is computed.
    ("There is no readable file", ""),
    // What can never become a map is not waited for.
    (
        "merge\" failed: arguments must be maps or objects",
        "= unknown",
    ),
    // Nor is what can never be a template.
    ("must be a direct reference to a single string", "= unknown"),
    (
        "only for rendering templates retrieved dynamically",
        "= unknown",
    ),
    // What can never be a list is not waited for.
    ("can only flatten lists, sets and tuples", ""),
    // There the address of a larger network that it may not begin, or no text at all.
    ("prefix extension must not be negative", ""),
    // There one that lies outside of the larger network.
    ("does not accommodate a subnet numbered -", ""),
    // There a call that panics as soon as there is something to combine.
    (
        "\"sets\" parameter of function \"setproduct\": all list elements must have the same type",
        "= list(tuple(",
    ),
    // There an infinity, which computes on and then cannot be kept in any state or JSON.
    ("dividing by zero is not allowed", ""),
    ("the result is not a finite number", ""),
];

/// Complaints of the real program that are mistakes of its own.
const NOT_FOLLOWED: &[&str] = &[
    "panic in function implementation",
    // The first part of a network that begins at zero.
    "not enough remaining address space",
    // An argument that has been converted is not of the type it was converted to: a set with what is not known in it,
    // that was to become a list, keeps its elements as they are.
    " required, but received ",
];

fn is_kept(text: &str, theirs: &Answer, ours: &Answer) -> bool {
    let (theirs, ours) = (theirs.lines(), ours.lines());
    let not_followed = |line: &String| NOT_FOLLOWED.iter().any(|said| line.contains(said));
    if theirs.iter().any(not_followed) {
        return true;
    }
    // What is not known yet has nothing to hide; where the other forgets its marks, ours keeps them.
    let plain = |lines: &[String]| {
        lines
            .iter()
            .map(|line| open_unknowns(line))
            .collect::<Vec<_>>()
    };
    if plain(&theirs) == plain(&ours) {
        return true;
    }
    let hidden = |line: &String| line.replacen("= ", "= sensitive(", 1) + ")";
    if text.contains("unknown") && theirs.iter().map(hidden).eq(ours.iter().cloned()) {
        return true;
    }
    // For the same reason (` required, but received `) such a set is no list of the type that it was to become.
    let is_open = |lines: &[String]| lines.iter().any(|line| line.contains("unknown list("));
    let is_refused = |lines: &[String]| {
        lines
            .iter()
            .any(|line| line.contains(" of any single type"))
    };
    if (is_open(&ours) && is_refused(&theirs))
        || (is_open(&theirs) && is_refused(&ours))
        || (is_open(&ours) && without_types_of_lists(&theirs) == without_types_of_lists(&ours))
    {
        return true;
    }
    // A null of no type makes an unknown value there that never becomes known; ours formats it.
    let calls = |name: &str| text.contains(&format!("{name}("));
    let has_null = text.contains("null") || calls("one");
    if has_null
        && (calls("format") || calls("formatlist"))
        && theirs.iter().any(|line| line.contains("unknown"))
    {
        return true;
    }
    // An infinity there is a value like others; ours says what made it.
    if theirs
        .iter()
        .any(|line| line.contains("cannot serialize infinity"))
        || (calls("can") && text.contains('/') && theirs == ["= true"] && ours == ["= false"])
    {
        return true;
    }
    // A call that panics has any type there (` panic in function implementation`), also on the side of a conditional
    // that is not chosen.
    if has_null && calls("merge") && is_inconsistent(&ours) && !is_inconsistent(&theirs) {
        return true;
    }
    // A zero of theirs has a sign, as what -0.0 is called; ours is a number.
    let unsigned: Vec<String> = theirs
        .iter()
        .map(|line| without_signed_zeros(line))
        .collect();
    if unsigned == ours {
        return true;
    }
    if forgets_marks(text, &theirs, &ours) {
        return true;
    }
    if are_kept_numbers(text, &theirs, &ours) {
        return true;
    }
    KEPT.iter().any(|(said, instead_of)| {
        ours.iter().any(|line| line.contains(said))
            && (instead_of.is_empty()
                || plain(&theirs)
                    .iter()
                    .any(|line| line.starts_with(instead_of)))
    })
}

/// A set there forgets that a null in it is sensitive; ours does not.
fn forgets_marks(text: &str, theirs: &[String], ours: &[String]) -> bool {
    let open = |lines: &[String]| lines.join("\n").replace("sensitive(", "").replace(')', "");
    let marks = |lines: &[String]| lines.join("\n").matches("sensitive(").count();
    let null_in_set = |line: &String| text.contains("set") && line.contains("null ");
    theirs.iter().any(null_in_set) && marks(theirs) < marks(ours) && open(theirs) == open(ours)
}

/// Whether an answer complains of a conditional with two types.
fn is_inconsistent(lines: &[String]) -> bool {
    let mut lines = lines.iter();
    lines.any(|line| line.contains("Inconsistent conditional result types"))
}

/// Whether the numbers in two answers differ as they are meant to.
fn are_kept_numbers(text: &str, theirs: &[String], ours: &[String]) -> bool {
    // What was computed as a double is to us what its shortest text says, as it is to both once it was in a state.
    let by_doubles = ["pow(", "log("].iter().any(|call| text.contains(call));
    if by_doubles && roughly(theirs) == roughly(ours) {
        return true;
    }
    // Numbers that count something have 64 bits there, so that 1 / 3 of such numbers, times 3, is not 1.
    let counts = [
        "length(",
        "parseint(",
        "timecmp(",
        "signum(",
        "index(",
        "range(",
        "k, v",
    ];
    let by_counts = text.contains('/') && counts.iter().any(|count| text.contains(count));
    if by_counts && roughly(theirs) == roughly(ours) {
        return true;
    }
    // What is compared with an infinity has an answer there, which cannot be null.
    let perhaps_null = |lines: &[String]| lines.join("\n").replace(" not null", "");
    (by_doubles || text.contains('/')) && perhaps_null(theirs) == perhaps_null(ours)
}

/// Lines with every number rounded to what doubles have in common that were computed in different ways.
fn roughly(lines: &[String]) -> Vec<String> {
    let is_of_number = |character: char| character.is_ascii_digit() || character == '.';
    let round = |line: &String| {
        let mut rounded = String::new();
        let mut rest = line.as_str();
        while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
            let (before, from) = rest.split_at(at);
            let end = from.find(|c| !is_of_number(c)).unwrap_or(from.len());
            let (number, after) = from.split_at(end);
            rounded.push_str(before);
            match number.parse::<f64>() {
                Ok(exact) => rounded.push_str(&format!("{exact:.12e}")),
                Err(_) => rounded.push_str(number),
            }
            rest = after;
        }
        rounded + rest
    };
    lines.iter().map(round).collect()
}

/// Lines that do not say of which type a list will be that is not known yet.
fn without_types_of_lists(lines: &[String]) -> Vec<String> {
    const OPEN: &str = "unknown list(";
    let plain = |line: &String| {
        let mut parts = line.split(OPEN);
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let mut depth = 1;
            let end = part.find(|one: char| {
                depth += i32::from(one == '(') - i32::from(one == ')');
                depth == 0
            });
            plain += OPEN;
            plain += part.get(end.unwrap_or(part.len())..).unwrap_or_default();
        }
        plain
    };
    lines.iter().map(plain).collect()
}

/// A line with `0` in place of every `-0` that is no part of a longer number.
fn without_signed_zeros(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("-0") {
        let (before, after) = rest.split_at(at);
        let digits = after.strip_prefix("-0").unwrap_or_default();
        let is_zero = !digits.starts_with(|one: char| one.is_ascii_digit() || one == '.')
            && !before.ends_with(|one: char| one.is_alphanumeric());
        plain += before;
        plain += if is_zero { "0" } else { "-0" };
        rest = digits;
    }
    plain + rest
}

/// The line of a value without marks around what is unknown.
fn open_unknowns(line: &str) -> String {
    const HIDDEN: &str = "sensitive(unknown ";
    let mut line = line.to_owned();
    while let Some(at) = line.find(HIDDEN) {
        let opened = at + "sensitive(".len();
        let (mut depth, mut quoted, mut escaped) = (1, false, false);
        let end = line.get(opened..).unwrap_or_default().find(|one: char| {
            match one {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some(end) = end else { break };
        line.remove(opened + end);
        line.replace_range(at..opened, "");
    }
    line
}

/// The kinds of a difference, so that a smaller form is not another one.
fn kind(theirs: &Answer, ours: &Answer) -> (bool, bool, bool) {
    let places = theirs.places() == ours.places();
    (theirs.is_value(), ours.is_value(), places)
}

/// The smallest form of a difference that is found by making it simpler step by step.
fn smallest(
    terraform: &Terraform,
    fixtures: &Fixtures,
    ours: &Ours<'_>,
    drawn: &Drawn,
    answer: &Answer,
) -> Drawn {
    let wanted = kind(answer, &ours.answer(&drawn.text()));
    let mut best = drawn.clone();
    for _ in 0..STEPS_MAX {
        let mut candidates = best.smaller();
        candidates.truncate(SMALLER_MAX);
        let texts: Vec<String> = candidates.iter().map(Drawn::text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let answers = ask(terraform, fixtures, &texts);
        let mut differing = candidates.iter().zip(&texts).zip(&answers);
        let next = differing.find(|((_, text), answer)| {
            answer.as_ref().is_some_and(|answer| {
                !agree(text, answer, ours) && kind(answer, &ours.answer(text)) == wanted
            })
        });
        match next {
            Some(((smaller, _), _)) => best = smaller.clone(),
            None => break,
        }
    }
    best
}

fn print_difference(
    terraform: &Terraform,
    fixtures: &Fixtures,
    ours: &Ours<'_>,
    one: &Difference,
    small: &Drawn,
) {
    let text = small.text();
    println!("seed {}: {}", one.seed, one.drawn.text());
    println!("> {}", text.replace('\n', "\n. "));
    if let [Some(answer)] = ask(terraform, fixtures, &[&text]).as_slice() {
        answer.lines().iter().for_each(|line| println!("{line}"));
    }
    for line in ours.answer(&text).lines() {
        println!("  ours {line}");
    }
    println!();
}
