//! Modules as the editor sees them: the files of a directory, with unsaved texts in their place; and what is wrong with
//! them.

use crate::document::Documents;
use crate::index::Module;
use crate::{Surroundings, limits};
use definition::{Files, Installed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use value::{Diagnostic, Span};

/// The files of a root module, unsaved texts first.
struct Overlay<'a> {
    root: &'a Path,
    disk: Box<dyn Files>,
    documents: &'a Documents,
}

impl Files for Overlay<'_> {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        let on_disk = self.disk.list(directory);
        let whole = normal(&self.root.join(directory));
        let open = self.documents.paths().filter(|path| {
            path.parent()
                .is_some_and(|parent| parent == whole.as_path())
        });
        let names = open.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let all: BTreeSet<String> = on_disk.iter().flatten().cloned().chain(names).collect();
        (on_disk.is_some() || !all.is_empty()).then(|| all.into_iter().collect())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        match self.documents.get(&normal(&self.root.join(path))) {
            Some(document) => Some(document.text.clone().into_bytes()),
            None => self.disk.read(path),
        }
    }

    fn installed(&self, call: &str) -> Option<Installed> {
        self.disk.installed(call)
    }

    fn may_leave_root(&self) -> bool {
        self.disk.may_leave_root()
    }
}

/// A path without `.` and `..` inside.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other @ (Component::Prefix(_) | Component::RootDir | Component::Normal(_)) => {
                normal.push(other);
            }
        }
    }
    normal
}

/// What is wrong in the files of a module tree.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Text and findings of every file that was read.
    pub(crate) files: BTreeMap<PathBuf, (String, Vec<Diagnostic>)>,
    /// The files in the order of their [`value::SourceId`].
    paths: Vec<PathBuf>,
}

impl Findings {
    /// The file that a place is in, and its text.
    pub(crate) fn file(&self, span: Span) -> Option<(&PathBuf, &str)> {
        let path = self.paths.get(span.source.0 as usize)?;
        let (text, _) = self.files.get(path)?;
        Some((path, text))
    }
}

/// Looks for everything that is wrong with the module in a directory and those it calls.
pub(crate) fn findings(
    root: &Path,
    documents: &Documents,
    surroundings: &Surroundings<'_>,
) -> Findings {
    let files = Overlay {
        root,
        disk: (surroundings.files)(root),
        documents,
    };
    let checked = definition::validate(&files, &[], surroundings.schemas);
    let mut findings = Findings::default();
    for source in checked.sources {
        let path = normal(&root.join(&source.path));
        let text = String::from_utf8_lossy(&source.content).into_owned();
        findings.paths.push(path.clone());
        findings.files.entry(path).or_insert((text, Vec::new()));
    }
    for diagnostic in checked.diagnostics.0 {
        let file = diagnostic.span.and_then(|span| findings.file(span));
        let path = file.map(|(path, _)| path.clone());
        if let Some((_, found)) = path.and_then(|path| findings.files.get_mut(&path))
            && found.len() < limits::DIAGNOSTICS_MAX
        {
            found.push(diagnostic);
        }
    }
    findings
}

/// What the module in a directory declares.
pub(crate) fn module(
    directory: &Path,
    documents: &Documents,
    surroundings: &Surroundings<'_>,
) -> Module {
    let files = Overlay {
        root: directory,
        disk: (surroundings.files)(directory),
        documents,
    };
    let mut module = Module::default();
    let names = files.list(".").unwrap_or_default();
    for name in names {
        let native = name.ends_with(".tf") || name == definition::DELIVERY_FILE;
        if !native {
            continue;
        }
        if let Some(text) = files
            .read(&name)
            .and_then(|content| String::from_utf8(content).ok())
            .filter(|text| text.len() <= limits::DOCUMENT_BYTES_MAX)
        {
            module.add(directory.join(name), text);
        }
    }
    module
}
