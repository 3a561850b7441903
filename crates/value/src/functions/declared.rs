//! Functions that a provider declares: the outside answers their calls, and here is only what is known before that.
//!
//! They are kept apart from the tables of the language: what the language has is the same everywhere, and a body that
//! is computed here needs no answer.

use super::terraform::{PROVIDER, TERRAFORM_PROVIDER};
use crate::{Diagnostics, Type, Value};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A function as its provider describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// What it must be given, in order.
    pub parameters: Vec<DeclaredParameter>,
    /// What it may be given any number of beyond that.
    pub variadic: Option<DeclaredParameter>,
    /// Type of its result.
    pub returns: Type,
    /// What it does, for help texts.
    pub description: String,
}

/// A parameter of a [`Declaration`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredParameter {
    /// Its name.
    pub name: String,
    /// What is converted to before the function is asked.
    pub ty: Type,
    /// Whether null is given to the function; otherwise it is an error.
    pub takes_null: bool,
    /// Whether what is not known is given to the function; otherwise its result is not known either.
    pub takes_unknown: bool,
    /// What it is for, for help texts.
    pub description: String,
}

/// What is known of a call of a declared function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// It gives this.
    Gives(Value),
    /// The function says that it gives nothing for these arguments.
    Refuses {
        /// What it says.
        why: String,
        /// The argument to blame, if it is one.
        argument: Option<usize>,
    },
    /// It was asked, and did not answer.
    Unanswered(Diagnostics),
    /// It was not asked yet.
    Open,
}

impl Declaration {
    /// The parameter that takes the argument at a position.
    pub fn parameter(&self, index: usize) -> Option<&DeclaredParameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }
}

/// How a function is spoken of that a compiled expression calls by this name: as most modules call it.
pub(crate) fn shown_name(compiled: &str) -> Cow<'_, str> {
    let provider = compiled.strip_prefix(PROVIDER);
    match provider.and_then(|rest| rest.rsplit_once("::")) {
        Some((source, function)) => {
            let short = source.rsplit('/').next().unwrap_or(source);
            Cow::Owned(format!("{PROVIDER}{short}::{function}"))
        }
        None => Cow::Borrowed(compiled),
    }
}

/// The source address of the provider and the name of the function that a compiled name is of; none for functions that
/// are computed here.
pub fn declared_name(compiled: &str) -> Option<(&str, &str)> {
    let (source, function) = compiled.strip_prefix(PROVIDER)?.rsplit_once("::")?;
    (source != TERRAFORM_PROVIDER).then_some((source, function))
}
