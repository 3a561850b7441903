//! Diagnostics of the data plane, as the control plane records them.

use crate::control::{ErrorAnswer, Refusal};
use value::{Diagnostic, Diagnostics};

/// A publication that the proxy refused.
pub(crate) fn refused(answer: &ErrorAnswer) -> Diagnostics {
    let (code, summary) = match answer.error {
        Refusal::Invalid | Refusal::TooLarge => ("SF1101", "The route table cannot be served"),
        Refusal::Stale | Refusal::Conflict => ("SF1102", "The route table is not the newest"),
        Refusal::Port => ("SF1103", "A service cannot listen on its port"),
        Refusal::NotSaved => ("SF1104", "The route table could not be saved"),
        Refusal::Stopping | Refusal::TooSlow | Refusal::NotFound => {
            ("SF1105", "The proxy did not take the route table")
        }
    };
    Diagnostic::error(code, summary, answer.message.clone()).into()
}

/// A proxy that cannot be reached: nothing was sent to it.
pub(crate) fn unreachable(why: String) -> Diagnostics {
    Diagnostic::error("SF1106", "The proxy cannot be reached", why).into()
}
