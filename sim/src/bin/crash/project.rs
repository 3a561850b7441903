//! The project that a trial applies, and what must be true of the world once it is applied.
//!
//! `files` files in a directory and as many `terraform_data`. The first half of the files hold ids that exist only
//! once their `terraform_data` was made; the other half of the `terraform_data` hold digests of those files. So the
//! order matters, plans have holes, and a repeated creation would show as an id that nothing refers to.

use crate::finding::{Finding, Promise};
use model::Digest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Of the seeds, every so many-th is replaced from one generation to the next.
const REPLACED_EVERY: usize = 5;
/// Notes that go, and come, from one generation to the next.
const NOTES_MOVED: usize = 10;
/// The directory that holds the files.
const DIRECTORY: &str = "site";

/// A project by its measures.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// In all contents, so that no trial passes for another.
    pub name: String,
    /// Number of files, and of `terraform_data`.
    pub files: usize,
}

/// What `show -json` says, by address.
pub(crate) type Shown = BTreeMap<String, Value>;

impl Project {
    fn pages(&self) -> usize {
        self.files.div_ceil(2)
    }

    fn notes(&self, generation: usize) -> std::ops::Range<usize> {
        let first = (generation - 1) * NOTES_MOVED;
        first..first + self.files - self.pages()
    }

    fn receipts(&self) -> usize {
        self.files - self.pages()
    }

    /// Its definition. The second generation changes every page, replaces some seeds, drops and adds notes.
    pub(crate) fn definition(&self, generation: usize) -> String {
        let (name, pages, receipts) = (&self.name, self.pages(), self.receipts());
        let notes = self.notes(generation);
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            r#"resource "terraform_data" "seed" {{
  count            = {pages}
  input            = "{name} seed ${{count.index}}"
  triggers_replace = count.index % {REPLACED_EVERY} == 0 ? {generation} : 0
}}

resource "host_directory" "site" {{
  path = "{DIRECTORY}"
}}

resource "host_file" "page" {{
  count   = {pages}
  path    = "${{host_directory.site.path}}/page-${{count.index}}.txt"
  content = "{name} page ${{count.index}} of generation {generation} after ${{terraform_data.seed[count.index].id}}\n"
}}

resource "host_file" "note" {{
  for_each = toset([for number in range({first}, {end}) : "note-${{number}}"])
  path     = "${{host_directory.site.path}}/${{each.key}}.txt"
  content  = "{name} ${{each.key}}\n"
  mode     = "0600"
}}

resource "terraform_data" "receipt" {{
  count = {receipts}
  input = host_file.page[count.index % {pages}].sha256
}}
"#,
            first = notes.start,
            end = notes.end,
        );
        text
    }

    /// Addresses that are made anew from the first generation to the second.
    pub(crate) fn is_replaced(&self, address: &str) -> bool {
        let index = address
            .strip_prefix("terraform_data.seed[")
            .and_then(|rest| rest.strip_suffix(']'))
            .and_then(|index| index.parse::<usize>().ok());
        index.is_some_and(|index| index % REPLACED_EVERY == 0)
    }

    /// Compares a finished world with its definition: book and disk hold what they should, once, and nothing else.
    pub(crate) fn compare(&self, root: &Path, shown: &Shown, generation: usize) -> Vec<Finding> {
        let mut expected = Expected::default();
        expected.object(
            "host_directory.site".to_owned(),
            [("path", DIRECTORY.to_owned())],
        );
        for index in 0..self.pages() {
            let seed = format!("terraform_data.seed[{index}]");
            let id = text(shown.get(&seed), "id");
            let input = format!("{} seed {index}", self.name);
            expected.object(seed, [("input", input.clone()), ("output", input)]);
            let content = format!(
                "{} page {index} of generation {generation} after {id}\n",
                self.name
            );
            expected.file(
                &format!("host_file.page[{index}]"),
                &format!("page-{index}"),
                content,
            );
        }
        for number in self.notes(generation) {
            let content = format!("{} note-{number}\n", self.name);
            let address = format!("host_file.note[\"note-{number}\"]");
            expected.file(&address, &format!("note-{number}"), content);
        }
        for index in 0..self.receipts() {
            let page = format!("host_file.page[{}]", index % self.pages());
            let sha256 = expected.sha256.get(&page).cloned().unwrap_or_default();
            let address = format!("terraform_data.receipt[{index}]");
            expected.object(address, [("input", sha256.clone()), ("output", sha256)]);
        }
        let mut findings = expected.compare_book(shown);
        findings.extend(compare_disk(root, &expected.files));
        findings.extend(same_ids(shown));
        findings
    }

    /// Compares a destroyed world with nothing.
    pub(crate) fn compare_gone(root: &Path, shown: &Shown) -> Vec<Finding> {
        let mut findings = Expected::default().compare_book(shown);
        findings.extend(compare_disk(root, &BTreeMap::new()));
        findings
    }
}

/// What should be.
#[derive(Default)]
struct Expected {
    objects: BTreeMap<String, Vec<(&'static str, String)>>,
    files: BTreeMap<String, String>,
    sha256: BTreeMap<String, String>,
}

impl Expected {
    fn object<const N: usize>(&mut self, address: String, values: [(&'static str, String); N]) {
        self.objects.insert(address, Vec::from(values));
    }

    fn file(&mut self, address: &str, name: &str, content: String) {
        let path = format!("{DIRECTORY}/{name}.txt");
        let sha256 = sha256(content.as_bytes());
        let values = [
            ("path", path.clone()),
            ("content", content.clone()),
            ("sha256", sha256.clone()),
            ("size", content.len().to_string()),
        ];
        self.object(address.to_owned(), values);
        self.sha256.insert(address.to_owned(), sha256);
        self.files.insert(path, content);
    }

    fn compare_book(&self, shown: &Shown) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (address, values) in &self.objects {
            let Some(object) = shown.get(address) else {
                findings.push(Promise::Lost.broken(format!("{address} is not in the book")));
                continue;
            };
            for (name, value) in values {
                let found = text(Some(object), name);
                if found != *value {
                    let what = format!("{address}: {name} is {found:?} in the book, not {value:?}");
                    findings.push(Promise::Agree.broken(what));
                }
            }
        }
        for address in shown
            .keys()
            .filter(|address| !self.objects.contains_key(*address))
        {
            let what = format!("{address} is in the book and in no definition");
            findings.push(Promise::Doubled.broken(what));
        }
        findings
    }
}

/// An attribute as text; empty where there is none.
fn text<'a>(object: Option<&'a Value>, name: &str) -> std::borrow::Cow<'a, str> {
    match object.and_then(|object| object.get(name)) {
        Some(Value::String(text)) => text.into(),
        Some(Value::Null) | None => "".into(),
        Some(other) => other.to_string().into(),
    }
}

/// Ids of all `terraform_data`.
pub(crate) fn ids(shown: &Shown) -> BTreeMap<String, String> {
    shown
        .iter()
        .filter(|(address, _)| address.starts_with("terraform_data."))
        .map(|(address, object)| (address.clone(), text(Some(object), "id").into_owned()))
        .collect()
}

fn same_ids(shown: &Shown) -> Vec<Finding> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for (address, id) in ids(shown) {
        if id.is_empty() {
            findings.push(Promise::Lost.broken(format!("{address} has no id")));
        } else if let Some(other) = seen.insert(id, address.clone()) {
            let what = format!("{address} and {other} have one id");
            findings.push(Promise::Doubled.broken(what));
        }
    }
    findings
}

/// Every file where it should be with the content it should have, and nothing beside them, temporary or not.
fn compare_disk(root: &Path, files: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, content) in files {
        match std::fs::read(root.join(path)) {
            Ok(found) if found == content.as_bytes() => {}
            Ok(found) => {
                let found = String::from_utf8_lossy(&found);
                let what = format!("{path} holds {found:?}, not {content:?}");
                findings.push(Promise::Agree.broken(what));
            }
            Err(error) => findings.push(Promise::Lost.broken(format!("{path}: {error}"))),
        }
    }
    let mut allowed: BTreeSet<String> = files.keys().cloned().collect();
    allowed.extend(["main.tf".to_owned(), ".steadfast".to_owned()]);
    if !files.is_empty() {
        allowed.insert(DIRECTORY.to_owned());
    }
    let places = [(root.to_owned(), ""), (root.join(DIRECTORY), "site/")];
    for (directory, prefix) in places {
        // The directory is gone where everything was destroyed.
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if !allowed.contains(&path) {
                let what = format!("{path} is on disk and in no definition");
                findings.push(Promise::Doubled.broken(what));
            }
        }
    }
    findings
}

fn sha256(bytes: &[u8]) -> String {
    let text = Digest::of(bytes).to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A world as it should be after the first apply, in a directory of its own.
    fn sound() -> (Project, tempfile::TempDir, Shown) {
        let project = Project {
            name: "t".to_owned(),
            files: 3,
        };
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(DIRECTORY)).unwrap();
        let mut shown = Shown::new();
        shown.insert(
            "host_directory.site".to_owned(),
            json!({ "path": DIRECTORY }),
        );
        let mut file = |address: &str, name: &str, content: &str| {
            let path = format!("{DIRECTORY}/{name}.txt");
            std::fs::write(root.path().join(&path), content).unwrap();
            let sha256 = sha256(content.as_bytes());
            let size = content.len();
            let object =
                json!({ "path": path, "content": content, "sha256": sha256, "size": size });
            shown.insert(address.to_owned(), object);
            sha256
        };
        let first = file(
            "host_file.page[0]",
            "page-0",
            "t page 0 of generation 1 after a\n",
        );
        file(
            "host_file.page[1]",
            "page-1",
            "t page 1 of generation 1 after b\n",
        );
        file("host_file.note[\"note-0\"]", "note-0", "t note-0\n");
        for (address, id, input) in [
            ("seed[0]", "a", "t seed 0"),
            ("seed[1]", "b", "t seed 1"),
            ("receipt[0]", "c", first.as_str()),
        ] {
            let object = json!({ "id": id, "input": input, "output": input });
            shown.insert(format!("terraform_data.{address}"), object);
        }
        (project, root, shown)
    }

    #[test]
    fn a_sound_world_is_found_sound() {
        let (project, root, shown) = sound();
        // The files, as many `terraform_data`, and the directory.
        assert_eq!(shown.len(), 2 * project.files + 1);
        assert_eq!(project.compare(root.path(), &shown, 1), []);
    }

    /// What is done to a sound world, and which promise that breaks.
    type Planted = (&'static str, fn(&Path, &mut Shown), Promise);

    #[test]
    fn what_is_planted_is_found() {
        let planted: [Planted; 7] = [
            (
                "a file is gone",
                |root, _| std::fs::remove_file(root.join("site/page-1.txt")).unwrap(),
                Promise::Lost,
            ),
            (
                "an object is gone from the book",
                |_, shown| drop(shown.remove("terraform_data.receipt[0]")),
                Promise::Lost,
            ),
            (
                "a temporary file stays",
                |root, _| std::fs::write(root.join("site/.steadfast-1.tmp"), "").unwrap(),
                Promise::Doubled,
            ),
            (
                "a temporary file stays beside the directory",
                |root, _| std::fs::write(root.join(".steadfast-1.tmp"), "").unwrap(),
                Promise::Doubled,
            ),
            (
                "an object too many",
                |_, shown| drop(shown.insert("host_file.page[9]".to_owned(), json!({}))),
                Promise::Doubled,
            ),
            (
                "a file with other content",
                |root, _| std::fs::write(root.join("site/note-0.txt"), "t note-0").unwrap(),
                Promise::Agree,
            ),
            (
                "an object was made again after others used its id",
                |_, shown| {
                    let object = json!({ "id": "z", "input": "t seed 0", "output": "t seed 0" });
                    shown.insert("terraform_data.seed[0]".to_owned(), object);
                },
                Promise::Agree,
            ),
        ];
        for (what, plant, promise) in planted {
            let (project, root, mut shown) = sound();
            plant(root.path(), &mut shown);
            let findings = project.compare(root.path(), &shown, 1);
            assert!(
                findings.iter().any(|finding| finding.promise == promise),
                "{what}: {findings:?}"
            );
        }
        let (_, root, shown) = sound();
        assert!(!Project::compare_gone(root.path(), &shown).is_empty());
    }
}
