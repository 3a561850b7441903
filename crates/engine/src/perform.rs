//! The only place that touches the outside. Whoever calls [`perform`] has made sure that the intent is durable.

use crate::Outside;
use crate::core::Configuration;
use crate::diag::{artifact_unusable, not_healthy, nothing_to_do_it_with, provider_broke};
use crate::limits::{GONE_MAX, LOOK_MS_MAX, PROBE_LEFT_MS_MIN};
use crate::marks::{
    Sensitive, unmarked_change, unmarked_open, unmarked_probe, unmarked_provision,
    unmarked_question,
};
use contract::{Looked, Probes, Unavailable};
use core::time::Duration;
use decide::Watch;
use model::{
    ActionId, Answer, Effect, Inquiry, InstanceSpec, Observation, OpenQuestion, Outcome, Probe,
    Question,
};
use value::{Diagnostic, Diagnostics, Marks, Value};

/// Carries out an effect.
pub(crate) async fn perform(
    outside: &Outside,
    action: ActionId,
    effect: &Effect,
    configuration: &Configuration,
) -> Outcome {
    if let Err(diagnostics) = configuration {
        return Outcome::Refused {
            diagnostics: diagnostics.clone(),
        };
    }
    match effect {
        Effect::Change(change) => match outside.provider(&change.provider, configuration).await {
            Some(Ok(provider)) => {
                let (change, sensitive) = unmarked_change(change, provider.schema());
                sensitive.outcome(provider.apply(action, &change).await)
            }
            Some(Err(diagnostics)) => Outcome::Refused { diagnostics },
            None => refused(nothing_to_do_it_with(&format!(
                "the provider `{}`",
                change.provider
            ))),
        },
        Effect::Place(spec) => place(outside, spec).await,
        Effect::Stop { instance, grace_ms } => match &outside.runtime {
            Some(runtime) => runtime.stop(instance, *grace_ms).await,
            None => refused(nothing_to_do_it_with("a runtime")),
        },
        Effect::Publish(table) => match &outside.router {
            Some(router) => router.publish(table).await,
            None => refused(nothing_to_do_it_with("a router")),
        },
        Effect::Build(spec) => match &outside.artifacts {
            Some(artifacts) => artifacts.build(spec).await,
            None => refused(nothing_to_do_it_with("an artifact store")),
        },
        Effect::Provision(provision) => match &outside.provisioners {
            Some(provisioners) => {
                let (provision, sensitive) = unmarked_provision(provision);
                sensitive.outcome(provisioners.run(action, &provision).await)
            }
            None => refused(nothing_to_do_it_with("what runs provisioners")),
        },
        Effect::Probe(probe) => match &outside.probes {
            Some(probes) => {
                let (probe, sensitive) = unmarked_probe(probe);
                sensitive.outcome(poll(probes.as_ref(), &probe, &sensitive).await)
            }
            None => refused(nothing_to_do_it_with("what looks at the health of objects")),
        },
    }
}

/// Looks until it was seen to be healthy often enough, or time is up: at least once, however little of it is left.
async fn poll(probes: &dyn Probes, probe: &Probe, sensitive: &Sensitive) -> Outcome {
    let manner = &probe.manner;
    let mut last = None;
    let left_ms = manner.deadline_ms.max(PROBE_LEFT_MS_MIN);
    let polling = async {
        let mut in_row = 0;
        loop {
            // Ends with the deadline around it at the latest.
            let sight = probes.look(probe, LOOK_MS_MAX).await?;
            in_row = if sight.healthy { in_row + 1 } else { 0 };
            last = Some(sensitive.answered(sight.answer));
            if in_row >= manner.successes {
                return Ok::<_, Diagnostics>(());
            }
            // The pause that is written between two looks; the deadline around it cuts it short.
            tokio::time::sleep(Duration::from_millis(manner.interval_ms)).await;
        }
    };
    let polled = tokio::time::timeout(Duration::from_millis(left_ms), polling).await;
    let answer = last.unwrap_or_else(|| String::from("there was no answer in time"));
    match polled {
        Ok(Ok(())) => Outcome::Healthy { answer },
        Ok(Err(diagnostics)) => Outcome::Refused { diagnostics },
        Err(_) => Outcome::Unhealthy {
            diagnostics: not_healthy(&probe.address.to_string(), &answer, manner.on_failure).into(),
            answer,
        },
    }
}

/// Verifies and unpacks before anything runs.
async fn place(outside: &Outside, spec: &InstanceSpec) -> Outcome {
    let (Some(artifacts), Some(runtime)) = (&outside.artifacts, &outside.runtime) else {
        return refused(nothing_to_do_it_with("a runtime with an artifact store"));
    };
    match artifacts.unpack(&spec.artifact).await {
        Ok(directory) => runtime.place(spec, &directory).await,
        // It may be there and whole another time, and says nothing about what was to run.
        Err(Unavailable(why)) => Outcome::Failed {
            diagnostics: artifact_unusable(&spec.instance.to_string(), &why).into(),
            retry_after_ms: None,
        },
    }
}

/// Finds out what became of an effect whose outcome was lost.
pub(crate) async fn inquire(
    outside: &Outside,
    action: ActionId,
    effect: &Effect,
    configuration: &Configuration,
) -> Looked {
    let unclear = |what: String| Looked::from(Inquiry::Unclear { what });
    let change = match effect {
        Effect::Change(change) => change,
        Effect::Provision(provision) => {
            return match &outside.provisioners {
                Some(provisioners) => {
                    let (provision, sensitive) = unmarked_provision(provision);
                    sensitive
                        .inquiry(provisioners.inquire(action, &provision).await)
                        .into()
                }
                None => unclear("what runs provisioners is not here to ask".into()),
            };
        }
        // These are repeated, never inquired into.
        Effect::Place(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Probe(_) => {
            return Inquiry::NotYet.into();
        }
    };
    match outside.provider(&change.provider, configuration).await {
        Some(Ok(provider)) => {
            let (change, sensitive) = unmarked_change(change, provider.schema());
            sensitive.looked(provider.inquire(action, &change).await)
        }
        Some(Err(found)) => unclear(
            found
                .iter()
                .next()
                .map_or_else(String::new, |one| one.detail.clone()),
        ),
        None => unclear(format!(
            "the provider `{}` is not here to ask",
            change.provider
        )),
    }
}

/// Asks a provider. One that goes away meanwhile is started anew and asked again: a question changes nothing.
pub(crate) async fn ask(
    outside: &Outside,
    question: &Question,
    configuration: &Configuration,
) -> Answer {
    let source = question.provider();
    let mut asked = 1;
    loop {
        // Ends with an answer, or with the last attempt.
        let provider = match question {
            // A function needs no configuration, and one of its provider may depend on it.
            Question::Call(_) => outside.providers.get(source).cloned().map(Ok),
            Question::Read(_)
            | Question::Plan(_)
            | Question::Data(_)
            | Question::Import(_)
            | Question::Upgrade(_)
            | Question::Open(_) => outside.provider(source, configuration).await,
        };
        let provider = match provider {
            Some(Ok(provider)) => provider,
            Some(Err(found)) => return Answer::Failed(found),
            None => {
                let what = format!("the provider `{source}`");
                return Answer::Failed(nothing_to_do_it_with(&what).into());
            }
        };
        let (plain, sensitive) = unmarked_question(question, provider.schema());
        let answer = provider.ask(&plain).await;
        let is_lost = matches!(answer, Answer::Failed(_)) && provider.is_gone();
        if !is_lost || asked >= GONE_MAX {
            return sensitive.answer(answer);
        }
        asked += 1;
    }
}

/// Opens an ephemeral resource and holds it: what it holds, and warnings.
pub(crate) async fn open(
    outside: &Outside,
    question: &OpenQuestion,
    configuration: &Configuration,
) -> Result<(Value, Diagnostics), Diagnostics> {
    let source = question.provider.as_str();
    let provider = match outside.provider(source, configuration).await {
        Some(provider) => provider?,
        None => return Err(nothing_to_do_it_with(&format!("the provider `{source}`")).into()),
    };
    let (plain, sensitive) = unmarked_open(question);
    // Whoever opens it again has no use for what was open before.
    outside.leases.let_go(&question.address).await;
    let Some(opening) = provider.open(&plain) else {
        let kind = &question.address.resource.kind;
        return Err(provider_broke(&format!("it has the type {kind} and opens none")).into());
    };
    let opened = opening.await.map_err(|found| sensitive.said(found))?;
    let value = opened.value.with_marks(Marks::EPHEMERAL);
    let sensitive = sensitive.with(&value);
    let found = sensitive.said(opened.diagnostics);
    let leases = &outside.leases;
    leases.hold(question.address.clone(), provider, opened.lease, sensitive);
    Ok((value, found))
}

/// Looks at something; none when nothing could be seen.
pub(crate) async fn look(outside: &Outside, watch: &Watch) -> Option<Vec<Observation>> {
    match watch {
        Watch::Instance(instance) => {
            let report = outside.runtime.as_ref()?.observe(instance).await.ok()?;
            Some(vec![Observation::Instance {
                instance: instance.clone(),
                state: report.state,
                detail: report.detail,
            }])
        }
        Watch::Counts => {
            let counts = outside.router.as_ref()?.counts().await.ok()?;
            Some(counts.into_iter().map(Observation::Counts).collect())
        }
    }
}

fn refused(diagnostic: Diagnostic) -> Outcome {
    Outcome::Refused {
        diagnostics: Diagnostics::from(diagnostic),
    }
}
