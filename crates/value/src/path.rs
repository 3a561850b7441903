//! Places inside values, and going through them.

use crate::{Data, Marks, Name, Value};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PathStep {
    /// The attribute of an object.
    Attribute(Name),
    /// The element of a map.
    Key(Name),
    /// The element of a list or tuple, counted from zero.
    Index(usize),
    /// The element of a set, which is known only by itself.
    Element(Value),
}

/// The way from a value to something inside; the empty path is the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Path(pub Vec<PathStep>);

impl Path {
    /// The value itself.
    pub const ROOT: Self = Self(Vec::new());

    /// One step further.
    #[must_use]
    pub fn join(&self, step: PathStep) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }

    /// Whether this place is the other or inside it.
    pub fn starts_with(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Path {
    /// As one would write it after a reference: `.name["key"][0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                PathStep::Attribute(name) => write!(f, ".{name}")?,
                PathStep::Key(key) => write!(f, "[{key:?}]")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Element(value) => write!(f, "[{}]", value.render())?,
            }
        }
        Ok(())
    }
}

impl Value {
    /// What is at a place, with the marks of everything passed on the way; none when the place does not exist or lies
    /// in something null or unknown.
    pub fn at(&self, path: &Path) -> Option<Value> {
        let mut marks = self.marks();
        let mut current = self;
        for step in &path.0 {
            current = match step {
                PathStep::Attribute(name) | PathStep::Key(name) => current.get(name)?,
                PathStep::Index(index) => current.elements()?.get(*index)?,
                PathStep::Element(element) => {
                    let elements = current.elements()?;
                    elements.get(elements.binary_search(element).ok()?)?
                }
            };
            marks = marks.union(current.marks());
        }
        Some(current.clone().with_marks(marks))
    }

    /// Visits the value and everything inside, outer before inner, in order. `visit` says whether to go inside.
    pub fn walk(&self, visit: &mut dyn FnMut(&Path, &Value) -> bool) {
        self.walk_from(&mut Path::ROOT.clone(), visit);
    }

    fn walk_from(&self, path: &mut Path, visit: &mut dyn FnMut(&Path, &Value) -> bool) {
        if !visit(path, self) {
            return;
        }
        for (step, child) in self.children() {
            path.0.push(step);
            child.walk_from(path, visit);
            path.0.pop();
        }
    }

    /// What is directly inside, with the step that leads there.
    pub fn children(&self) -> impl Iterator<Item = (PathStep, &Value)> {
        let set = matches!(self.data(), Data::Set(..));
        let object = matches!(self.data(), Data::Object(_));
        let elements = self.elements().unwrap_or_default().iter().enumerate();
        let entries = self.entries().into_iter().flatten();
        elements
            .map(move |(index, item)| {
                let step = if set {
                    PathStep::Element(item.clone())
                } else {
                    PathStep::Index(index)
                };
                (step, item)
            })
            .chain(entries.map(move |(name, item)| {
                let step = if object {
                    PathStep::Attribute(name.clone())
                } else {
                    PathStep::Key(name.clone())
                };
                (step, item)
            }))
    }

    /// The value with null in place of everything ephemeral in it: what of it may be written down.
    #[must_use]
    pub fn ephemeral_as_null(&self) -> Self {
        self.transform(&mut |_, value| {
            if value.marks().contains(Marks::EPHEMERAL) {
                let marks = value.marks().without(Marks::EPHEMERAL);
                Self::null(value.ty()).with_marks(marks)
            } else {
                value
            }
        })
    }

    /// Rebuilds the value from inside out: `change` is given everything inside, then what it is inside of, and answers
    /// what stands there instead. Elements of lists, sets and maps must keep their type.
    #[must_use]
    pub fn transform(&self, change: &mut dyn FnMut(&Path, Value) -> Value) -> Value {
        self.transform_from(&mut Path::ROOT.clone(), change)
    }

    fn transform_from(
        &self,
        path: &mut Path,
        change: &mut dyn FnMut(&Path, Value) -> Value,
    ) -> Value {
        let rebuilt = match self.data() {
            Data::List(..) | Data::Set(..) | Data::Tuple(_) => {
                let items = self.children().map(|(step, item)| {
                    path.0.push(step);
                    let item = item.transform_from(path, change);
                    path.0.pop();
                    item
                });
                let items = Arc::new(items.collect::<Vec<_>>());
                match self.data() {
                    Data::List(ty, _) => Data::List(ty.clone(), items),
                    Data::Set(ty, _) => Data::Set(ty.clone(), items),
                    _ => Data::Tuple(items),
                }
            }
            Data::Map(..) | Data::Object(_) => {
                let items = self.children().filter_map(|(step, item)| {
                    let (PathStep::Attribute(name) | PathStep::Key(name)) = &step else {
                        return None;
                    };
                    let name = name.clone();
                    path.0.push(step);
                    let item = item.transform_from(path, change);
                    path.0.pop();
                    Some((name, item))
                });
                let items = Arc::new(items.collect::<BTreeMap<_, _>>());
                match self.data() {
                    Data::Map(ty, _) => Data::Map(ty.clone(), items),
                    _ => Data::Object(items),
                }
            }
            leaf => leaf.clone(),
        };
        change(path, Value::from(rebuilt).with_marks(self.marks()))
    }

    /// The value without any marks, and where which marks were. [`Value::mark_at`] puts them back.
    pub fn unmark_deep(&self) -> (Value, Vec<(Path, Marks)>) {
        let mut marks = Vec::new();
        if self.marks_deep().is_empty() {
            return (self.clone(), marks);
        }
        self.walk(&mut |path, value| {
            if !value.marks().is_empty() {
                marks.push((path.clone(), value.marks()));
            }
            !value.marks_deep().is_empty()
        });
        (self.clone().unmark_all(), marks)
    }

    /// The value without any marks, also inside.
    #[must_use]
    pub fn unmark_all(self) -> Value {
        if self.marks_deep().is_empty() {
            return self;
        }
        self.transform(&mut |_, value| value.without_marks())
    }

    /// The value with marks added at these places; places that do not exist are passed over.
    #[must_use]
    pub fn mark_at(&self, marks: &[(Path, Marks)]) -> Value {
        if marks.is_empty() {
            return self.clone();
        }
        let mut at: BTreeMap<&Path, Marks> = BTreeMap::new();
        for (place, marks) in marks {
            let all = at.entry(place).or_default();
            *all = all.union(*marks);
        }
        self.transform(&mut |path, value| {
            let added = at.get(path).copied().unwrap_or_default();
            value.with_marks(added)
        })
    }
}
