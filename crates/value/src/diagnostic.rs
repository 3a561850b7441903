//! Trouble with what a person wrote or the world did: a code, a place, what, why and what to do.
//!
//! Many diagnostics are collected and returned together; operations of ours that fail use error enums instead.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Which source text a [`Span`] points into: an index into the source table of the compilation (and of the release
/// made by it).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SourceId(pub u32);

/// A half-open byte range of one source text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Worth knowing; nothing is refused.
    Warning,
    /// The request is refused.
    Error,
}

/// One finding. Made by the factories of each family (`diag` modules), never by hand in the middle of other code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code, `SF` and four digits; its page is `docs/codes/SFnnnn.md`.
    pub code: alloc::borrow::Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one fixed sentence without a full stop.
    pub summary: String,
    /// Why, and what to do.
    pub detail: String,
    /// The resource or block it is about, in source notation, where there is one.
    pub address: Option<String>,
    /// Where it was written, where that is known.
    pub span: Option<Span>,
    /// Other places and suggestions, each with its own text.
    pub hints: Vec<Hint>,
}

/// A further place or piece of advice belonging to a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The advice.
    pub text: String,
    /// Where, if it is about a place.
    pub span: Option<Span>,
}

impl Diagnostic {
    /// An error with a code and a summary; the builder methods add the rest.
    pub fn error(
        code: &'static str,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            address: None,
            span: None,
            hints: Vec::new(),
        }
    }

    /// The same as [`Diagnostic::error`], as a warning.
    pub fn warning(
        code: &'static str,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, summary, detail)
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says which resource or block.
    #[must_use]
    pub fn about(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Adds advice, with a place if there is one.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>, span: Option<Span>) -> Self {
        self.hints.push(Hint {
            text: text.into(),
            span,
        });
        self
    }
}

/// All findings of one operation, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether any of them refuses the request.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> core::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(alloc::vec![diagnostic])
    }
}
