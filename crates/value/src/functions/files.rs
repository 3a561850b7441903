//! Files that the release carries, asked of the scope, and paths as text.
//!
//! What a function needs of a machine besides the content of files (which files there are, where the project lies, the
//! home of its user) it asks of the scope like a file, under a path that no file has: with two slashes in a row. So a
//! release carries that as well, and only what is asked for.

use super::declared::shown_name;
use super::glob::FileSet;
use super::{Call, CallError, Called, Category, Function, Kind, Parameter, Returns, STRING, hash};
use crate::{Span, Type, Value, diag};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

/// The path under which a scope tells the absolute path of the project's directory.
pub const WORKING_DIRECTORY: &str = "//working-directory";

/// The path under which a scope tells the absolute path of the user's home.
pub const HOME: &str = "//home";

/// What a compiled expression calls the function of a provider that tells the content of a file of this machine in
/// base64, or null where there is no such file. A release that may read files whose paths show themselves only when
/// everything else is computed declares it; the file is asked for then ([`Scope::called`]), and the answer kept.
///
/// [`Scope::called`]: crate::Scope::called
pub const LATE_FILE: &str = "provider::steadfast.dev/builtin/host::filebase64";

/// The path under which a scope tells which files a pattern finds in a directory: one a line, relative to it. With an
/// empty pattern there is something when it is a directory.
pub fn listing(directory: &str, pattern: &str) -> String {
    format!("{}//{pattern}", clean(directory))
}

const PATH: Parameter = Parameter::new("path", Kind::String);

const fn function(
    name: &'static str,
    description: &'static str,
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Filesystem,
        description,
        &[PATH],
        returns,
        body,
    )
}

/// The digest of a file; what is wrong with the file is said of the whole call.
fn digested(call: &Call<'_>, digest: fn(&[u8]) -> String) -> Result<Value, CallError> {
    match read(call) {
        Ok(Some(content)) => Ok(Value::string(digest(&content))),
        Ok(None) => Ok(later()),
        Err(error) => Err(CallError::new(error.message)),
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("abspath", "A path from the root of all.", STRING, |call| {
        let path = call.text(0)?;
        if path.starts_with('/') {
            return Ok(Value::string(clean(path)));
        }
        let directory = told(call, WORKING_DIRECTORY)?;
        Ok(Value::string(clean(&format!("{directory}/{path}"))))
    }),
    function("basename", "The last part of a path.", STRING, |call| {
        Ok(Value::string(basename(call.text(0)?)))
    }),
    function("dirname", "A path without its last part.", STRING, |call| {
        Ok(Value::string(dirname(call.text(0)?)))
    }),
    function("file", "The content of a file as text.", STRING, |call| {
        let Some(content) = read(call)? else {
            return Ok(later());
        };
        match core::str::from_utf8(&content) {
            Ok(text) => Ok(Value::string(text)),
            Err(_) => Err(CallError::new(format!(
                "contents of {} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents \
                 or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead",
                call.shown(call.text(0)?)
            ))),
        }
    }),
    function(
        "filebase64",
        "The content of a file in base64.",
        STRING,
        |call| Ok(read(call)?.map_or_else(later, |content| Value::string(STANDARD.encode(content)))),
    ),
    function(
        "filebase64sha256",
        "The SHA-256 digest of a file in base64.",
        STRING,
        |call| digested(call, |content| STANDARD.encode(hash::sha256(content))),
    ),
    function(
        "filebase64sha512",
        "The SHA-512 digest of a file in base64.",
        STRING,
        |call| digested(call, |content| STANDARD.encode(Sha512::digest(content))),
    ),
    function(
        "fileexists",
        "Whether there is a file at a path.",
        Returns::Fixed(Kind::Bool),
        |call| {
            let path = clean(call.text(0)?);
            match content(call, &path)? {
                Content::Is(_) => return Ok(Value::bool(true)),
                Content::Later => return Ok(Value::unknown_not_null(Type::Bool)),
                Content::None => {}
            }
            match call.scope.file(&listing(&path, "")) {
                None => Ok(Value::bool(false)),
                Some(_) => Err(CallError::new(format!(
                    "{} is a directory, not a file",
                    call.shown(&path)
                ))),
            }
        },
    ),
    function(
        "filemd5",
        "The MD5 digest of a file in hexadecimal.",
        STRING,
        |call| digested(call, |content| hash::hex(&hash::md5(content))),
    ),
    function(
        "filesha1",
        "The SHA-1 digest of a file in hexadecimal.",
        STRING,
        |call| digested(call, |content| hash::hex(&hash::sha1(content))),
    ),
    function(
        "filesha256",
        "The SHA-256 digest of a file in hexadecimal.",
        STRING,
        |call| digested(call, |content| hash::hex(&hash::sha256(content))),
    ),
    function(
        "filesha512",
        "The SHA-512 digest of a file in hexadecimal.",
        STRING,
        |call| digested(call, |content| hash::hex(&Sha512::digest(content))),
    ),
    Function::new(
        "fileset",
        Category::Filesystem,
        "The files of a directory that a pattern finds.",
        &[PATH, Parameter::new("pattern", Kind::String)],
        Returns::Fixed(Kind::Set(&Kind::String)),
        fileset,
    ),
    function(
        "pathexpand",
        "A path with the home of the user in place of a tilde at its beginning.",
        STRING,
        |call| {
            let path = call.text(0)?;
            match path.strip_prefix('~') {
                None => Ok(Value::string(path)),
                Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                    let home = told(call, HOME)?;
                    Ok(Value::string(clean(&format!("{home}/{rest}"))))
                }
                Some(_) => Err(CallError::new("cannot expand user-specific home dir")),
            }
        },
    ),
];

/// What the scope tells of the machine.
fn told(call: &Call<'_>, what: &str) -> Result<String, CallError> {
    let content = call.scope.file(what);
    let text = content.and_then(|content| String::from_utf8(content.to_vec()).ok());
    text.ok_or_else(|| {
        CallError::new(
            "the machine is not asked while this is evaluated; use it where the value is known before anything is deployed",
        )
    })
}

fn fileset(call: &Call<'_>) -> Result<Value, CallError> {
    let (directory, pattern) = (call.text(0)?, call.text(1)?);
    if FileSet::new(directory, pattern).is_none() {
        // Where there is no directory, nobody looks for anything.
        let is_there = call.scope.file(&format!("{}//", clean(directory)));
        if is_there.is_none() {
            return Ok(Value::set(Type::String, Vec::new()));
        }
        let joined = clean(&format!("{directory}/{pattern}"));
        return Err(CallError::new(format!(
            "failed to glob pattern {}: syntax error in pattern",
            call.shown(&joined)
        )));
    }
    let listed = call.scope.file(&listing(directory, pattern));
    let Some(listed) = listed.and_then(|listed| String::from_utf8(listed.to_vec()).ok()) else {
        return Err(CallError::new(format!(
            "it is not known which files {} has; directory and pattern must be known before anything is deployed",
            call.shown(directory)
        )));
    };
    let files = listed.lines().map(Value::string).collect();
    Ok(Value::set(Type::String, files))
}

/// What is known of the content of a file.
enum Content {
    Is(Arc<[u8]>),
    None,
    /// It is asked for before this is computed again.
    Later,
}

/// The content of a file by its shortest path: the release has it, or may ask for it later.
fn content(call: &Call<'_>, path: &str) -> Result<Content, CallError> {
    if let Some(content) = call.scope.file(path) {
        return Ok(Content::Is(content));
    }
    if call.scope.declared(LATE_FILE).is_none() {
        return Ok(Content::None);
    }
    let arguments = [Value::string(path)];
    match call.scope.called(LATE_FILE, &arguments, call.marks) {
        Called::Gives(value) => match value.as_str().map(|text| STANDARD.decode(text)) {
            Some(Ok(bytes)) => Ok(Content::Is(bytes.into())),
            Some(Err(_)) | None => Ok(Content::None),
        },
        Called::Open => Ok(Content::Later),
        Called::Refuses { why, .. } => Err(CallError::argument(0, why)),
        Called::Unanswered(found) => {
            let found = diag::call_unanswered(&shown_name(LATE_FILE), &found, Span::default());
            Err(CallError::found(found.into()))
        }
    }
}

/// The content of the file that the first argument names; none while it is not known.
pub(super) fn read(call: &Call<'_>) -> Result<Option<Arc<[u8]>>, CallError> {
    let path = call.text(0)?;
    match content(call, &clean(path))? {
        Content::Is(content) => Ok(Some(content)),
        Content::Later => Ok(None),
        Content::None => Err(CallError::argument(
            0,
            format!(
                "no file exists at {}; this function works only with files that are distributed as part of the \
                 configuration source code, so if this file will be created by a resource in this configuration you \
                 must instead obtain this result from an attribute of that resource",
                call.shown(path)
            ),
        )),
    }
}

/// What stands for a text that is made of a file that is not known yet.
fn later() -> Value {
    Value::unknown_not_null(Type::String)
}

/// The shortest path that means the same, by text alone: without `.`, doubled slashes, and `name/..`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_string(),
        (false, false) => joined,
    }
}

fn basename(path: &str) -> String {
    if path.is_empty() {
        return ".".to_string();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/".to_string();
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed).to_string()
}

fn dirname(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => clean(path.get(..=at).unwrap_or("/")),
        None => ".".to_string(),
    }
}
