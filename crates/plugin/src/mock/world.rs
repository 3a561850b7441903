//! The objects of a mock, by id; in memory, or in a file that several processes share one after the other.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use value::{Type, Value};

/// See the module's header.
#[derive(Debug, Default)]
pub(crate) struct World {
    objects: BTreeMap<String, (String, Value)>,
    /// How many objects of a type and a name there ever were.
    made: BTreeMap<String, u64>,
    file: Option<PathBuf>,
}

impl World {
    pub(crate) fn in_file(file: &Path) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::default()
        }
    }

    /// What stands in the file now: other processes write to it too. It is held until what is given back is dropped.
    fn load(&mut self) -> Option<File> {
        let path = self.file.as_ref()?;
        let mut lock = path.clone().into_os_string();
        lock.push(".lock");
        let held = File::create(lock).and_then(|file| file.lock().map(|()| file));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        self.objects.clear();
        self.made.clear();
        let Ok(Json::Object(all)) = serde_json::from_str(&text) else {
            return held.ok();
        };
        let entries = |name: &str| {
            all.get(name)
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
        };
        for (id, entry) in entries("objects") {
            let kind = entry.get("type").and_then(Json::as_str).unwrap_or_default();
            let object = entry.get("object").map(Json::to_string).unwrap_or_default();
            if let Ok(object) = crate::json::decode(object.as_bytes(), &Type::Any) {
                self.objects.insert(id.clone(), (kind.to_owned(), object));
            }
        }
        for (name, n) in entries("made") {
            self.made.insert(name.clone(), n.as_u64().unwrap_or(0));
        }
        held.ok()
    }

    fn save(&self) {
        let Some(file) = &self.file else {
            return;
        };
        let objects = self.objects.iter().map(|(id, (kind, object))| {
            let object = crate::json::encode(object, &Type::Any).unwrap_or_default();
            let object: Json = serde_json::from_slice(&object).unwrap_or_default();
            (id.clone(), json!({ "type": kind, "object": object }))
        });
        let objects: serde_json::Map<String, Json> = objects.collect();
        let text = json!({ "objects": objects, "made": self.made }).to_string();
        // A world that cannot be kept is seen by the test that needs it.
        let _ = std::fs::write(file, text);
    }

    /// An id that no object of this type and name had before.
    pub(crate) fn fresh_id(&mut self, kind: &str, name: &str) -> String {
        let _held = self.load();
        let key = if name.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}:{name}")
        };
        let n = self.made.entry(key.clone()).or_default();
        *n += 1;
        let id = format!("{key}:{n}");
        self.save();
        id
    }

    pub(crate) fn get(&mut self, id: &str) -> Option<(String, Value)> {
        let _held = self.load();
        self.objects.get(id).cloned()
    }

    pub(crate) fn put(&mut self, id: &str, kind: &str, object: Value) {
        let _held = self.load();
        self.objects
            .insert(id.to_owned(), (kind.to_owned(), object));
        self.save();
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<(String, Value)> {
        let _held = self.load();
        let removed = self.objects.remove(id);
        self.save();
        removed
    }

    /// Takes note of what nobody keeps, in a file beside that of the objects.
    pub(crate) fn note(&self, line: &str) {
        use std::io::Write as _;
        let Some(file) = &self.file else { return };
        let path = file.with_extension("log");
        let file = File::options().create(true).append(true).open(path);
        // What cannot be noted is missed by the test that needs it.
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.objects.values().filter(|(of, _)| of == kind).count()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }
}
