//! The cases: directories, each a module with two versions of its main file.

use super::PLACE;
use crate::suite;
use std::collections::BTreeSet;

/// A case.
pub(crate) struct Case {
    /// Name of its directory, and of its module.
    pub(crate) name: String,
    /// The first version.
    pub(crate) before: String,
    /// The second.
    pub(crate) after: String,
}

impl Case {
    /// Types of resources and data sources in it.
    pub(crate) fn types(&self) -> Vec<String> {
        let lines = self.before.lines().chain(self.after.lines());
        let types = lines.filter_map(|line| {
            let mut words = line.split(' ');
            let is_block = matches!(words.next(), Some("resource" | "data"));
            is_block.then(|| {
                words
                    .next()
                    .unwrap_or_default()
                    .trim_matches('"')
                    .to_owned()
            })
        });
        types.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

/// The cases of these names; all where there are none.
pub(crate) fn all(wanted: &[String]) -> Result<Vec<Case>, String> {
    let cannot = |error: std::io::Error| format!("cannot list {PLACE}: {error}");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(suite::path(PLACE)).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        names.extend(name.into_string());
    }
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(*name)) {
        return Err(format!("there is no case {unknown} in {PLACE}"));
    }
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    names.into_iter().map(read).collect()
}

fn read(name: String) -> Result<Case, String> {
    let version = |version: &str| suite::read(&format!("{PLACE}/{name}/{version}.tf"));
    Ok(Case {
        before: version("before")?,
        after: version("after")?,
        name,
    })
}
