//! Conditions: `validation`, `precondition`, `postcondition`, `assert`.

use super::{Evaluator, Objects, Place};
use crate::diag;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Address, CheckStatus, Condition, ModulePath};
use value::{Diagnostics, Marks, Severity, Type, Value};

/// Whose conditions are judged, and how hard it is when they do not hold.
pub(crate) struct Judging {
    what: &'static str,
    address: String,
    severity: Severity,
}

/// What became of conditions.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// The worst of all.
    pub status: CheckStatus,
    /// What those say that do not hold.
    pub problems: Vec<String>,
    /// One for each that does not hold or cannot be judged.
    pub diagnostics: Diagnostics,
}

impl Judging {
    pub(crate) fn output(module: &ModulePath, name: &str) -> Self {
        Self::error("Output precondition", inside(module, "output", name))
    }

    pub(crate) fn variable(module: &ModulePath, name: &str) -> Self {
        Self::error("Variable validation", inside(module, "var", name))
    }

    pub(crate) fn before(address: &Address) -> Self {
        Self::error("Resource precondition", address.to_string())
    }

    pub(crate) fn after(address: &Address) -> Self {
        Self::error("Resource postcondition", address.to_string())
    }

    /// A `check` block only warns.
    pub(crate) fn check(module: &ModulePath, name: &str) -> Self {
        Self::error("Check block assertion", inside(module, "check", name)).warning()
    }

    /// The same, and what does not hold stops nothing.
    #[must_use]
    pub(crate) fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    fn error(what: &'static str, address: String) -> Self {
        Self {
            what,
            address,
            severity: Severity::Error,
        }
    }
}

/// The address of something that a module declares.
fn inside(module: &ModulePath, kind: &str, name: &str) -> String {
    let dot = if module.0.is_empty() { "" } else { "." };
    format!("{module}{dot}{kind}.{name}")
}

impl Judged {
    /// Nothing to judge.
    pub(crate) fn nothing() -> Self {
        Self {
            status: CheckStatus::Pass,
            problems: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.status = self.status.max(other.status);
        self.problems.extend(other.problems);
        self.diagnostics.extend(other.diagnostics);
        self
    }

    /// Nothing, or everything that does not hold.
    pub(crate) fn into_result(self) -> Result<(), Diagnostics> {
        if self.diagnostics.is_empty() {
            Ok(())
        } else {
            Err(self.diagnostics)
        }
    }
}

impl Evaluator {
    /// Judges conditions; those that are not known yet are left for later.
    pub(crate) fn judge(
        &self,
        conditions: &[Condition],
        judging: &Judging,
        place: &Place,
        objects: Objects<'_>,
    ) -> Judged {
        let mut judged = Judged::nothing();
        for condition in conditions {
            judged = judged.and(self.judge_one(condition, judging, place, objects));
        }
        judged
    }

    fn judge_one(
        &self,
        condition: &Condition,
        judging: &Judging,
        place: &Place,
        objects: Objects<'_>,
    ) -> Judged {
        let cannot = |mut diagnostics: Diagnostics| {
            diagnostics
                .0
                .iter_mut()
                .for_each(|one| one.severity = judging.severity);
            Judged {
                status: CheckStatus::Error,
                diagnostics,
                ..Judged::nothing()
            }
        };
        let value = match self.evaluate(&condition.condition, place, objects) {
            Ok(value) => value,
            Err(diagnostics) => return cannot(diagnostics),
        };
        if !value.is_known() {
            return Judged {
                status: CheckStatus::Unknown,
                ..Judged::nothing()
            };
        }
        let holds = value::convert(&value, &Type::Bool)
            .ok()
            .and_then(|value| value.as_bool());
        match holds {
            Some(true) => Judged::nothing(),
            Some(false) => {
                let message = self
                    .evaluate(&condition.error_message, place, objects)
                    .ok()
                    .and_then(|message| said(&message))
                    .unwrap_or_else(|| String::from("The condition does not hold."));
                let mut found = diag::condition_failed(
                    judging.what,
                    &message,
                    &judging.address,
                    condition.span,
                );
                found.severity = judging.severity;
                Judged {
                    status: CheckStatus::Fail,
                    problems: Vec::from([message]),
                    diagnostics: found.into(),
                }
            }
            None => cannot(
                diag::condition_invalid(judging.what, &judging.address, condition.span).into(),
            ),
        }
    }
}

/// The text of an error message, as far as it may be shown.
fn said(message: &Value) -> Option<String> {
    let marks = message.marks_deep();
    if marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL) {
        return Some(String::from(
            "The condition does not hold. Its error message contains a sensitive value, so it is not shown.",
        ));
    }
    message.as_str().map(String::from)
}
