//! What is made of a test run: whether its assertions hold, and what was expected to fail and did not.

use crate::diag_testing as diag;
use crate::inspection::Inspection;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use value::{Data, Diagnostic, Diagnostics, Expr, Marks, Severity, Span, Type, Value, convert};

/// Longest part of a value that is shown beside a condition, in characters.
const SHOWN_CHARACTERS_MAX: usize = 120;

/// Answers with the content of a file that the release does not carry.
pub type FileReader<'f> = &'f dyn Fn(&str) -> Option<Arc<[u8]>>;

/// Something that must hold after a run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Must be true.
    pub condition: Expr,
    /// What is said when it is not.
    pub message: Expr,
    /// What the condition looks at: as it is written, and how it is computed.
    pub parts: Vec<(String, Expr)>,
}

/// What became of a [`Claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asserted {
    /// It holds.
    Holds,
    /// It does not, and this is to be told.
    Fails(Diagnostics),
    /// It cannot be said, and this is why.
    Unclear(Diagnostics),
}

/// Something that is expected to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its address, as diagnostics have it. That of a resource stands for all its instances.
    pub address: String,
    /// Where it is written.
    pub span: Span,
    /// Whether it failed.
    pub met: bool,
}

impl Inspection {
    /// Judges a claim.
    pub fn judge_claim(&self, claim: &Claim, files: FileReader<'_>) -> Asserted {
        let span = claim.condition.span;
        let value = self.evaluate(&claim.condition, files);
        let message = self.evaluate(&claim.message, files);
        let (value, message) = match (value, message) {
            (Ok(value), Ok(message)) => (value, message),
            (value, message) => {
                let mut found = Diagnostics::new();
                found.extend(value.err().unwrap_or_default());
                found.extend(message.err().unwrap_or_default());
                return Asserted::Unclear(found);
            }
        };
        let unclear =
            |found: Diagnostic| Asserted::Unclear(self.explained(found, claim, files).into());
        if !value.is_known() {
            return unclear(diag::assertion_unknown(span));
        }
        let holds = convert(&value, &Type::Bool).ok();
        match holds.and_then(|value| value.as_bool()) {
            Some(true) => Asserted::Holds,
            Some(false) => {
                let found = diag::assertion_failed(&said(&message), span);
                Asserted::Fails(self.explained(found, claim, files).into())
            }
            None => unclear(diag::assertion_invalid(value.is_null(), span)),
        }
    }

    /// A finding about a condition with the values it looked at.
    fn explained(&self, found: Diagnostic, claim: &Claim, files: FileReader<'_>) -> Diagnostic {
        claim.parts.iter().fold(found, |found, (text, part)| {
            match self.evaluate(part, files) {
                Ok(value) => found.hint(alloc::format!("{text} {}", described(&value)), None),
                Err(_) => found,
            }
        })
    }
}

/// The text of a message, as far as it may be shown.
fn said(message: &Value) -> String {
    let marks = message.marks_deep();
    if marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL) {
        return String::from(
            "The condition does not hold. Its error message contains a sensitive value, so it is not shown.",
        );
    }
    let text = message.as_str().map(String::from);
    text.unwrap_or_else(|| String::from("The condition does not hold."))
}

/// A value in a few words.
fn described(value: &Value) -> String {
    if value.marks_deep().contains(Marks::SENSITIVE) {
        return String::from("is sensitive");
    }
    match value.data() {
        Data::Unknown(_) => String::from("is known only after apply"),
        Data::List(..) | Data::Set(..) | Data::Tuple(_) | Data::Map(..) | Data::Object(_) => {
            let shown = value.render();
            if shown.contains('\n') || shown.chars().count() > SHOWN_CHARACTERS_MAX {
                let number = value.elements().map(<[Value]>::len);
                let number = number.or_else(|| Some(value.entries()?.len())).unwrap_or(0);
                alloc::format!("has {number} elements")
            } else {
                alloc::format!("is {shown}")
            }
        }
        Data::Null(_) | Data::Bool(_) | Data::Number(_) | Data::String(_) => {
            let shown = value.render();
            let mut short: String = shown.chars().take(SHOWN_CHARACTERS_MAX).collect();
            if short.len() < shown.len() {
                short.push_str("...");
            }
            alloc::format!("is {short}")
        }
    }
}

/// What is left of findings when those that were expected are taken away, each of which is noted as met. A check that
/// does not hold is an error in a test, unless it is expected.
pub fn unexpected(found: Diagnostics, expectations: &mut [Expectation]) -> Diagnostics {
    let mut left = Diagnostics::new();
    for mut one in found.0 {
        if one.code != diag::CONDITION_FAILED {
            left.push(one);
            continue;
        }
        let address = one.address.clone().unwrap_or_default();
        let mut expected = false;
        for expectation in expectations.iter_mut() {
            if is_part_of(&address, &expectation.address) {
                expectation.met = true;
                expected = true;
            }
        }
        if !expected {
            one.severity = Severity::Error;
            left.push(one);
        }
    }
    left
}

/// Whether findings hold an error that was expected.
pub fn stopped_as_expected(found: &Diagnostics, expectations: &[Expectation]) -> Vec<String> {
    let failed = found
        .iter()
        .filter(|one| one.code == diag::CONDITION_FAILED && one.severity == Severity::Error);
    let addresses: BTreeSet<&str> = failed.filter_map(|one| one.address.as_deref()).collect();
    let is_expected = |address: &&str| {
        expectations
            .iter()
            .any(|one| is_part_of(address, &one.address))
    };
    addresses
        .into_iter()
        .filter(is_expected)
        .map(String::from)
        .collect()
}

fn is_part_of(address: &str, whole: &str) -> bool {
    let rest = address.strip_prefix(whole);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// What did not fail and should have.
pub fn missing_failures(expectations: &[Expectation]) -> Diagnostics {
    let missing = expectations.iter().filter(|one| !one.met);
    Diagnostics(
        missing
            .map(|one| diag::failure_missing(&one.address, one.span))
            .collect(),
    )
}

/// An apply that stopped while it was planned, at what was expected to fail, was not carried out: that is no success.
pub fn stopped_while_planning(address: &str) -> Diagnostic {
    diag::failure_while_planning(address)
}
