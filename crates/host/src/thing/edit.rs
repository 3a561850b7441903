//! Text files of a machine that are changed in part: read, changed, and written whole beside their path.
//!
//! Mode and owner stay. A file that is reached through a symbolic link is not touched.

use crate::diag::{self, Trouble};
use crate::limits::EDIT_BYTES_MAX;
use crate::machine::Machine;
use crate::rights::Rights;
use crate::standing::{Meta, Standing};
use crate::write::Over;
use model::ActionId;
use std::path::Path;

/// Mode of a file that is made by the way.
const MODE: u32 = 0o644;

/// The text of a file; none where there is none.
pub(super) fn read(machine: &Machine, path: &Path) -> Result<Option<String>, Trouble> {
    Ok(read_with(machine, path)?.map(|(text, _)| text))
}

fn read_with(machine: &Machine, path: &Path) -> Result<Option<(String, Meta)>, Trouble> {
    let meta = match machine.look(path)? {
        Standing::Nothing => return Ok(None),
        Standing::File(meta) => meta,
        other @ (Standing::Directory(_) | Standing::Other(_)) => {
            return Err(diag::in_the_way(path, other.what()).into());
        }
    };
    let shown = path.display().to_string();
    let content = machine.content(path, EDIT_BYTES_MAX)?;
    let Some(bytes) = content.bytes else {
        return Err(diag::too_large(&shown, content.size, EDIT_BYTES_MAX).into());
    };
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| diag::in_the_way(path, "no text of Unicode"))?;
    Ok(Some((text, meta)))
}

/// Changes a file. `change` is given its text, empty where there is none, and gives the new one, or none to leave it.
pub(super) fn change(
    machine: &Machine,
    action: ActionId,
    path: &Path,
    may_make: bool,
    change: impl FnOnce(&str) -> Option<String>,
) -> Result<(), Trouble> {
    // Nobody else of this process changes a file of this machine meanwhile.
    let _one_at_a_time = machine.editing();
    match read_with(machine, path)? {
        Some((text, meta)) => match change(&text) {
            Some(new) if new != text => {
                let rights = Rights {
                    mode: meta.mode,
                    uid: Some(meta.uid),
                    gid: Some(meta.gid),
                };
                machine.write_file(path, action, new.as_bytes(), rights, Over::Anything)
            }
            Some(_) | None => Ok(()),
        },
        None if may_make => match change("") {
            Some(new) => put(machine, action, path, &new),
            None => Ok(()),
        },
        None => Err(diag::no_file(path).into()),
    }
}

/// Writes a small file of ours.
pub(super) fn put(
    machine: &Machine,
    action: ActionId,
    path: &Path,
    text: &str,
) -> Result<(), Trouble> {
    let rights = Rights {
        mode: MODE,
        uid: None,
        gid: None,
    };
    machine.write_file(path, action, text.as_bytes(), rights, Over::Anything)
}

/// The lines of a text, without their ends. What else a line ends with, such as a carriage return, belongs to it.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text.is_empty() {
        true => Vec::new(),
        false => text.split('\n').collect(),
    }
}

/// Lines as a text.
pub(super) fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}
