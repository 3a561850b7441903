//! The project's key: the file that opens what is sealed in the book. It stands beside the book, never in it; who
//! copies the book alone has no secret of the project.

use crate::error::CommandError;
use crate::exit;
use crate::render::diagnostics::Sources;
use engine::{KEY_BYTES, Secrets};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Reads the key; none when there is no file.
pub(crate) fn load(path: &Path) -> Result<Option<Secrets>, CommandError> {
    match std::fs::read_to_string(path) {
        Ok(text) => match parse(text.trim_end()) {
            Some(key) => Ok(Some(Secrets::new(&key))),
            None => Err(CommandError::Diagnostics {
                diagnostics: engine::diag::no_key(path).into(),
                sources: Sources::default(),
                code: exit::FAILED,
            }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(broken("read", path, source)),
    }
}

/// Makes a key and its file, readable by its owner only. The caller holds the book's lock, so nobody else makes one.
pub(crate) fn create(path: &Path) -> Result<Secrets, CommandError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| {
        CommandError::Failed(format!("the system gives no random number: {error}"))
    })?;
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    // Complete before it has its name: a crash leaves no half key behind.
    let draft = path.with_extension("draft");
    let written = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&draft)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        match path.parent() {
            Some(directory) => std::fs::File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    };
    written().map_err(|source| broken("write the key", path, source))?;
    Ok(Secrets::new(&key))
}

fn parse(text: &str) -> Option<[u8; KEY_BYTES]> {
    model::Digest::parse(text).map(|digits| digits.0)
}

fn broken(what: &'static str, path: &Path, source: std::io::Error) -> CommandError {
    CommandError::Path {
        what,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::{create, load};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_and_read_again_by_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        assert!(load(&path).expect("no key").is_none());
        let made = create(&path).expect("a key");
        let read = load(&path).expect("the key").expect("there is one");
        let bytes = model::encode(&value::Value::bool(true).with_marks(value::Marks::SENSITIVE));
        assert_eq!(made.seal(&bytes), read.seal(&bytes));
        let mode = std::fs::metadata(&path)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, "short").expect("written");
        assert!(load(&path).is_err());
    }
}
