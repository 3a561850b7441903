//! `service`: instances of an artifact behind a route, with their health and rollout.

use super::{Delivery, value_span};
use crate::compile::body;
use crate::diag::delivery as diag;
use crate::lower::literal;
use crate::syntax::{Block, Body, ExpressionKind};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{Health, Judge, ROLLOUT_STEP_MS_DEFAULT, Rollout, RolloutKind, Service};
use value::{Expr, Name, Number, Span, Type, Value};

/// Time an instance has to stop when nothing is said.
const STOP_GRACE_MS_DEFAULT: u64 = 10_000;

/// Health checks when nothing is said: of the root path, every second, answered within one, well within a minute.
const HEALTH_PATH_DEFAULT: &str = "/";
const HEALTH_INTERVAL_MS_DEFAULT: u64 = 1_000;
const HEALTH_TIMEOUT_MS_DEFAULT: u64 = 1_000;
const HEALTH_DEADLINE_MS_DEFAULT: u64 = 60_000;

/// Shares of a canary when nothing is said, in percent.
const STEPS_DEFAULT: [u8; 4] = [5, 25, 50, 100];

/// Fewest requests per step of a canary when nothing is said.
const REQUESTS_MIN_DEFAULT: u64 = 50;

/// Longest wait for evidence when nothing is said.
const EVIDENCE_DEADLINE_MS_DEFAULT: u64 = 300_000;

/// How long a canary is watched after its last step when nothing is said.
const BAKE_MS_DEFAULT: u64 = 600_000;

/// Chance of a false alarm when nothing is said: one in a thousand.
const FALSE_ALARM_PPM_DEFAULT: u32 = 1_000;

/// Most instances of one service.
const REPLICAS_MAX: u64 = 1_000;

/// Highest port there is.
const PORT_MAX: u64 = 65_535;

/// Settings of services that later versions bring.
const LATER: [&str; 3] = ["scale", "zones", "flags"];

impl Delivery<'_, '_> {
    pub(super) fn service(&mut self, block: &Block) -> Option<Service> {
        let whose = "A service block";
        let inside = &block.body;
        let arguments = [
            "artifact",
            "replicas",
            "port",
            "env",
            "stop_grace",
            "memory",
            "depends_on",
        ];
        self.check(inside, whose, &arguments, &["health", "rollout"], &LATER);
        let artifact = self.required(block, "artifact", whose);
        let artifact = artifact.and_then(|attribute| self.name(&attribute.value, "artifact"));
        let service = Service {
            replicas: self.number(inside, "replicas", (1, REPLICAS_MAX), block.header),
            port: self.number(inside, "port", (0, PORT_MAX), block.header),
            env: self.env(inside),
            health: self.health(inside),
            rollout: self.rollout(inside),
            stop_grace_ms: self
                .duration(inside, "stop_grace")
                .unwrap_or(STOP_GRACE_MS_DEFAULT),
            memory_bytes_max: self.size(inside, "memory").unwrap_or(0),
            depends_on: self.names(inside, "depends_on", "service"),
            span: block.header,
            artifact: artifact?,
        };
        Some(service)
    }

    /// An expression for a whole number up to a bound. A constant is checked now, anything else when it is computed.
    fn number(
        &mut self,
        inside: &Body,
        name: &str,
        (default, most): (i64, u64),
        header: Span,
    ) -> Expr {
        let Some(attribute) = inside.attribute(name) else {
            return literal(Value::number(default), header);
        };
        let before = self.lowerer.diagnostics.0.len();
        let expr = self.lowerer.converted(&attribute.value, &Type::Number);
        let reported = self.lowerer.diagnostics.0.len() > before;
        if expr.is_constant() && !reported && attribute.value.kind != ExpressionKind::Invalid {
            self.whole(inside, name, 0, most);
        }
        expr
    }

    /// Environment variables, each its own expression, so that one that is not known yet holds back no other.
    fn env(&mut self, inside: &Body) -> BTreeMap<Name, Expr> {
        let mut env = BTreeMap::new();
        let Some(attribute) = inside.attribute("env") else {
            return env;
        };
        let ExpressionKind::Object(items) = &attribute.value.kind else {
            let detail = "\"env\" is an object with the names of environment variables as keys: { NAME = value }.";
            self.invalid(inside, "env", detail);
            return env;
        };
        for (key, value) in items {
            let name = match key.as_keyword() {
                Some(name) => Some(name.clone()),
                None => {
                    let what = "The name of an environment variable";
                    crate::lower::constant(key, &Type::String, what, self.diagnostics)
                        .and_then(|name| name.as_str().map(Name::from))
                }
            };
            let Some(name) = name else {
                continue;
            };
            if name.is_empty() || name.contains(['=', '\0']) {
                let detail = "The name of an environment variable is not empty and has no equals sign in it.";
                self.diagnostics
                    .push(diag::invalid_setting(key.span, detail));
                continue;
            }
            let expr = self.lowerer.converted(value, &Type::String);
            if env.insert(name, expr).is_some() {
                let detail = "This environment variable is set twice.";
                self.diagnostics
                    .push(diag::invalid_setting(key.span, detail));
            }
        }
        env
    }

    fn health(&mut self, inside: &Body) -> Health {
        let mut health = Health {
            path: HEALTH_PATH_DEFAULT.into(),
            interval_ms: HEALTH_INTERVAL_MS_DEFAULT,
            timeout_ms: HEALTH_TIMEOUT_MS_DEFAULT,
            deadline_ms: HEALTH_DEADLINE_MS_DEFAULT,
        };
        let Some(block) = body::single(inside, "health", self.diagnostics) else {
            return health;
        };
        let settings = &block.body;
        let arguments = ["path", "interval", "timeout", "deadline"];
        self.check(settings, "A health block", &arguments, &[], &[]);
        if let Some(path) = self.text(settings, "path") {
            if !path.starts_with('/') {
                self.invalid(
                    settings,
                    "path",
                    "The path of a health check begins with a slash.",
                );
            }
            health.path = path;
        }
        let durations = [
            ("interval", &mut health.interval_ms),
            ("timeout", &mut health.timeout_ms),
            ("deadline", &mut health.deadline_ms),
        ];
        for (name, place) in durations {
            if let Some(duration) = self.positive_duration(settings, name) {
                *place = duration;
            }
        }
        health
    }

    fn rollout(&mut self, inside: &Body) -> Rollout {
        let rolling = Rollout {
            kind: RolloutKind::Rolling,
            steps: alloc::vec![100],
            step_ms: 0,
            requests_min: 0,
            evidence_deadline_ms: EVIDENCE_DEADLINE_MS_DEFAULT,
            bake_ms: 0,
            judge: Judge {
                errors: true,
                false_alarm_ppm: FALSE_ALARM_PPM_DEFAULT,
            },
        };
        let Some(block) = body::single(inside, "rollout", self.diagnostics) else {
            return rolling;
        };
        let Some(kind) = self.rollout_kind(block) else {
            return rolling;
        };
        let canary = kind == RolloutKind::Canary;
        let settings = &block.body;
        let arguments: &[&str] = if canary {
            &["steps", "step", "min_requests", "evidence_deadline", "bake"]
        } else {
            &["bake"]
        };
        self.check(
            settings,
            "A rollout block",
            arguments,
            &["judge"],
            &["zones", "regions"],
        );
        let judge = self.judge(settings);
        let bake_ms = self.duration(settings, "bake");
        if !canary {
            return Rollout {
                bake_ms: bake_ms.unwrap_or(0),
                judge,
                ..rolling
            };
        }
        Rollout {
            kind: RolloutKind::Canary,
            steps: self.steps(settings),
            step_ms: self
                .duration(settings, "step")
                .unwrap_or(ROLLOUT_STEP_MS_DEFAULT),
            // A step that nobody used proves nothing.
            requests_min: self
                .whole(settings, "min_requests", 1, u64::from(u32::MAX))
                .unwrap_or(REQUESTS_MIN_DEFAULT),
            evidence_deadline_ms: self
                .positive_duration(settings, "evidence_deadline")
                .unwrap_or(EVIDENCE_DEADLINE_MS_DEFAULT),
            bake_ms: bake_ms.unwrap_or(BAKE_MS_DEFAULT),
            judge,
        }
    }

    /// The label of a rollout block; none when it has been reported.
    fn rollout_kind(&mut self, block: &Block) -> Option<RolloutKind> {
        body::labels(block, &["KIND"], self.diagnostics)?;
        match &*block.labels.first()?.name {
            "canary" => Some(RolloutKind::Canary),
            "rolling" => Some(RolloutKind::Rolling),
            "blue-green" | "blue_green" => {
                let what = "A blue-green rollout";
                let found = diag::not_in_this_version(block.header, what);
                self.diagnostics.push(found);
                None
            }
            other => {
                let detail = alloc::format!(
                    "There is no kind of rollout \"{other}\"; there are \"rolling\" and \"canary\"."
                );
                let found = diag::invalid_setting(block.header, &detail);
                self.diagnostics.push(found);
                None
            }
        }
    }

    /// Ascending percentages that end with everything.
    fn steps(&mut self, settings: &Body) -> Vec<u8> {
        let Some(value) = self.constant(settings, "steps", &Type::list(Type::Number)) else {
            return STEPS_DEFAULT.to_vec();
        };
        let items = value.elements().unwrap_or(&[]).iter();
        let steps: Vec<u8> = items
            .filter_map(|item| item.as_number().and_then(Number::as_u64))
            .filter_map(|step| u8::try_from(step).ok())
            .collect();
        let all = value.elements().map_or(0, <[Value]>::len);
        let ascending = steps.windows(2).all(|pair| match pair {
            [a, b] => a < b,
            _ => true,
        });
        let valid = steps.len() == all
            && ascending
            && steps.first().is_some_and(|step| *step > 0)
            && steps.last() == Some(&100);
        if !valid {
            let detail = "\"steps\" are whole percentages above 0, each larger than the one before, the last 100: [5, 25, 50, 100].";
            self.invalid(settings, "steps", detail);
        }
        steps
    }

    fn judge(&mut self, settings: &Body) -> Judge {
        let mut judge = Judge {
            errors: true,
            false_alarm_ppm: FALSE_ALARM_PPM_DEFAULT,
        };
        let Some(block) = body::single(settings, "judge", self.diagnostics) else {
            return judge;
        };
        let inside = &block.body;
        let arguments = ["errors", "false_alarm"];
        self.check(
            inside,
            "A judge block",
            &arguments,
            &[],
            &["latency", "baseline"],
        );
        if let Some(errors) = self.constant(inside, "errors", &Type::Bool) {
            judge.errors = errors.as_bool().unwrap_or(true);
        }
        if let Some(rate) = self.constant(inside, "false_alarm", &Type::Number) {
            match rate.as_number().and_then(parts_per_million) {
                Some(ppm) => judge.false_alarm_ppm = ppm,
                None => {
                    let detail =
                        "\"false_alarm\" is a chance between 0.000001 and 0.5, such as 0.001.";
                    let span = value_span(inside, "false_alarm");
                    self.diagnostics.push(diag::invalid_setting(span, detail));
                }
            }
        }
        judge
    }
}

/// A chance in parts per million, exact; none outside of the bounds that make sense.
fn parts_per_million(rate: &Number) -> Option<u32> {
    let million = Number::from(1_000_000);
    let ppm = rate.multiply(&million).ok()?.as_u64()?;
    u32::try_from(ppm)
        .ok()
        .filter(|ppm| (1..=500_000).contains(ppm))
}
