//! A project in memory, as the compiler reads it. The conformance suites read this file too.

use definition::{Files, Installed};
use std::collections::BTreeMap;

/// A project in memory.
#[derive(Default)]
pub(crate) struct Project(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files for Project {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let prefix = match directory {
            "." => String::new(),
            directory => format!("{directory}/"),
        };
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: Vec<String> = names
            .filter(|name| !name.contains('/'))
            .map(str::to_string)
            .collect();
        (!names.is_empty()).then_some(names)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    /// From the file `installed.txt`, one call a line: its names, its directory, the source, and possibly a version.
    fn installed(&self, call: &str) -> Option<Installed> {
        let text = std::str::from_utf8(self.0.get("installed.txt")?).ok()?;
        for line in text.lines() {
            let mut words = line.split(' ').map(str::to_string);
            if words.next().as_deref() == Some(call) {
                return Some(Installed {
                    directory: words.next()?,
                    source: words.next()?,
                    version: words.next(),
                });
            }
        }
        None
    }
}
