//! Whether a provider made what it had planned.

use crate::diag;
use crate::plan::propose;
use model::{Effect, Outcome};
use value::Diagnostics;

/// The outcome of an effect, judged by what was planned: an object that contradicts its plan is recorded as it is, but
/// as failed, and a new one as damaged, so that the next plan replaces it. Of a provider that may do so (`loose`), it
/// is taken as it is.
pub fn held(effect: &Effect, loose: bool, outcome: Outcome) -> Outcome {
    let Effect::Change(change) = effect else {
        return outcome;
    };
    if loose {
        return outcome;
    }
    match (outcome, &change.planned) {
        (
            Outcome::Changed {
                object: Some(object),
                private,
                diagnostics,
            },
            Some(planned),
        ) => match propose::contradiction(planned, &object) {
            Some(path) => {
                let mut found =
                    Diagnostics::from(diag::result_inconsistent(&change.address, &path));
                found.extend(diagnostics);
                Outcome::Partial {
                    object,
                    private,
                    diagnostics: found,
                }
            }
            None => Outcome::Changed {
                object: Some(object),
                private,
                diagnostics,
            },
        },
        (outcome, _) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::held;
    use alloc::string::String;
    use alloc::vec::Vec;
    use model::{
        Address, Change, Effect, Key, Mode, ModulePath, Outcome, Repeat, ResourceAddress, Verb,
    };
    use value::{Diagnostics, Marks, Type, Value};

    fn object(mode: Value, id: Value) -> Value {
        Value::object([("id".into(), id), ("mode".into(), mode)].into())
    }

    fn effect(planned: Value) -> Effect {
        let resource = ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "host_file".into(),
            name: "a".into(),
        };
        Effect::Change(Change {
            address: Address {
                resource,
                key: Key::None,
            },
            provider: String::from("example.com/odd"),
            verb: Verb::Create,
            prior: None,
            config: None,
            planned: Some(planned),
            private: Vec::new(),
            repeat: Repeat::Never,
            settle_ms: 0,
            dependencies: Vec::new(),
            retry: None,
        })
    }

    fn changed(object: Value) -> Outcome {
        Outcome::Changed {
            object: Some(object),
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }

    #[test]
    fn another_value_than_planned_is_damage() {
        let planned = effect(object(Value::string("0644"), Value::unknown(Type::String)));
        let made = object(Value::string("0600"), Value::string("7"));
        let taken = held(&planned, true, changed(made.clone()));
        assert_eq!(taken, changed(made.clone()), "a provider that may do so");
        let outcome = held(&planned, false, changed(made.clone()));
        let Outcome::Partial {
            object,
            diagnostics,
            ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(object, made);
        let found = diagnostics.iter().next().expect("a diagnostic");
        assert_eq!(found.code, "SF0916");
        assert!(found.detail.contains("`mode`"), "{}", found.detail);
    }

    #[test]
    fn filled_holes_and_marks_are_no_damage() {
        let planned = effect(object(
            Value::string("0644").with_marks(Marks::SENSITIVE),
            Value::unknown(Type::String),
        ));
        let made = changed(object(Value::string("0644"), Value::string("7")));
        assert_eq!(held(&planned, false, made.clone()), made);
    }
}
