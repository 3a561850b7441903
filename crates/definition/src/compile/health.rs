//! `health` blocks in `lifecycle`: what is looked at after an object was made or changed, until it is healthy.
//!
//! What is looked at may refer to the object (`self`) and to everything that a provisioner may; how often and how long
//! is constant.

use super::body;
use super::decode::Decoder;
use super::module::Compiler;
use super::retry::{item_span, value_span};
use crate::limits::HEALTH_SUCCESSES_MAX;
use crate::lower::Lowerer;
use crate::syntax::Body;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{BlockSchema, HealthCheck, Manner, Unhealthy};
use value::{Type, Value};

/// What can be looked at: exactly one of them.
const TARGETS: [&str; 3] = ["http", "tcp", "command"];

/// How it is looked at.
const MANNER: [&str; 5] = ["status", "interval", "deadline", "successes", "on_failure"];

const INTERVAL_MS_DEFAULT: u64 = 1_000;
const DEADLINE_MS_DEFAULT: u64 = 60_000;

impl Compiler<'_> {
    /// The `health` block of a `lifecycle` block, if there is one. The lowerer knows the object itself.
    pub(super) fn health(
        &mut self,
        settings: &Body,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<HealthCheck> {
        let block = body::single(settings, "health", &mut self.diagnostics)?;
        body::labels(block, &[], &mut self.diagnostics);
        let inside = &block.body;
        let whose = "A health block";
        self.check_one_of(&TARGETS, inside, whose);
        let is_meta_argument = |name: &str| MANNER.contains(&name);
        let is_meta_block = |_: &str| false;
        let mut decoder = Decoder {
            lowerer,
            diagnostics: &mut self.diagnostics,
            whose,
            is_meta_argument: &is_meta_argument,
            is_meta_block: &is_meta_block,
        };
        let target = decoder.object(inside, &schema(), inside.open);
        let interval_ms = self
            .pause(inside, "interval")
            .unwrap_or(INTERVAL_MS_DEFAULT);
        let deadline_ms = self
            .pause(inside, "deadline")
            .unwrap_or(DEADLINE_MS_DEFAULT);
        if inside.attribute("deadline").is_some() && interval_ms > deadline_ms {
            let detail = "\"deadline\" is shorter than the pause between two looks, \"interval\".";
            self.invalid(value_span(inside, "deadline"), detail);
        }
        let successes = self.number(inside, "successes", HEALTH_SUCCESSES_MAX);
        Some(HealthCheck {
            target,
            manner: Manner {
                statuses: self.statuses(inside),
                interval_ms,
                deadline_ms,
                successes: successes.unwrap_or(1),
                on_failure: self.on_failure(inside),
            },
            span: block.header,
        })
    }

    fn on_failure(&mut self, inside: &Body) -> Unhealthy {
        match body::text(inside, "on_failure", &mut self.diagnostics).as_deref() {
            None | Some("hold") => Unhealthy::Hold,
            Some("continue") => Unhealthy::Continue,
            Some("rollback") => Unhealthy::Rollback,
            Some(_) => {
                let detail = "\"on_failure\" is \"hold\", \"continue\" or \"rollback\".";
                self.invalid(value_span(inside, "on_failure"), detail);
                Unhealthy::Hold
            }
        }
    }

    /// One status of HTTP, or a list of them.
    fn statuses(&mut self, inside: &Body) -> Vec<u16> {
        let Some(attribute) = inside.attribute("status") else {
            return Vec::new();
        };
        if inside.attribute("http").is_none() {
            let detail = "\"status\" is about the answer to \"http\", which is not set.";
            self.invalid(attribute.name.span, detail);
        }
        let Some(given) = body::constant(inside, "status", &Type::Any, &mut self.diagnostics)
        else {
            return Vec::new();
        };
        let one = core::slice::from_ref(&given);
        let items: &[Value] = given.elements().unwrap_or(one);
        let mut statuses = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let number = item.as_number().and_then(|number| number.as_u64());
            let status = number.and_then(|number| u16::try_from(number).ok());
            match status.filter(|status| (100..=599).contains(status)) {
                Some(status) => statuses.push(status),
                None => {
                    let span = item_span(&attribute.value, at);
                    self.invalid(
                        span,
                        "A status of HTTP is a whole number between 100 and 599.",
                    );
                }
            }
        }
        if items.is_empty() {
            self.invalid(
                attribute.value.span,
                "With no status, no answer would be one.",
            );
        }
        statuses
    }
}

fn schema() -> BlockSchema {
    let attribute = |ty| model::Attribute::optional(ty, "");
    let types = [Type::String, Type::String, Type::list(Type::String)];
    let attributes = TARGETS.into_iter().zip(types);
    BlockSchema {
        attributes: attributes
            .map(|(name, ty)| (name.into(), attribute(ty)))
            .collect(),
        blocks: BTreeMap::new(),
    }
}
