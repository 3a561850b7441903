//! `retry` blocks in `lifecycle`: how often and after which pauses calls about an object are tried again, and which
//! errors pass. All of it is constant: it holds before anything is computed.

use super::body::{self, Form};
use super::module::Compiler;
use crate::delivery::quantity::duration_ms;
use crate::diag::{blocks as diag, delivery};
use crate::limits::{PAUSE_MS_MAX, RETRY_ATTEMPTS_MAX, RETRY_PATTERNS_MAX};
use crate::syntax::{Body, Expression, ExpressionKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::Retry;
use value::{Span, Type, Value};

impl Compiler<'_> {
    /// The `retry` block of a `lifecycle` block, if there is one.
    pub(super) fn retry(&mut self, settings: &Body) -> Option<Retry> {
        let block = body::single(settings, "retry", &mut self.diagnostics)?;
        body::labels(block, &[], &mut self.diagnostics);
        let inside = &block.body;
        let form = Form {
            whose: "A retry block",
            arguments: &["attempts", "base", "cap", "on"],
            blocks: &[],
        };
        body::check(inside, &form, &mut self.diagnostics);
        let retry = Retry {
            attempts: self.number(inside, "attempts", RETRY_ATTEMPTS_MAX),
            base_ms: self.pause(inside, "base"),
            cap_ms: self.pause(inside, "cap"),
            on: self.patterns(inside),
        };
        if let (Some(base_ms), Some(cap_ms)) = (retry.base_ms, retry.cap_ms)
            && base_ms > cap_ms
        {
            let detail = "\"cap\" is the longest pause, and shorter than the first one, \"base\".";
            self.invalid(value_span(inside, "cap"), detail);
        }
        Some(retry)
    }

    /// A whole number from 1 on.
    pub(super) fn number(&mut self, inside: &Body, name: &str, most: u32) -> Option<u32> {
        let number = body::constant(inside, name, &Type::Number, &mut self.diagnostics)?;
        let whole = number.as_number().and_then(|number| number.as_u64());
        let within = whole.and_then(|number| u32::try_from(number).ok());
        let found = within.filter(|number| (1..=most).contains(number));
        if found.is_none() {
            let detail = format!("\"{name}\" must be a whole number between 1 and {most}.");
            self.invalid(value_span(inside, name), &detail);
        }
        found
    }

    /// A pause or another time that is longer than nothing and at most an hour, in milliseconds.
    pub(super) fn pause(&mut self, inside: &Body, name: &str) -> Option<u64> {
        let text = body::text(inside, name, &mut self.diagnostics)?;
        let span = value_span(inside, name);
        let Some(pause_ms) = duration_ms(&text) else {
            self.diagnostics
                .push(delivery::invalid_duration(span, &text));
            return None;
        };
        if pause_ms == 0 || pause_ms > PAUSE_MS_MAX {
            let detail = format!("\"{name}\" must be longer than nothing and at most one hour.");
            self.invalid(span, &detail);
            return None;
        }
        Some(pause_ms)
    }

    fn patterns(&mut self, inside: &Body) -> Vec<String> {
        let ty = Type::list(Type::String);
        let Some(attribute) = inside.attribute("on") else {
            return Vec::new();
        };
        let Some(list) = body::constant(inside, "on", &ty, &mut self.diagnostics) else {
            return Vec::new();
        };
        let items: &[Value] = list.elements().unwrap_or_default();
        if items.len() > RETRY_PATTERNS_MAX {
            let detail = format!("\"on\" has more than {RETRY_PATTERNS_MAX} patterns.");
            self.invalid(attribute.value.span, &detail);
            return Vec::new();
        }
        let mut patterns = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let span = item_span(&attribute.value, at);
            let Some(pattern) = item.as_str() else {
                self.invalid(span, "A pattern in \"on\" is a text, not null.");
                continue;
            };
            match value::functions::mistake(pattern) {
                Some(why) => {
                    let detail = format!(
                        "\"on\" holds patterns in the syntax of the function regex, and this is none: {why}."
                    );
                    self.invalid(span, &detail);
                }
                None => patterns.push(pattern.to_string()),
            }
        }
        patterns
    }

    pub(super) fn invalid(&mut self, span: Span, detail: &str) {
        self.diagnostics.push(diag::invalid_lifecycle(span, detail));
    }
}

pub(super) fn value_span(inside: &Body, name: &str) -> Span {
    let attribute = inside.attribute(name);
    attribute.map_or(inside.span, |attribute| attribute.value.span)
}

/// Where an item of a list stands; the list itself where it is not written item by item.
pub(super) fn item_span(list: &Expression, at: usize) -> Span {
    match &list.kind {
        ExpressionKind::Tuple(items) => items.get(at).map_or(list.span, |item| item.span),
        _ => list.span,
    }
}
