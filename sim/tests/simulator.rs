//! The simulator in the test suite: seeds that once failed, a fixed set of seeds, a crash at every boundary of small
//! scenarios, and a mutation gate: each planted fault is caught by the rule it breaks.
//!
//! What is played is data: `seeds.txt` and `mutants.txt` beside this file. `cargo xtask sim` plays many more.

#![expect(
    clippy::panic,
    reason = "a failed play says which, and how to see it again"
)]

use sim::{Crashes, Mutant, Scenario, Settings, Story, play};
use std::collections::{BTreeMap, BTreeSet};

/// The fixed set: seeds from 0 that are played in calm and in a storm.
const SEEDS: u64 = 40;

/// Lines of a data file without comments, each split into words; what follows `#` is for people.
fn rows(text: &'static str) -> Vec<Vec<&'static str>> {
    let lines = text.lines().map(|line| {
        let data = line.split('#').next().unwrap_or_default();
        data.split_whitespace().collect::<Vec<_>>()
    });
    lines.filter(|words| !words.is_empty()).collect()
}

fn number(word: &str) -> u64 {
    word.parse()
        .unwrap_or_else(|error| panic!("{word}: {error}"))
}

/// Plays a seed, of which every rule must hold.
fn holds(seed: u64, way: Settings) -> Story {
    let story = play(&Scenario::of(seed), &way);
    if let Some(violation) = &story.violation {
        let option = match (way.crashes, story.branch) {
            (_, Some(boundary)) | (Crashes::At(boundary), _) => format!("--crash-at {boundary}"),
            _ if way.takes_back => "--going-back".to_owned(),
            _ => "--exhaustive 0".to_owned(),
        };
        panic!(
            "the rule `{}` did not hold at {} ms: {}\nreplay: cargo xtask sim --seed {seed} {option}",
            violation.rule, violation.at_ms, violation.what
        );
    }
    story
}

fn way(words: &[&str]) -> Settings {
    match words {
        ["calm"] => Settings::calm(),
        ["storm"] => Settings::storm(),
        ["going-back"] => Settings::going_back(),
        ["everywhere"] => Settings::everywhere(),
        ["crash-at", boundary] => Settings::crash_at(number(boundary)),
        other => panic!("there is no way to play called {other:?}"),
    }
}

#[test]
fn seeds_that_once_failed() {
    for row in rows(include_str!("seeds.txt")) {
        let (seed, words) = row.split_first().expect("a row has words");
        holds(number(seed), way(words));
    }
}

#[test]
fn a_fixed_set_of_seeds() {
    let mut hit = sim::Coverage::default();
    for seed in 0..SEEDS {
        holds(seed, Settings::calm());
        hit.add(&holds(seed, Settings::storm()).coverage);
    }
    // What the seeds never generate is never tested.
    for what in [
        "crash before an append",
        "crash before a sync",
        "crash before an acknowledgement",
        "crash before a request",
        "crash before an inquiry",
        "snapshot",
        "torn tail",
        "landing after a crash",
        "request lost in a crash",
        "takeover",
        "fenced",
        "zombie's request",
        "second apply",
        "drift.changed",
        "instance.ended",
        "instance.sick",
        "order.cancel",
        "pause.parked",
        "run.returned",
        "request failed by a bad version",
        "pass.healed",
        "pass.no news",
        "drift.heal",
        "drift.fight",
        "drift.mass",
    ] {
        assert!(hit.of(what) > 0, "{what} never happened:\n{hit}");
    }
}

#[test]
fn runs_that_broke_off_are_taken_back() {
    let mut hit = sim::Coverage::default();
    for seed in 0..SEEDS * 2 {
        hit.add(&holds(seed, Settings::going_back()).coverage);
    }
    assert!(
        hit.of("run.taken back") > 5,
        "too few were taken back:\n{hit}"
    );
}

#[test]
fn a_crash_at_every_boundary_of_small_scenarios() {
    for row in rows(include_str!("small.txt")) {
        let story = holds(number(row[0]), Settings::everywhere());
        assert_eq!(story.crashes, story.boundaries, "one crash at each");
    }
}

#[test]
fn a_branch_is_the_play_with_that_crash() {
    let seed = number(rows(include_str!("small.txt"))[0][0]);
    let everywhere = holds(seed, Settings::everywhere());
    let mut apart = holds(seed, Settings::calm()).coverage;
    for boundary in 1..=everywhere.boundaries {
        let story = holds(seed, Settings::crash_at(boundary));
        assert_eq!(story.crashes, 1, "boundary {boundary}");
        apart.add(&story.coverage);
    }
    // A branch counts only what happens in it, so the separate plays together count more of everything.
    for what in ["torn tail", "unsynced tail kept", "request lost in a crash"] {
        assert_eq!(apart.of(what), everywhere.coverage.of(what), "{what}");
    }
}

#[test]
fn a_seed_plays_the_same_each_time() {
    for seed in 0..6 {
        let [first, second] =
            [(); 2].map(|()| play(&Scenario::of(seed), &Settings::storm()).fingerprint);
        assert_eq!(first, second, "seed {seed}");
    }
    let other = play(&Scenario::of(7), &Settings::storm()).fingerprint;
    let one = play(&Scenario::of(0), &Settings::storm()).fingerprint;
    assert_ne!(one, other, "another seed is another play");
}

#[test]
fn every_planted_fault_is_caught() {
    let mut left: BTreeMap<String, Mutant> = Mutant::ALL
        .into_iter()
        .map(|mutant| (mutant.to_string(), mutant))
        .collect();
    let (mut survived, mut seen) = (Vec::new(), BTreeSet::new());
    for row in rows(include_str!("mutants.txt")) {
        let [name, seeds_max, rules @ ..] = row.as_slice() else {
            panic!("{row:?} is no mutant");
        };
        let mutant = left.remove(*name);
        let mutant =
            mutant.unwrap_or_else(|| panic!("there is no mutant {name}, or it is here twice"));
        let caught = (0..number(seeds_max)).find_map(|seed| {
            let seen = sim::hunt(mutant, seed)?;
            rules.contains(&seen.rule).then_some(seen)
        });
        match caught {
            None => survived.push(format!("{name} survives {seeds_max} seeds of {rules:?}")),
            Some(violation) => {
                seen.insert(violation.rule);
            }
        }
    }
    assert!(survived.is_empty(), "{}", survived.join("\n"));
    for rule in sim::check::RULES {
        assert!(
            seen.contains(rule),
            "nothing planted shows that `{rule}` is awake"
        );
    }
    assert!(left.is_empty(), "not in mutants.txt: {:?}", left.keys());
}
