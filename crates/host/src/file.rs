//! `host_file`: a regular file with this content, mode and owner.
//!
//! The object holds the digest of the content beside what was configured, so that any drift shows; where the content
//! itself was configured, the object holds it too. A creation over an existing file is refused unless the file is
//! already exactly as planned; then it is taken over.

use crate::diag::{self, Trouble};
use crate::form::{self, Parts, Said};
use crate::limits::{DRIFT_SHOWN_BYTES_MAX, FILE_BYTES_MAX};
use crate::machine::Machine;
use crate::rights::{self, Rights};
use crate::standing::{self, Content, Meta, Standing};
use crate::write::Over;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use contract::{Answer, Inquiry, Outcome};
use model::{ActionId, BlockSchema, Change, Digest, Repeat};
use std::io::Read as _;
use std::path::Path;
use value::{Diagnostic, Diagnostics, Type, Value};

/// Mode when none is configured.
const MODE_DEFAULT: &str = "0644";

/// Attributes that say what the file holds; exactly one is set.
const CONTENT_ATTRIBUTES: [&str; 3] = ["content", "content_base64", "source"];

pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Some(path) = form::known(config, "path")
        && let Err(diagnostic) = standing::check_path("path", path)
    {
        found.push(diagnostic);
    }
    if let Err(diagnostic) = rights::check_mode(config) {
        found.push(diagnostic);
    }
    if let Err(diagnostic) = check_content(config) {
        found.push(diagnostic);
    }
    found
}

fn check_content(config: &Value) -> Result<(), Diagnostic> {
    let said = CONTENT_ATTRIBUTES.map(|name| (name, form::text(config, name)));
    let set: Vec<&str> = said
        .iter()
        .filter(|(_, said)| matches!(said, Said::This(_)))
        .map(|(name, _)| *name)
        .collect();
    let later = said.iter().any(|(_, said)| matches!(said, Said::Later));
    if set.len() > 1 || (set.is_empty() && !later) {
        return Err(diag::content_choice(&set));
    }
    if let Some(source) = form::known(config, "source") {
        standing::check_path("source", source)?;
    }
    for name in ["content", "content_base64"] {
        if let Some(text) = form::known(config, name)
            && text.len() as u64 > FILE_BYTES_MAX
        {
            return Err(diag::too_large(name, text.len() as u64, FILE_BYTES_MAX));
        }
    }
    match form::known(config, "content_base64") {
        Some(text) if BASE64.decode(text).is_err() => Err(diag::not_base64()),
        Some(_) | None => Ok(()),
    }
}

/// The configured content; none where that is not known yet.
fn configured(machine: &Machine, config: &Value) -> Result<Option<Vec<u8>>, Diagnostic> {
    check_content(config)?;
    if let Some(text) = form::known(config, "content") {
        Ok(Some(text.as_bytes().to_vec()))
    } else if let Some(text) = form::known(config, "content_base64") {
        BASE64
            .decode(text)
            .map(Some)
            .map_err(|_| diag::not_base64())
    } else if let Some(source) = form::known(config, "source") {
        let path = machine.path(source);
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => Err(diag::source_unreadable(&path, &error)),
            Ok(n) if n as u64 > FILE_BYTES_MAX => {
                Err(diag::too_large("source", n as u64, FILE_BYTES_MAX))
            }
            Ok(_) => Ok(Some(bytes)),
        }
    } else {
        Ok(None)
    }
}

pub(crate) fn plan(
    machine: &Machine,
    config: &Value,
    prior: &Value,
) -> Result<Answer, Diagnostics> {
    let found = validate(config);
    if found.has_errors() {
        return Err(found);
    }
    let content = configured(machine, config)?;
    let (sha256, size) = match &content {
        Some(bytes) => (
            hex(&Digest::of(bytes)),
            Value::number(count(bytes.len() as u64)),
        ),
        None => (Value::unknown(Type::String), Value::unknown(Type::Number)),
    };
    let planned = form::with(config, plan_common(config, prior, MODE_DEFAULT));
    let planned = form::with(&planned, [("sha256", sha256), ("size", size)]);
    Ok(form::planned(
        planned,
        replaced(config, prior),
        Repeat::Safe,
    ))
}

/// What files and directories have in common: identity and rights.
pub(crate) fn plan_common(config: &Value, prior: &Value, mode: &str) -> [(&'static str, Value); 4] {
    let configured = |name: &'static str| config.get(name).filter(|value| !value.is_null());
    let before = |name: &'static str| prior.get(name).filter(|value| !value.is_null());
    let unknown = Value::unknown(Type::String);
    let or_before = |name| {
        let value = configured(name)
            .or_else(|| before(name))
            .unwrap_or(&unknown);
        (name, value.clone())
    };
    let path = configured("path").map(|path| path.clone().without_marks());
    [
        ("id", path.unwrap_or_else(|| unknown.clone())),
        (
            "mode",
            configured("mode")
                .cloned()
                .unwrap_or_else(|| Value::string(mode)),
        ),
        or_before("owner"),
        or_before("group"),
    ]
}

/// Another path is another object.
pub(crate) fn replaced(config: &Value, prior: &Value) -> &'static [&'static str] {
    if !prior.is_null() && !form::same(config, prior, "path") {
        &["path"]
    } else {
        &[]
    }
}

pub(crate) fn read(machine: &Machine, prior: &Value) -> Result<Answer, Trouble> {
    let path = machine.path_of(prior)?;
    let meta = match machine.look(&path)? {
        Standing::File(meta) => meta,
        Standing::Nothing => return Ok(form::read(None, Diagnostics::new())),
        other @ (Standing::Directory(_) | Standing::Other(_)) => {
            let warning = diag::something_else(&path, other.what());
            return Ok(form::read(None, warning.into()));
        }
    };
    let before = form::known(prior, "sha256").and_then(Digest::parse);
    let looked = match meta.digest.is_some() && meta.digest == before {
        true => machine.content_of(&path, &meta),
        false => machine.content(&path, DRIFT_SHOWN_BYTES_MAX),
    };
    let content = match looked {
        // It went between the two looks.
        Err(_) if matches!(machine.look(&path)?, Standing::Nothing) => {
            return Ok(form::read(None, Diagnostics::new()));
        }
        content => content?,
    };
    let object = form::with(prior, machine.accounts()?.described(&meta, prior)?);
    let object = if form::known(prior, "sha256") == Some(&hex_text(&content.digest)) {
        object
    } else {
        drifted(&object, &content)
    };
    Ok(form::read(Some(object), Diagnostics::new()))
}

/// The object with the content that was found instead of the one it had.
fn drifted(object: &Value, content: &Content) -> Value {
    let text = |name: &'static str, text: Option<String>| {
        let before = object.get(name).filter(|value| !value.is_null())?;
        let value = text.map_or_else(|| Value::null(Type::String), Value::string);
        Some((name, value.with_marks(before.marks())))
    };
    let bytes = content.bytes.as_deref();
    let utf8 = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    // Of a file that is taken over nothing says yet how its content is written down.
    let said = |name| object.get(name).is_some_and(|value| !value.is_null());
    let taken_over = !["content", "content_base64", "source"]
        .into_iter()
        .any(said);
    let content_text = match utf8 {
        Some(utf8) if taken_over => Some(("content", Value::string(utf8))),
        utf8 => text("content", utf8),
    };
    let shown = [
        content_text,
        text("content_base64", bytes.map(|bytes| BASE64.encode(bytes))),
        Some(("sha256", hex(&content.digest))),
        Some(("size", Value::number(count(content.size)))),
    ];
    form::with(object, shown.into_iter().flatten())
}

/// What a change wants to stand at its path.
struct Wanted {
    digest: Digest,
    rights: Rights,
}

impl Wanted {
    fn of(machine: &Machine, config: &Value, planned: &Value) -> Result<Self, Trouble> {
        let planned_digest = form::known(planned, "sha256").and_then(Digest::parse);
        let digest = match planned_digest {
            Some(digest) => digest,
            None => Digest::of(&known_content(machine, config)?),
        };
        Ok(Self {
            digest,
            rights: machine.accounts()?.wanted(planned)?,
        })
    }

    /// In words what is different at the path, if anything is.
    fn difference(
        &self,
        machine: &Machine,
        path: &Path,
        meta: &Meta,
    ) -> Result<Option<String>, Trouble> {
        let digest = machine.content_of(path, meta)?.digest;
        if digest != self.digest {
            return Ok(Some(format!(
                "its content has the digest {}, not {}",
                digest.short(),
                self.digest.short()
            )));
        }
        Ok(self.rights.difference(meta))
    }
}

fn known_content(machine: &Machine, config: &Value) -> Result<Vec<u8>, Trouble> {
    let content = configured(machine, config)?;
    content.ok_or_else(|| diag::content_choice(&[]).into())
}

pub(crate) fn apply(
    machine: &Machine,
    block: &BlockSchema,
    action: ActionId,
    change: &Change,
) -> Result<Outcome, Trouble> {
    match form::parts(block, change)? {
        Parts::Create { config, planned } => {
            let path = machine.path_of(planned)?;
            let wanted = Wanted::of(machine, config, planned)?;
            match machine.look(&path)? {
                Standing::Nothing => {
                    let content = unchanged(machine, config, &wanted)?;
                    machine.write_file(&path, action, &content, wanted.rights, Over::Nothing)?;
                }
                Standing::File(meta) => {
                    if let Some(difference) = wanted.difference(machine, &path, &meta)? {
                        return Err(diag::exists(&path, &difference).into());
                    }
                }
                other @ (Standing::Directory(_) | Standing::Other(_)) => {
                    return Err(diag::exists(&path, &format!("it is {}", other.what())).into());
                }
            }
            found(machine, &path, change)
        }
        Parts::Update {
            config, planned, ..
        } => {
            let path = machine.path_of(planned)?;
            let wanted = Wanted::of(machine, config, planned)?;
            update(machine, &path, action, config, &wanted)?;
            found(machine, &path, change)
        }
        Parts::Delete { prior } => {
            let path = machine.path_of(prior)?;
            match machine.look(&path)? {
                Standing::Nothing | Standing::File(_) => machine.remove_file(&path)?,
                other @ (Standing::Directory(_) | Standing::Other(_)) => {
                    return Err(diag::in_the_way(&path, other.what()).into());
                }
            }
            Ok(form::deleted())
        }
    }
}

fn update(
    machine: &Machine,
    path: &Path,
    action: ActionId,
    config: &Value,
    wanted: &Wanted,
) -> Result<(), Trouble> {
    match machine.look(path)? {
        Standing::File(meta) if machine.content_of(path, &meta)?.digest == wanted.digest => {
            match wanted.rights.difference(&meta) {
                Some(_) => machine.set_rights(path, wanted.rights, &meta),
                None => Ok(()),
            }
        }
        Standing::File(_) | Standing::Nothing => {
            let content = unchanged(machine, config, wanted)?;
            machine.write_file(path, action, &content, wanted.rights, Over::Anything)
        }
        other @ (Standing::Directory(_) | Standing::Other(_)) => {
            Err(diag::in_the_way(path, other.what()).into())
        }
    }
}

/// The content, if it is still what was planned.
fn unchanged(machine: &Machine, config: &Value, wanted: &Wanted) -> Result<Vec<u8>, Trouble> {
    let content = known_content(machine, config)?;
    if Digest::of(&content) == wanted.digest {
        Ok(content)
    } else {
        let source = form::known(config, "source").unwrap_or("content");
        Err(diag::source_changed(source).into())
    }
}

/// The outcome as the file stands.
fn found(machine: &Machine, path: &Path, change: &Change) -> Result<Outcome, Trouble> {
    let Standing::File(meta) = machine.look(path)? else {
        return Err(Trouble::Lost(format!(
            "{} was gone again as soon as it had been written",
            path.display()
        )));
    };
    let content = machine.content_of(path, &meta)?;
    let planned = change
        .planned
        .clone()
        .unwrap_or_else(|| Value::null(Type::Any));
    let [mode, owner, group] = machine.accounts()?.described(&meta, &planned)?;
    let id = form::known(&planned, "path").unwrap_or_default();
    let results = [
        ("id", Value::string(id)),
        ("sha256", hex(&content.digest)),
        ("size", Value::number(count(content.size))),
        mode,
        owner,
        group,
    ];
    Ok(form::changed(
        form::fill(change, &results),
        Diagnostics::new(),
    ))
}

pub(crate) fn inquire(
    machine: &Machine,
    block: &BlockSchema,
    change: &Change,
) -> Result<Inquiry, Trouble> {
    let (config, planned, prior) = match form::parts(block, change)? {
        Parts::Create { config, planned } => (config, planned, None),
        Parts::Update {
            prior,
            config,
            planned,
        } => (config, planned, Some(prior)),
        Parts::Delete { prior } => {
            let path = machine.path_of(prior)?;
            return Ok(match machine.look(&path)? {
                Standing::Nothing => Inquiry::Found(form::deleted()),
                Standing::File(_) => Inquiry::Absent,
                other @ (Standing::Directory(_) | Standing::Other(_)) => {
                    unclear(&path, other.what())
                }
            });
        }
    };
    let path = machine.path_of(planned)?;
    let meta = match machine.look(&path)? {
        Standing::Nothing => return Ok(Inquiry::Absent),
        Standing::File(meta) => meta,
        other @ (Standing::Directory(_) | Standing::Other(_)) => {
            return Ok(unclear(&path, other.what()));
        }
    };
    let wanted = Wanted::of(machine, config, planned)?;
    let Some(difference) = wanted.difference(machine, &path, &meta)? else {
        return found(machine, &path, change).map(Inquiry::Found);
    };
    if let Some(prior) = prior {
        let before = Wanted {
            digest: form::known(prior, "sha256")
                .and_then(Digest::parse)
                .unwrap_or(Digest([0; 32])),
            rights: machine.accounts()?.wanted(prior)?,
        };
        if before.difference(machine, &path, &meta)?.is_none() {
            return Ok(Inquiry::Absent);
        }
    }
    Ok(unclear(&path, &format!("a file, but {difference}")))
}

/// What stands at the path is neither what the change makes nor what was there before.
pub(crate) fn unclear(path: &Path, what: &str) -> Inquiry {
    Inquiry::Unclear {
        what: format!(
            "{} is {what}; it is neither as planned nor as it was before",
            path.display()
        ),
    }
}

fn hex_text(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

fn hex(digest: &Digest) -> Value {
    Value::string(hex_text(digest))
}

/// Sizes of files fit an `i64` on every system there is.
fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl Machine {
    /// The path of an object of this room, checked.
    pub(crate) fn path_of(&self, object: &Value) -> Result<std::path::PathBuf, Trouble> {
        let path = form::known(object, "path").unwrap_or_default();
        standing::check_path("path", path)?;
        self.check_place("path", path)?;
        Ok(self.path(path))
    }
}
