//! `fmt`: files in their canonical form. What that is, `definition::format` says; here are files, listing and status.
//!
//! What is printed, in which order, and how it ends, is what `terraform fmt` does.

use crate::args::FmtArgs;
use crate::diag;
use crate::error::CommandError;
use crate::exit;
use crate::render::diagnostics::Sources;
use crate::render::difference;
use definition::limits::SOURCE_BYTES_MAX;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use value::{Diagnostic, Diagnostics, SourceId};

/// Ends of the names of files in the language. Its JSON form has no canonical layout.
const ENDINGS: [&str; 4] = [".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl"];

/// What standard input is called.
const STDIN: &str = "<stdin>";

/// `fmt`.
pub(crate) fn format(
    args: &FmtArgs,
    directory: Option<&Path>,
    json: bool,
) -> Result<u8, CommandError> {
    let mut formatting = Formatting::new(args, directory, json)?;
    if args
        .paths
        .first()
        .is_some_and(|path| path.as_os_str() == "-")
    {
        formatting.list = false;
        formatting.write = false;
        formatting.stdin()?;
    } else {
        formatting.all(&args.paths)?;
    }
    formatting.finish(args)
}

/// One call of the command.
struct Formatting {
    /// What paths are relative to.
    root: PathBuf,
    list: bool,
    write: bool,
    diff: bool,
    check: bool,
    recursive: bool,
    json: bool,
    n_changed: usize,
    /// With `-check`, what is printed at the end if nothing went wrong.
    held_back: Vec<u8>,
    /// Texts that could not be read, for the findings that point into them.
    sources: Vec<(String, Vec<u8>)>,
    found: Diagnostics,
}

impl Formatting {
    fn new(args: &FmtArgs, directory: Option<&Path>, json: bool) -> Result<Self, CommandError> {
        let root = std::path::absolute(directory.unwrap_or_else(|| Path::new(".")));
        let root = root.map_err(|source| CommandError::Path {
            what: "find",
            path: PathBuf::from("the current directory"),
            source,
        })?;
        Ok(Self {
            root: clean(&root),
            list: args.list,
            write: args.write && !args.check,
            diff: args.diff,
            check: args.check,
            recursive: args.recursive,
            json,
            n_changed: 0,
            held_back: Vec::new(),
            sources: Vec::new(),
            found: Diagnostics::new(),
        })
    }

    fn stdin(&mut self) -> Result<(), CommandError> {
        let mut content = Vec::new();
        // One byte more than is allowed shows that there are too many.
        let stdin = std::io::stdin().lock().take(SOURCE_BYTES_MAX as u64 + 1);
        let read = { stdin }.read_to_end(&mut content);
        match read {
            Ok(_) => self.text(STDIN, None, content),
            Err(error) => {
                self.report(diag::unreadable(STDIN, &error.to_string()));
                Ok(())
            }
        }
    }

    fn all(&mut self, paths: &[PathBuf]) -> Result<(), CommandError> {
        let here = [PathBuf::from(".")];
        for path in if paths.is_empty() { &here } else { paths } {
            let path = clean(&self.root.join(path));
            let shown = self.shown(&path);
            match std::fs::metadata(&path) {
                // What was named after a path that is wrong may be wrong as well.
                Err(_) => {
                    self.report(diag::no_such_path(&shown));
                    return Ok(());
                }
                Ok(metadata) if metadata.is_dir() => self.directory(&path)?,
                Ok(_) if is_of_the_language(&shown) => self.file(&path)?,
                Ok(_) => self.report(diag::not_of_the_language(&shown)),
            }
        }
        Ok(())
    }

    /// The files of a directory in the order of their names, and with `-recursive` those below it. Links to directories
    /// are not followed, so this ends.
    fn directory(&mut self, path: &Path) -> Result<(), CommandError> {
        let names = std::fs::read_dir(path).and_then(|entries| {
            let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
            names.collect::<Result<Vec<_>, _>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) => {
                self.report(diag::unreadable(&self.shown(path), &error.to_string()));
                return Ok(());
            }
        };
        names.sort();
        for name in names {
            let Some(text) = name.to_str().filter(|name| !is_ignored(name)) else {
                continue;
            };
            let path = path.join(text);
            let is_directory = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            if is_directory && self.recursive {
                self.directory(&path)?;
            } else if !is_directory && is_of_the_language(text) {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), CommandError> {
        let shown = self.shown(path);
        match std::fs::read(path) {
            Ok(content) => self.text(&shown, Some(path), content),
            Err(error) => {
                self.report(diag::unreadable(&shown, &error.to_string()));
                Ok(())
            }
        }
    }

    /// One text, with the file it is written back to.
    fn text(
        &mut self,
        shown: &str,
        path: Option<&Path>,
        content: Vec<u8>,
    ) -> Result<(), CommandError> {
        let source = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        let formatted = definition::source_text(&content, source)
            .map_err(Diagnostics::from)
            .and_then(|text| Ok((text, definition::format(text, source)?)));
        let (text, formatted) = match formatted {
            Ok(both) => both,
            Err(found) => {
                self.found.extend(found);
                self.sources.push((shown.to_owned(), content));
                return Ok(());
            }
        };
        if text != formatted {
            self.n_changed += 1;
            let written = match path.filter(|_| self.write) {
                Some(path) => replace(path, &formatted),
                None => Ok(()),
            };
            self.changed(shown, text, &formatted)?;
            if let Err(error) = written {
                self.report(diag::unwritable(shown, &error.to_string()));
            }
        }
        if !self.list && !self.write && !self.diff && !self.check {
            self.say(&formatted)?;
        }
        Ok(())
    }

    /// Tells of a text that is not in its form.
    fn changed(&mut self, shown: &str, old: &str, new: &str) -> Result<(), CommandError> {
        let difference = self.diff.then(|| difference::unified(shown, old, new));
        if self.json {
            let line = json!({
                "type": "formatting", "path": shown, "written": self.write, "diff": difference,
            });
            return self.say(&line.to_string());
        }
        if self.list {
            self.say(shown)?;
        }
        difference.map_or(Ok(()), |difference| self.say(&difference))
    }

    fn finish(self, args: &FmtArgs) -> Result<u8, CommandError> {
        if self.found.has_errors() {
            return Err(CommandError::Diagnostics {
                diagnostics: self.found,
                sources: Sources::new(self.sources),
                code: exit::UNFORMATTABLE,
            });
        }
        if self.check && args.list {
            print(&self.held_back)?;
        }
        Ok(if self.check && self.n_changed > 0 {
            exit::UNFORMATTED
        } else {
            exit::OK
        })
    }

    /// Prints a text so that it ends with its line.
    fn say(&mut self, text: &str) -> Result<(), CommandError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let line = format!("{text}\n").into_bytes();
        if self.check {
            self.held_back.extend(line);
            Ok(())
        } else {
            print(&line)
        }
    }

    fn report(&mut self, found: Diagnostic) {
        self.found.push(found);
    }

    /// A path as it is told: relative to where the command works.
    fn shown(&self, path: &Path) -> String {
        let shared = self.root.components().zip(path.components());
        let n_shared = shared.take_while(|(one, other)| one == other).count();
        let n_up = self.root.components().count() - n_shared;
        let up = std::iter::repeat_n(Component::ParentDir, n_up);
        let relative: PathBuf = up.chain(path.components().skip(n_shared)).collect();
        if relative.as_os_str().is_empty() {
            return ".".to_owned();
        }
        relative.display().to_string()
    }
}

/// Prints bytes as they are: a stream for people would take the colours out of what a file holds.
pub(super) fn print(bytes: &[u8]) -> Result<(), CommandError> {
    let mut stdout = std::io::stdout().lock();
    let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
    printed.map_err(|source| CommandError::Path {
        what: "write to",
        path: PathBuf::from("standard output"),
        source,
    })
}

fn is_of_the_language(name: &str) -> bool {
    let is_delivery = Path::new(name)
        .file_name()
        .is_some_and(|name| name == definition::DELIVERY_FILE);
    is_delivery || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// What editors and other tools leave behind.
fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.starts_with('#') && name.ends_with('#')
}

/// A path without `.` and `..`, by its words alone.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Puts a text in the place of a file. Whoever reads at the same time, or after a crash, finds one or the other whole.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link.
    let path = std::fs::canonicalize(path)?;
    let rights = std::fs::metadata(&path)?.permissions();
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(rights)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| std::fs::rename(&beside, &path));
    if replaced.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_their_words() {
        assert_eq!(clean(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(clean(Path::new("/../a")), Path::new("/a"));
    }

    #[test]
    fn a_link_that_points_nowhere_is_told_and_the_others_are_formatted() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("a.tf")).unwrap();
        std::fs::write(directory.path().join("b.tf"), "b=1").unwrap();
        let args = FmtArgs {
            paths: Vec::new(),
            check: true,
            diff: false,
            write: true,
            list: true,
            recursive: false,
        };
        let mut formatting = Formatting::new(&args, Some(directory.path()), false).unwrap();
        formatting.all(&args.paths).unwrap();
        assert_eq!(formatting.found.0.len(), 1);
        assert_eq!(formatting.found.0[0].code, "SF1403");
        assert_eq!(formatting.held_back, b"b.tf\n");
        let result = formatting.finish(&args);
        assert_eq!(result.unwrap_err().exit_code(), exit::UNFORMATTABLE);
    }

    #[test]
    fn only_files_of_the_language_are_taken() {
        for name in [
            "main.tf",
            "x.auto.tfvars",
            "a.tftest.hcl",
            "steadfast.hcl",
            "sub/steadfast.hcl",
        ] {
            assert!(is_of_the_language(name), "{name}");
        }
        for name in [
            "main.tf.json",
            "x.hcl",
            "my-steadfast.hcl",
            "tf",
            "x.tfvars.json",
        ] {
            assert!(!is_of_the_language(name), "{name}");
        }
        for name in [".hidden.tf", "main.tf~", "#main.tf#", ".terraform"] {
            assert!(is_ignored(name), "{name}");
        }
    }
}
