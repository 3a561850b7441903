//! Files that the release carries, asked of the scope, and paths as text.

use super::{BOOL, Call, CallError, Category, Function, Kind, Parameter, Returns, STRING, hash};
use crate::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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

pub(super) const FUNCTIONS: &[Function] = &[
    function("basename", "The last part of a path.", STRING, |call| {
        Ok(Value::string(basename(call.text(0)?)))
    }),
    function("dirname", "A path without its last part.", STRING, |call| {
        Ok(Value::string(dirname(call.text(0)?)))
    }),
    function("file", "The content of a file as text.", STRING, |call| {
        let content = read(call)?;
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
        |call| Ok(Value::string(STANDARD.encode(read(call)?))),
    ),
    function(
        "filebase64sha256",
        "The SHA-256 digest of a file in base64.",
        STRING,
        |call| Ok(Value::string(STANDARD.encode(hash::sha256(&read(call)?)))),
    ),
    function(
        "fileexists",
        "Whether there is a file at a path.",
        BOOL,
        |call| {
            Ok(Value::bool(
                call.scope.file(&clean(call.text(0)?)).is_some(),
            ))
        },
    ),
    function(
        "filemd5",
        "The MD5 digest of a file in hexadecimal.",
        STRING,
        |call| Ok(Value::string(hash::hex(&hash::md5(&read(call)?)))),
    ),
    function(
        "filesha1",
        "The SHA-1 digest of a file in hexadecimal.",
        STRING,
        |call| Ok(Value::string(hash::hex(&hash::sha1(&read(call)?)))),
    ),
    function(
        "filesha256",
        "The SHA-256 digest of a file in hexadecimal.",
        STRING,
        |call| Ok(Value::string(hash::hex(&hash::sha256(&read(call)?)))),
    ),
];

fn read(call: &Call<'_>) -> Result<Arc<[u8]>, CallError> {
    let path = call.text(0)?;
    call.scope.file(&clean(path)).ok_or_else(|| {
        CallError::argument(
            0,
            format!(
                "no file exists at {}; this function works only with files that are distributed as part of the \
                 configuration source code, so if this file will be created by a resource in this configuration you \
                 must instead obtain this result from an attribute of that resource",
                call.shown(path)
            ),
        )
    })
}

/// The shortest path that means the same, by text alone: without `.`, doubled slashes, and `name/..`.
fn clean(path: &str) -> String {
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
