//! What older programs wrote is read as it was meant: a field that came later has the value that says the same.

#![allow(clippy::unwrap_used, reason = "a test")]

use model::{Cause, Phase, RunOptions, decode, encode};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
enum PhaseBefore {
    Returning { why: String },
    Returned { why: String },
}

#[test]
fn a_rollout_that_went_back_before_there_were_causes_speaks_against_its_version() {
    let why = || "3 of 41 requests failed".to_owned();
    let cause = Cause::Version;
    for (before, now) in [
        (
            PhaseBefore::Returning { why: why() },
            Phase::Returning { why: why(), cause },
        ),
        (
            PhaseBefore::Returned { why: why() },
            Phase::Returned { why: why(), cause },
        ),
    ] {
        assert_eq!(decode::<Phase>(&encode(&before)).unwrap(), now);
    }
}

#[test]
fn options_without_later_fields_are_those_of_before() {
    let now = encode(&RunOptions::default());
    let mut fields: BTreeMap<String, Field> = BTreeMap::new();
    for (name, field) in [
        ("mode", Field::Word("Normal")),
        ("refresh", Field::Is(false)),
        ("replace", Field::None([])),
        ("parallelism", Field::Number(0)),
        ("seed", Field::Number(0)),
        ("auto_approve", Field::Is(false)),
        ("environment", Field::Word("")),
        ("at_once", Field::Is(false)),
    ] {
        fields.insert(name.to_owned(), field);
    }
    let read: RunOptions = decode(&encode(&fields)).unwrap();
    assert_eq!(encode(&read), now);
}

/// A value of the one encoding, whatever it is a field of.
enum Field {
    Word(&'static str),
    Is(bool),
    Number(u64),
    None([u8; 0]),
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Word(word) => word.serialize(to),
            Self::Is(is) => is.serialize(to),
            Self::Number(number) => number.serialize(to),
            Self::None(nothing) => nothing.as_slice().serialize(to),
        }
    }
}
