//! Functions of providers for people who look at single expressions.

use crate::{Outside, perform};
use decide::{Inspection, limits::CALL_ROUNDS_MAX};
use model::Question;
use value::{Type, Value};

/// Computes something of an inspection, with every call answered that it comes to.
pub async fn with_calls<T>(
    outside: &Outside,
    inspection: &mut Inspection,
    compute: impl Fn(&Inspection) -> T,
) -> T {
    for _ in 0..CALL_ROUNDS_MAX {
        let computed = compute(inspection);
        let open = inspection.take_open_calls();
        if open.is_empty() {
            return computed;
        }
        for call in open {
            let question = Question::Call(call.clone());
            let unconfigured = Ok(Value::null(Type::Any));
            let answer = perform::ask(outside, &question, &unconfigured).await;
            inspection.learn(&call, &answer);
        }
    }
    // What still lacks an answer is not known.
    compute(inspection)
}
