//! Modes and owners.
//!
//! Accounts are looked up in `/etc/passwd` and `/etc/group` themselves: asking the C library would load name services
//! into the program. Accounts that live elsewhere are given by number.

use crate::diag::{self, Trouble};
use crate::form;
use crate::limits::ACCOUNTS_BYTES_MAX;
use crate::standing::Meta;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use value::{Diagnostic, Value};

/// Bits of a mode that are ours to set.
pub(crate) const MODE_BITS: u32 = 0o7777;

/// Reads a mode: three or four octal digits, perhaps with one 0 more before them.
pub(crate) fn parse_mode(text: &str) -> Option<u32> {
    let digits = match text.len() {
        3 | 4 => text,
        5 => text.strip_prefix('0')?,
        _ => return None,
    };
    if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'7')) {
        return None;
    }
    u32::from_str_radix(digits, 8).ok()
}

/// Checks the mode of a configuration, if it is known.
pub(crate) fn check_mode(config: &Value) -> Result<(), Diagnostic> {
    match form::known(config, "mode") {
        Some(mode) if parse_mode(mode).is_none() => Err(diag::invalid_mode(mode)),
        Some(_) | None => Ok(()),
    }
}

/// The account databases.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    passwd: Database,
    group: Database,
}

#[derive(Clone, Debug)]
struct Database {
    path: PathBuf,
    /// What it holds, where it is that of another machine.
    text: Option<Arc<str>>,
}

/// Rights that something shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) mode: u32,
    /// None: as the system gives it.
    pub(crate) uid: Option<u32>,
    /// None: as the system gives it.
    pub(crate) gid: Option<u32>,
}

impl Accounts {
    pub(crate) fn system() -> Self {
        Self::at(Path::new("/etc"))
    }

    pub(crate) fn at(directory: &Path) -> Self {
        let file = |name: &str| Database {
            path: directory.join(name),
            text: None,
        };
        Self {
            passwd: file("passwd"),
            group: file("group"),
        }
    }

    /// Those of another machine.
    pub(crate) fn of(passwd: &str, group: &str) -> Self {
        let database = |path: &str, text: &str| Database {
            path: path.into(),
            text: Some(text.into()),
        };
        Self {
            passwd: database("/etc/passwd", passwd),
            group: database("/etc/group", group),
        }
    }

    /// The rights that an object asks for; what it leaves open stays open.
    pub(crate) fn wanted(&self, object: &Value) -> Result<Rights, Trouble> {
        let mode = form::known(object, "mode").unwrap_or_default();
        Ok(Rights {
            mode: parse_mode(mode).ok_or_else(|| diag::invalid_mode(mode))?,
            uid: id_of(&self.passwd, "owner", form::known(object, "owner"))?,
            gid: id_of(&self.group, "group", form::known(object, "group"))?,
        })
    }

    /// The attributes `mode`, `owner` and `group` as they are, in the words of `before` where those mean the same.
    pub(crate) fn described(
        &self,
        meta: &Meta,
        before: &Value,
    ) -> Result<[(&'static str, Value); 3], Trouble> {
        let mode = form::known(before, "mode")
            .filter(|mode| parse_mode(mode) == Some(meta.mode))
            .map_or_else(|| format!("{:04o}", meta.mode), str::to_owned);
        let account = |attribute, database: &Database, id| -> Result<Value, Trouble> {
            let was = form::known(before, attribute);
            if let Some(was) = was
                && let Ok(Some(was_id)) = id_of(database, attribute, Some(was))
                && was_id == id
            {
                return Ok(Value::string(was));
            }
            let name = look_up(database, |_, number| number == id)?.map(|(name, _)| name);
            Ok(Value::string(name.unwrap_or_else(|| id.to_string())))
        };
        Ok([
            ("mode", Value::string(mode)),
            ("owner", account("owner", &self.passwd, meta.uid)?),
            ("group", account("group", &self.group, meta.gid)?),
        ])
    }
}

impl Rights {
    /// In words what is different, if anything is.
    pub(crate) fn difference(&self, meta: &Meta) -> Option<String> {
        if self.mode != meta.mode {
            return Some(format!(
                "its mode is {:04o}, not {:04o}",
                meta.mode, self.mode
            ));
        }
        if let Some(uid) = self.uid.filter(|uid| *uid != meta.uid) {
            return Some(format!("it belongs to user {}, not {uid}", meta.uid));
        }
        if let Some(gid) = self.gid.filter(|gid| *gid != meta.gid) {
            return Some(format!("it belongs to group {}, not {gid}", meta.gid));
        }
        None
    }
}

fn id_of(
    database: &Database,
    attribute: &str,
    account: Option<&str>,
) -> Result<Option<u32>, Trouble> {
    let Some(account) = account else {
        return Ok(None);
    };
    // A name may consist of digits; as for chown, the name counts before the number.
    if let Some((_, id)) = look_up(database, |name, _| name == account)? {
        return Ok(Some(id));
    }
    match account.parse() {
        Ok(id) if account.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(id)),
        Ok(_) | Err(_) => Err(diag::unknown_account(attribute, account, &database.path).into()),
    }
}

/// The first account of a database (`name:password:id:...`, passwd(5) and group(5)) that is wanted. A database that
/// does not exist is empty.
fn look_up(
    database: &Database,
    wanted: impl Fn(&str, u32) -> bool,
) -> Result<Option<(String, u32)>, Trouble> {
    let read;
    let text: &str = match &database.text {
        Some(text) => text,
        None => {
            read = text_of(&database.path)?;
            &read
        }
    };
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        wanted(name, id).then(|| (name.to_owned(), id))
    });
    Ok(found)
}

fn text_of(path: &Path) -> Result<String, Trouble> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(ACCOUNTS_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(diag::system("read", path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_digits() {
        let cases = [
            ("0644", Some(0o644)),
            ("644", Some(0o644)),
            ("4755", Some(0o4755)),
            ("04755", Some(0o4755)),
            ("000", Some(0)),
            ("", None),
            ("0", None),
            ("64", None),
            ("0648", None),
            ("0o644", None),
            ("rw-r--r--", None),
            ("-644", None),
            ("+644", None),
            (" 644", None),
            ("14755", None),
            ("006440", None),
            ("٠٦٤٤", None),
        ];
        for (text, mode) in cases {
            assert_eq!(parse_mode(text), mode, "{text:?}");
        }
    }

    #[test]
    fn accounts_are_found_by_name_and_number() {
        let directory = tempfile::tempdir().unwrap();
        let lines = "root:x:0:0::/root:/bin/sh\n# no account\n:\nweb:x:33:33::/:/bin/false\n007:x:7:7::/:/bin/sh\nbad:x:many:1\n";
        std::fs::write(directory.path().join("passwd"), lines).unwrap();
        let Accounts {
            passwd,
            group: missing,
        } = Accounts::at(directory.path());
        let cases = [
            (Some("web"), Some(33)),
            (Some("33"), Some(33)),
            (Some("4000"), Some(4_000)),
            (Some("007"), Some(7)),
            (None, None),
        ];
        for (account, id) in cases {
            let found = id_of(&passwd, "owner", account).unwrap();
            assert_eq!(found, id, "{account:?}");
        }
        for bad in ["nobody-here", "", "-1", "+33", "4294967296", "bad"] {
            let Err(Trouble::Refused(found)) = id_of(&passwd, "owner", Some(bad)) else {
                panic!("{bad:?} was found")
            };
            assert_eq!(found.code, "SF0803", "{bad:?}");
        }
        assert_eq!(id_of(&missing, "group", Some("12")).unwrap(), Some(12));
    }
}
