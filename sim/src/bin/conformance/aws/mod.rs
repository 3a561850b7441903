//! Terraform's provider for AWS, run by both programs over directories of real resources: whether plans, objects and
//! what is planned next are the same.
//!
//! A case is a directory under `sim/conformance/aws`: `before.tf`, and `after.tf`, the same a change later. Cases are
//! modules of one root module, so that one start of the provider serves many; with `--apart` each is a project of its
//! own. Both programs go the same way: plan, apply, plan again, change, plan, apply, plan again, destroy; each against
//! a server of its own that plays AWS. Nothing is recorded: what terraform says stands beside what we say, each time.
//!
//! `case` finds the cases, `program` runs a program through its life, `server` is who plays AWS, `mask` says by named
//! rules what may differ.

mod case;
mod mask;
mod program;
mod server;

use crate::oracle::Terraform;
use crate::plans::members_that_differ;
use case::Case;
use program::{Life, Program, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where the cases are.
pub(crate) const PLACE: &str = "sim/conformance/aws";

/// The folder of a `filesystem_mirror` with the provider.
const MIRROR: &str = "STEADFAST_TEST_MIRROR";

/// Set where nothing may be left out because it is not there.
#[cfg(test)]
const REQUIRED: &str = "STEADFAST_TEST_REQUIRED";

/// What is to be compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Names of cases; all where there are none.
    pub(crate) cases: Vec<String>,
    /// Each case by itself.
    pub(crate) apart: bool,
}

/// What the comparison needs of this machine.
pub(crate) struct Bench {
    mirror: PathBuf,
    moto: PathBuf,
    steadfast: PathBuf,
}

impl Bench {
    /// Finds all of it, or says what is missing.
    pub(crate) fn here(steadfast: PathBuf) -> Result<Self, String> {
        let mirror = std::env::var_os(MIRROR).map(PathBuf::from);
        let mirror = mirror.ok_or_else(|| {
            format!("{MIRROR} does not name a folder with providers (a filesystem_mirror)")
        })?;
        if !mirror.join("registry.terraform.io/hashicorp/aws").is_dir() {
            return Err(format!(
                "the folder that {MIRROR} names does not hold hashicorp/aws"
            ));
        }
        if Terraform::on_path().is_none() {
            return Err("there is no terraform on the PATH".to_owned());
        }
        let moto = server::on_path().ok_or("there is no moto_server on the PATH")?;
        if !steadfast.is_file() {
            return Err(format!("there is no program at {}", steadfast.display()));
        }
        Ok(Self {
            mirror,
            moto,
            steadfast,
        })
    }
}

/// Compares and prints a table. Whether nothing differs.
pub(crate) fn command(wanted: &Wanted, differences_max: usize) -> Result<bool, String> {
    let bench = Bench::here(program::built()?)?;
    let cases = case::all(&wanted.cases)?;
    let batches: Vec<&[Case]> = if wanted.apart {
        cases.chunks(1).collect()
    } else {
        vec![&cases]
    };
    let (mut found, mut n_changes) = (BTreeMap::new(), 0);
    for batch in batches {
        let compared = compared(&bench, batch)?;
        n_changes += compared.n_changes;
        found.extend(compared.differing);
    }
    let whole: &[String] = found.get(WHOLE).map_or(&[], Vec::as_slice);
    for case in &cases {
        let lines: &[String] = found.get(&case.name).map_or(&[], Vec::as_slice);
        let verdict = match (lines.is_empty(), whole.is_empty()) {
            (true, true) => "same",
            // What went wrong with all of them may have kept this one from being compared to its end.
            (true, false) => "(see below)",
            (false, _) => "DIFFERS",
        };
        println!("{:<18}{:<12}{}", case.name, verdict, case.types().join(" "));
        for line in lines.iter().take(differences_max) {
            println!("    {line}");
        }
        if lines.len() > differences_max {
            println!("    ... and {} more", lines.len() - differences_max);
        }
    }
    let is_case = |name: &String| cases.iter().any(|case| case.name == *name);
    let of_none = found.iter().filter(|(name, _)| !is_case(name));
    for line in of_none.flat_map(|(_, lines)| lines).take(differences_max) {
        println!("{line}");
    }
    let types: BTreeSet<String> = cases.iter().flat_map(Case::types).collect();
    let n_same = match whole.is_empty() {
        true => cases
            .iter()
            .filter(|case| !found.contains_key(&case.name))
            .count(),
        false => 0,
    };
    println!(
        "{n_same} of {} cases with {} types are the same; terraform planned {n_changes} changes",
        cases.len(),
        types.len()
    );
    Ok(found.is_empty())
}

/// What belongs to no case.
const WHOLE: &str = "";

/// What came of a batch.
struct Compared {
    /// What differs, by the name of the case.
    differing: BTreeMap<String, Vec<String>>,
    /// How many changes terraform planned.
    n_changes: usize,
}

fn compared(bench: &Bench, cases: &[Case]) -> Result<Compared, String> {
    let life = |program: Program| program::life(bench, program, cases);
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| life(Program::Terraform));
        let ours = life(Program::Steadfast);
        let theirs = theirs.join();
        (
            theirs.unwrap_or_else(|_| Err("it panicked".to_owned())),
            ours,
        )
    });
    let (theirs, ours) = (theirs?, ours?);
    let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut note = |line: String| differing.entry(of_case(&line)).or_default().push(line);
    for (at, theirs) in theirs.0.iter().enumerate() {
        match ours.0.get(at) {
            Some(ours) => stage(theirs, ours, &mut note),
            None => note(format!("{}: only terraform came so far", theirs.name)),
        }
    }
    for further in ours.0.iter().skip(theirs.0.len()) {
        note(format!("{}: only we came so far", further.name));
    }
    let n_changes = n_changes(&theirs);
    if n_changes == 0 {
        note("nothing was planned at all".to_owned());
    }
    Ok(Compared {
        differing,
        n_changes,
    })
}

fn stage(theirs: &Stage, ours: &Stage, note: &mut impl FnMut(String)) {
    let at = &theirs.name;
    match (&theirs.document, &ours.document) {
        (Ok(theirs), Ok(ours)) => {
            let (theirs, ours) = (mask::masked(theirs), mask::masked(ours));
            members_that_differ(at, &theirs, &ours)
                .into_iter()
                .filter(|line| !is_meant(line))
                .for_each(note);
        }
        // What both refuse is the fault of the case.
        (Err(why), Err(_)) => note(format!("{at}: refused by both: {why}")),
        (Err(why), Ok(_)) => note(format!("{at}: refused by terraform only: {why}")),
        (Ok(_), Err(why)) => note(format!("{at}: refused by us only: {why}")),
    }
}

/// Whether we differ on purpose.
fn is_meant(line: &str) -> bool {
    let (path, sides) = line.split_once(": ").unwrap_or((line, ""));
    // Of an object that is replaced Terraform forgets, where it tells what will be, what its provider calls sensitive.
    let is_forgotten = path.contains(".planned_values.")
        && path.contains(".sensitive_values.")
        && sides == "theirs not there, ours true";
    // Terraform tells of blocks that its own state has as null that they had been empty. We tell what was known.
    let is_tidied = path.contains(".resource_drift[")
        && (path.contains(".change.before.") && sides == "theirs [], ours null"
            || path.contains(".change.before_sensitive.") && sides == "theirs [], ours not there");
    is_forgotten || is_tidied
}

/// The case that a line is about: the first module that it names.
fn of_case(line: &str) -> String {
    let mut all = line.match_indices("module.");
    let named = all.find(|(at, _)| !line.get(..*at).is_some_and(|before| before.ends_with('_')));
    let after = named.and_then(|(at, word)| line.get(at + word.len()..));
    let after = after.unwrap_or(WHOLE);
    let is_name = |one: char| one.is_ascii_alphanumeric() || one == '_';
    after
        .split(|one| !is_name(one))
        .next()
        .unwrap_or(WHOLE)
        .to_owned()
}

fn n_changes(life: &Life) -> usize {
    let documents = life
        .0
        .iter()
        .filter_map(|stage| stage.document.as_ref().ok());
    let changes = documents.filter_map(|one| one.get("resource_changes")?.as_array());
    let is_change = |one: &&serde_json::Value| {
        let actions = one
            .pointer("/change/actions/0")
            .and_then(|one| one.as_str());
        !matches!(actions, None | Some("no-op"))
    };
    changes
        .map(|all| all.iter().filter(is_change).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap ones: what is compared elsewhere by hand, a part of it each time.
    const TESTED: &[&str] = &["data", "iam", "meta", "sns", "sqs", "ssm"];

    /// A part of what `cargo xtask conformance aws` compares, where provider, server and both programs are there.
    #[test]
    fn objects_of_aws_are_planned_and_made_as_terraform_does() {
        let bench = match program::beside().and_then(Bench::here) {
            Ok(bench) => bench,
            Err(missing) => {
                let is_required = std::env::var_os(REQUIRED).is_some_and(|text| !text.is_empty());
                assert!(!is_required, "{REQUIRED} is set, and {missing}");
                eprintln!("LEFT OUT: nothing of AWS was compared, because {missing}");
                return;
            }
        };
        let names: Vec<String> = TESTED.iter().map(|name| (*name).to_owned()).collect();
        let compared = compared(&bench, &case::all(&names).unwrap()).unwrap();
        assert!(compared.n_changes > 0);
        assert!(compared.differing.is_empty(), "{:#?}", compared.differing);
    }

    #[test]
    fn every_case_has_both_versions_and_a_name_for_a_module() {
        let cases = case::all(&[]).unwrap();
        let types: BTreeSet<String> = cases.iter().flat_map(Case::types).collect();
        assert!(types.len() >= 25, "{types:?}");
        assert!(case::all(&["no_such_case".to_owned()]).is_err());
    }

    #[test]
    fn a_line_belongs_to_the_case_whose_module_it_names() {
        let line = "plan: resource_changes[module.sqs.aws_sqs_queue.a].change: theirs 1, ours 2";
        assert_eq!(of_case(line), "sqs");
        assert_eq!(of_case("plan: outputs.x: theirs 1, ours 2"), WHOLE);
        let deep =
            "plan.planned_values.root_module.child_modules[module.acm].resources: theirs 1, ours 2";
        assert_eq!(of_case(deep), "acm");
    }
}
