//! Resources: what Terraform calls a provider.

use crate::Pending;
use model::{
    ActionId, Answer, Change, Inquiry, Mode, OpenQuestion, Outcome, ProviderSchema, Question, Rung,
};
use std::sync::Arc;
use value::{Diagnostics, Name, Value};

/// What an inquiry found, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What was found.
    pub inquiry: Inquiry,
    /// In which ways it was looked for, where there are several.
    pub rungs: Vec<Rung>,
}

impl From<Inquiry> for Looked {
    fn from(inquiry: Inquiry) -> Self {
        Self {
            inquiry,
            rungs: Vec::new(),
        }
    }
}

/// An ephemeral resource that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it holds. Never written down.
    pub value: Value,
    /// What keeps it open.
    pub lease: Lease,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// What keeps an ephemeral resource open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its type.
    pub kind: Name,
    /// Opaque to us; goes with each further call. May be as secret as what it keeps open.
    pub private: Option<Vec<u8>>,
    /// When it must be renewed, in milliseconds since 1970; none for one that stays open by itself.
    pub renew_at_ms: Option<i64>,
}

/// Makes, changes, reads and destroys resources of the types it names.
pub trait Provider: Send + Sync {
    /// Its types. Does not change while the process lives.
    fn schema(&self) -> &ProviderSchema;

    /// The provider with a configuration of its own (the `provider` block, of the type that the schema implies, or null
    /// where nobody has written one); none for one that has no configuration and answers as it is. Unknown values are
    /// to be accepted as long as nothing is asked that depends on them.
    fn configured<'a>(
        &'a self,
        _config: &'a Value,
    ) -> Option<Pending<'a, Result<Arc<dyn Provider>, Diagnostics>>> {
        None
    }

    /// Checks a configuration of its own beyond its schema, without looking at the world. Unknown values are to be
    /// accepted.
    fn validate_own<'a>(&'a self, _config: &'a Value) -> Pending<'a, Diagnostics> {
        Box::pin(core::future::ready(Diagnostics::new()))
    }

    /// The same for a configuration of one of its types.
    fn validate<'a>(
        &'a self,
        mode: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics>;

    /// Answers a question without changing anything. The answer's form follows the question's.
    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer>;

    /// Carries out a change. `action` is the same for every attempt at it.
    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome>;

    /// Finds out whether a change whose outcome was lost took effect. Changes nothing.
    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked>;

    /// Opens an ephemeral resource; none for a provider without such types. It is asked here and not with
    /// [`Provider::ask`], because what it holds is no answer: answers are written down. Whatever is made outside for
    /// this ends by itself if nobody lets go of it.
    fn open<'a>(
        &'a self,
        _question: &'a OpenQuestion,
    ) -> Option<Pending<'a, Result<Opened, Diagnostics>>> {
        None
    }

    /// Keeps an ephemeral resource open: what does from now on, or with errors, why it cannot go on.
    fn renew<'a>(&'a self, lease: &'a Lease) -> Pending<'a, (Lease, Diagnostics)> {
        let kept = Lease {
            renew_at_ms: None,
            ..lease.clone()
        };
        Box::pin(core::future::ready((kept, Diagnostics::new())))
    }

    /// Lets go of an ephemeral resource.
    fn let_go<'a>(&'a self, _lease: &'a Lease) -> Pending<'a, Diagnostics> {
        Box::pin(core::future::ready(Diagnostics::new()))
    }

    /// Whether it has gone away and answers nothing any more: then it must be configured anew.
    fn is_gone(&self) -> bool {
        false
    }

    /// Asks what is under way to wind up. Every call still gets its answer.
    fn stop(&self) -> Pending<'_, ()> {
        Box::pin(core::future::ready(()))
    }

    /// Lets go of what the provider holds: nothing is asked of it any more.
    fn close(&self) -> Pending<'_, ()> {
        Box::pin(core::future::ready(()))
    }
}
