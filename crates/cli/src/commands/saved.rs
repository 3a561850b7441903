//! Plans that are kept in files: `plan -out=FILE`, `show FILE`, `apply FILE`.
//!
//! A file holds the release, the answers of the providers and the world that a plan was made from, and the plan. It is
//! not carried out as it stands: the plan is made again, from the answers in the file and from the book as it is now,
//! and only if that gives the same plan it goes ahead. So a run from a file stands in the book like any other, and can
//! be derived again from it. What is sensitive in the file is sealed with the project's key.

use super::apply::{self, Previewed};
use super::takeover::{Then, submit, take_over};
use crate::args::{ApplyArgs, Variables};
use crate::diag;
use crate::error::CommandError;
use crate::exit;
use crate::render::diagnostics::Sources;
use crate::render::plan as render;
use crate::render::progress::Progress;
use crate::session::{Session, actor, fresh};
use decide::{Blobs, LoadedRelease, LoadedReleases, Object, World};
use engine::Secrets;
use interchange::{Making, Secrecy};
use model::{Address, Answer, Checked, Digest, Event, Plan, Question, RunId, RunKind, RunOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use value::{Name, Value};

/// What a file begins with: what it is, and the version of its form. The digest of the rest follows, then the rest.
const BEGINNING: &[u8] = b"steadfast.plan.1\n";

/// Bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// Largest file that is read: far more than any book takes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Addresses named where a plan would be another one now.
const NAMED_MAX: usize = 5;

/// Everything in a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// Which program wrote it.
    program: String,
    environment: String,
    made_at_ms: i64,
    options: RunOptions,
    release: Digest,
    content: Vec<Vec<u8>>,
    /// Answers by the digest of the stored form of their question.
    answers: Vec<(Digest, Answer)>,
    plan: Plan,
    resources: Vec<(Address, Object)>,
    deposed: Vec<(Address, Object)>,
    outputs: BTreeMap<Name, Value>,
    checks: Vec<Checked>,
}

/// Keeps a plan in a file.
pub(super) fn keep(
    session: &Session,
    path: &Path,
    previewed: Previewed,
) -> Result<(), CommandError> {
    let secrets = match session.secrets()? {
        Some(secrets) => secrets,
        None => {
            // Whoever makes the key holds the book.
            let _writer = session.writer()?;
            let reader = session.reader()?.ok_or_else(no_book)?;
            session.secrets_to_act(&reader)?
        }
    };
    let Previewed {
        preview,
        mut definition,
        world,
        options,
        environment,
    } = previewed;
    definition.seal(&secrets);
    // What is ephemeral stands in no file: whoever applies the plan asks again.
    let is_kept = |question: &Question| match question {
        Question::Call(call) => !decide::is_ephemeral(call),
        _ => true,
    };
    let dialogue = preview.dialogue.into_iter();
    let answers = dialogue.filter(|(question, _)| is_kept(question));
    let answers = answers.map(|(question, answer)| {
        let stored = secrets.seal(&model::encode(&question));
        (Digest::of(&stored), answer)
    });
    let saved = Saved {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        environment,
        made_at_ms: preview.made_at_ms,
        options: RunOptions {
            planned_at_ms: Some(preview.made_at_ms),
            ..options
        },
        release: definition.digest,
        content: definition.content,
        answers: answers.collect(),
        plan: preview.plan,
        resources: world.resources.into_iter().collect(),
        deposed: world.deposed,
        outputs: world.outputs,
        checks: world.checks,
    };
    let body = secrets.seal(&model::encode(&saved));
    let path = session.project.root.join(path);
    let written = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path)?;
        file.write_all(BEGINNING)?;
        file.write_all(&Digest::of(&body).0)?;
        file.write_all(&body)?;
        file.sync_all()
    };
    written().map_err(|source| CommandError::Path {
        what: "write the plan",
        path: path.clone(),
        source,
    })
}

fn no_book() -> CommandError {
    CommandError::Failed("the book that was just opened is gone".to_owned())
}

/// Reads a file that should hold a plan.
pub(super) fn read(session: &Session, given: &Path) -> Result<Saved, CommandError> {
    let unusable = |why: &str| CommandError::Diagnostics {
        diagnostics: diag::no_plan(given, why).into(),
        sources: Sources::default(),
        code: exit::BAD_INPUT,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(session.project.root.join(given))
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| unusable(&format!("it could not be read ({error})")))?;
    let Some(rest) = bytes.strip_prefix(BEGINNING) else {
        return Err(unusable(if bytes.starts_with(b"PK") {
            "it looks like a plan of Terraform"
        } else {
            "it is no plan, or one of another version of this program"
        }));
    };
    let whole = rest
        .split_at_checked(DIGEST_BYTES)
        .filter(|(digest, body)| Digest::of(body).0 == *digest);
    let Some((_, body)) = whole else {
        return Err(unusable("it is damaged, or only a part of it is there"));
    };
    let opened = match session.secrets()? {
        Some(secrets) => secrets
            .open(body)
            .map_err(|error| unusable(&error.to_string()))?,
        None => body.to_vec(),
    };
    model::decode(&opened).map_err(|_| unusable("another version of this program wrote it"))
}

/// The content of a file, as a release is loaded from it.
struct Content<'a> {
    by_digest: BTreeMap<Digest, &'a [u8]>,
    secrets: Option<Secrets>,
}

impl Blobs for Content<'_> {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.by_digest.get(digest).map(|bytes| bytes.to_vec())
    }

    fn texts(&self) -> Option<value::TextReader> {
        Some(definition::TEXTS)
    }

    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        match &self.secrets {
            Some(secrets) => secrets.open(&stored).map_err(|error| error.to_string()),
            None => Ok(stored),
        }
    }
}

impl Saved {
    fn loaded(&self, session: &Session) -> Result<Arc<LoadedRelease>, CommandError> {
        let pieces = self.content.iter();
        let content = Content {
            by_digest: pieces
                .map(|bytes| (Digest::of(bytes), bytes.as_slice()))
                .collect(),
            secrets: session.secrets()?,
        };
        LoadedReleases::new()
            .load(&self.release, &content)
            .map_err(CommandError::Failed)
    }

    fn world(&self) -> World {
        World {
            environment: Name::from(self.environment.as_str()),
            resources: self.resources.iter().cloned().collect(),
            deposed: self.deposed.clone(),
            outputs: self.outputs.clone(),
            checks: self.checks.clone(),
            ..World::default()
        }
    }
}

/// `show FILE`.
pub(super) fn show(
    session: &Session,
    path: &Path,
    secrecy: Secrecy,
    json: bool,
) -> Result<u8, CommandError> {
    let saved = read(session, path)?;
    if !json {
        anstream::print!("{}", render::text(&saved.plan));
        return Ok(exit::OK);
    }
    let loaded = saved.loaded(session)?;
    let making = Making {
        loaded: &loaded,
        world: &saved.world(),
        schemas: &session.providers(&Variables::default())?.schemas(),
        at_ms: saved.made_at_ms,
        secrecy,
    };
    anstream::println!("{}", interchange::plan(&saved.plan, making));
    Ok(exit::OK)
}

/// `apply FILE`.
pub(super) fn apply(
    session: &Session,
    path: &Path,
    args: &ApplyArgs,
    json: bool,
) -> Result<u8, CommandError> {
    let saved = read(session, path)?;
    let loaded = saved.loaded(session)?;
    refuse_planning(args, &loaded)?;
    session.lend_for(&loaded.release, &args.planning.variables)?;
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, &saved.environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
        return Ok(code);
    }
    let mut progress = Progress::new(json);
    engine.prepare(saved.answers.into_iter().collect())?;
    let event = Event::Submitted {
        run: RunId(fresh()?),
        kind: RunKind::Apply,
        release: saved.release,
        actor: actor(),
        options: RunOptions {
            parallelism: args.planning.parallelism.unwrap_or(0),
            ..saved.options
        },
    };
    submit(session, &mut engine, event, saved.content, &mut progress)?;
    let sources = apply::stored_sources(session, &engine)?;
    let expected = apply::Expected {
        plan: &saved.plan,
        path,
    };
    apply::finish_expected(
        session,
        &mut engine,
        &mut progress,
        &sources,
        apply::Consent::Kept(expected),
        json,
    )
}

/// What is planned stands in the file: nothing can be said about it any more.
fn refuse_planning(args: &ApplyArgs, loaded: &LoadedRelease) -> Result<(), CommandError> {
    let planning = &args.planning;
    // Values of ephemeral variables are not in it, and are given again.
    let is_planned = |text: &String| {
        let name = text.split('=').next().unwrap_or(text).trim();
        !decide::ephemeral(&loaded.release).any(|(ephemeral, _)| **ephemeral == *name)
    };
    let files = !planning.variables.var_files.is_empty();
    let given = [
        (planning.variables.vars.iter().any(is_planned), "-var"),
        (
            files && decide::ephemeral(&loaded.release).next().is_none(),
            "-var-file",
        ),
        (!planning.replace.is_empty(), "-replace"),
        (!planning.target.is_empty(), "-target"),
        (!planning.exclude.is_empty(), "-exclude"),
        (planning.refresh_only, "-refresh-only"),
        (!planning.refresh, "-refresh=false"),
        (args.destroy, "-destroy"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(CommandError::Usage(format!(
            "{option}: what shall be done stands in the plan already; give it to `steadfast plan -out=FILE`"
        ))),
        None => Ok(()),
    }
}

/// What a plan that was made again says otherwise than the one that was kept; none when they are the same.
pub(super) fn difference(made: &Plan, kept: &Plan) -> Option<String> {
    let alike = Plan {
        base: kept.base,
        release: kept.release,
        ..made.clone()
    };
    if alike == *kept {
        return None;
    }
    let mut named = Vec::new();
    let old: BTreeMap<_, _> = kept.changes.iter().map(|one| (at(one), one)).collect();
    let new: BTreeMap<_, _> = made.changes.iter().map(|one| (at(one), one)).collect();
    for (place, change) in &new {
        if old.get(place) != Some(change) {
            named.push(place.0.to_string());
        }
    }
    let gone = old.keys().filter(|place| !new.contains_key(*place));
    named.extend(gone.map(|place| place.0.to_string()));
    for (name, change) in &made.outputs {
        if kept.outputs.get(name) != Some(change) {
            named.push(format!("output.{name}"));
        }
    }
    named.dedup();
    let more = named.len().saturating_sub(NAMED_MAX);
    named.truncate(NAMED_MAX);
    Some(match (named.is_empty(), more) {
        (true, _) => "something it rests on has changed".to_owned(),
        (false, 0) => format!("{} changed", named.join(", ")),
        (false, more) => format!("{} and {more} more changed", named.join(", ")),
    })
}

fn at(change: &model::PlannedChange) -> (&Address, bool) {
    (&change.address, change.deposed)
}
