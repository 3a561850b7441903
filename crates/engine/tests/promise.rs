//! An object that is not what was planned is recorded as damaged: the loop asks `decide` before it writes the outcome.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what a test relies on may end it"
)]

use decide::{Blobs, LoadedReleases, World};
use engine::{Core, Input, Output};
use model::{
    ActionId, Address, Change, Digest, Effect, Event, Inquiry, Key, Mode, Module, ModulePath,
    Outcome, Release, Repeat, ResourceAddress, RunId, RunKind, RunOptions, Verb,
};
use std::sync::Arc;
use value::{Diagnostics, Value};

struct Nothing;

impl Blobs for Nothing {
    fn blob(&self, _: &Digest) -> Option<Vec<u8>> {
        None
    }
}

const RUN: RunId = RunId(7);

fn object(mode: &str) -> Value {
    Value::object([("mode".into(), Value::string(mode))].into())
}

fn change() -> Change {
    let resource = ResourceAddress {
        module: ModulePath::default(),
        mode: Mode::Managed,
        kind: "host_file".into(),
        name: "a".into(),
    };
    Change {
        address: Address {
            resource,
            key: Key::None,
        },
        provider: "example.com/odd".to_owned(),
        verb: Verb::Create,
        prior: None,
        config: Some(object("0644")),
        planned: Some(object("0644")),
        private: Vec::new(),
        repeat: Repeat::Never,
        settle_ms: 0,
        dependencies: Vec::new(),
        retry: None,
    }
}

/// A loop in which one change is under way.
fn under_way() -> (Core, ActionId) {
    let release = Release {
        modules: vec![Module::default()],
        ..Release::default()
    };
    let bytes = model::encode(&release);
    let action = ActionId::of(RUN, "host_file.a");
    let events = vec![
        Event::Opened {
            environment: "default".into(),
        },
        Event::Submitted {
            run: RUN,
            kind: RunKind::Deploy,
            release: Digest::of(&bytes),
            actor: "test".to_owned(),
            options: RunOptions::default(),
        },
        Event::Intended {
            run: RUN,
            action,
            attempt: 1,
            effect: Effect::Change(change()),
        },
    ];
    let mut core = Core::new(
        World::default(),
        LoadedReleases::new(),
        Arc::default(),
        Box::new(Nothing),
    );
    core.handle(1, Input::Record(events, vec![bytes]))
        .expect("recorded");
    let outputs = core.handle(1, Input::Durable).expect("folded");
    assert!(
        outputs
            .iter()
            .any(|one| matches!(one, Output::Perform { .. }))
    );
    (core, action)
}

/// What the loop writes about the change.
fn written(core: &mut Core, input: Input) -> Event {
    let mut outputs = core.handle(2, input).expect("taken");
    for _ in 0..8 {
        let appended = outputs.iter().find_map(|one| match one {
            Output::Append { entries, .. } => entries.iter().find_map(|entry| match &entry.event {
                event @ (Event::Finished { .. } | Event::Inquired { .. }) => Some(event.clone()),
                _ => None,
            }),
            _ => None,
        });
        if let Some(event) = appended {
            return event;
        }
        outputs = core.handle(2, Input::Durable).expect("folded");
    }
    panic!("nothing was written about the change")
}

fn made(mode: &str) -> Outcome {
    Outcome::Changed {
        object: Some(object(mode)),
        private: Vec::new(),
        diagnostics: Diagnostics::new(),
    }
}

fn is_damage(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Partial {
            object: found,
            diagnostics,
            ..
        } => *found == object("0600") && diagnostics.iter().any(|one| one.code == "SF0916"),
        _ => false,
    }
}

#[test]
fn an_outcome_that_breaks_the_promise_is_written_as_damage() {
    for (mode, damage) in [("0600", true), ("0644", false)] {
        let (mut core, action) = under_way();
        let input = Input::Ended {
            run: RUN,
            action,
            attempt: 1,
            outcome: made(mode),
        };
        let Event::Finished { outcome, .. } = written(&mut core, input) else {
            panic!("another event");
        };
        assert_eq!(is_damage(&outcome), damage, "{mode}: {outcome:?}");
    }
}

#[test]
fn so_is_one_that_was_found_later() {
    let (mut core, action) = under_way();
    let lost = Input::Ended {
        run: RUN,
        action,
        attempt: 1,
        outcome: Outcome::Unknown {
            why: "the answer was lost".to_owned(),
        },
    };
    core.handle(2, lost).expect("taken");
    let asked = (0..8).any(|_| {
        let outputs = core.handle(2, Input::Durable).expect("folded");
        outputs
            .iter()
            .any(|one| matches!(one, Output::Inquire { .. }))
    });
    assert!(asked, "a lost outcome is inquired into");
    let input = Input::Inquired {
        run: RUN,
        action,
        attempt: 1,
        looked: Inquiry::Found(made("0600")).into(),
    };
    let Event::Inquired {
        inquiry: Inquiry::Found(outcome),
        ..
    } = written(&mut core, input)
    else {
        panic!("another event");
    };
    assert!(is_damage(&outcome), "{outcome:?}");
}
