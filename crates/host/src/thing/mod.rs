//! Things of a machine that are looked at and set: lines, accounts, packages, services, daemons and so on.
//!
//! Each is a [`Sort`]: how to look at one, how to make it as planned, how to take it away. All of that may be done
//! again, so whatever was interrupted is repeated. What follows from it is the same for all and stands here: planning,
//! drift, not taking over what is there and differs, and finding out what became of a change whose outcome was lost.

mod account;
mod archive;
mod cron;
mod daemon;
mod edit;
mod line;
mod mount;
mod package;
mod service;
mod sysctl;

use crate::diag::{self, Trouble};
use crate::form::{self, Parts};
use crate::machine::{For, Machine, Reply, Request};
use contract::{Answer, Inquiry, Outcome};
use model::{ActionId, BlockSchema, Change, Repeat};
use value::{Diagnostic, Diagnostics, Name, Value};

/// Attributes of a thing as it is.
pub(crate) type Found = Vec<(&'static str, Value)>;

/// A resource type.
pub(crate) struct Sort {
    pub(crate) kind: &'static str,
    pub(crate) schema: fn() -> BlockSchema,
    /// The attribute that says which thing it is: another one is another object.
    identity: &'static str,
    /// Everything that is wrong with a configuration, as far as it is known.
    check: fn(&Value) -> Result<(), Diagnostic>,
    /// Looks at the thing that an object describes.
    look: fn(&Machine, &Value) -> Result<Option<Found>, Trouble>,
    /// Makes the thing as planned. The object that was there before is none for a new one.
    set: fn(&Machine, ActionId, &Value, Option<&Value>) -> Result<(), Trouble>,
    /// Takes the thing away, which is there.
    remove: fn(&Machine, ActionId, &Value) -> Result<(), Trouble>,
    /// In what it differs from most.
    manner: Manner,
}

/// What most things have in common, and some do not.
struct Manner {
    /// What an attribute is that is not set, where the machine does not choose it.
    default: fn(&str) -> Option<Value>,
    /// What can be said of the result before anything is done.
    foresee: fn(&Machine, &Value) -> Result<Found, Diagnostic>,
    /// Whether one that is there and differs is set all the same: it is no thing that somebody made, but a state.
    is_state: bool,
    /// Whether a thing that was found is as one that was taken away.
    is_gone: fn(&Found) -> bool,
    /// Attributes that are more than what a look shows: where they change, the thing is set.
    beyond: &'static [&'static str],
    /// Why one that is there cannot be taken over by its name alone.
    not_imported: Option<&'static str>,
}

impl Manner {
    /// That of a thing that somebody made, of which a look shows everything.
    const THING: Self = Self {
        default: |_| None,
        foresee: |_, _| Ok(Vec::new()),
        is_state: false,
        is_gone: |_| false,
        beyond: &[],
        not_imported: None,
    };
}

/// All of them.
pub(crate) const SORTS: [&Sort; 10] = [
    &archive::SORT,
    &cron::SORT,
    &daemon::SORT,
    &account::GROUP,
    &line::SORT,
    &mount::SORT,
    &package::SORT,
    &service::SORT,
    &sysctl::SORT,
    &account::USER,
];

/// The sort of a resource type.
pub(crate) fn sort(kind: &str) -> Option<&'static Sort> {
    SORTS.into_iter().find(|sort| sort.kind == kind)
}

impl Sort {
    pub(crate) fn validate(&self, config: &Value) -> Diagnostics {
        let mut found = Diagnostics::new();
        if let Err(diagnostic) = (self.check)(config) {
            found.push(diagnostic);
        }
        found
    }

    pub(crate) fn plan(
        &self,
        machine: &Machine,
        block: &BlockSchema,
        config: &Value,
        prior: &Value,
    ) -> Result<Answer, Diagnostics> {
        (self.check)(config)?;
        let is_other = !prior.is_null() && !form::same(config, prior, self.identity);
        let mut entries = config.entries().cloned().unwrap_or_default();
        for (name, attribute) in &block.attributes {
            let is_set = entries.get(name).is_some_and(|value| !value.is_null());
            if is_set || !attribute.computed {
                continue;
            }
            let before = prior
                .get(name)
                .filter(|value| !value.is_null() && !is_other);
            let default = (self.manner.default)(name);
            let value = default.or_else(|| before.cloned());
            let value = value.unwrap_or_else(|| Value::unknown(attribute.ty.clone()));
            entries.insert(name.clone(), value);
        }
        let planned = Value::object(entries).with_marks(config.marks());
        let id = config.get(self.identity).cloned().map(Value::without_marks);
        let id = id.map(|id| ("id", id));
        let planned = form::with(&planned, id);
        let planned = form::with(&planned, (self.manner.foresee)(machine, config)?);
        let replaced: &[&str] = if is_other { &[self.identity] } else { &[] };
        Ok(form::planned(planned, replaced, Repeat::Safe))
    }

    pub(crate) fn read(
        &self,
        machine: &Machine,
        block: &BlockSchema,
        prior: &Value,
    ) -> Result<Answer, Trouble> {
        let Some(found) = (self.look)(machine, prior)? else {
            return Ok(form::read(None, Diagnostics::new()));
        };
        let is_null = |name: &str| prior.get(name).is_none_or(Value::is_null);
        // Of a thing that is taken over nothing is known yet but which it is.
        let is_taken_over = block
            .attributes
            .iter()
            .filter(|(_, attribute)| attribute.computed || attribute.required)
            .any(|(name, _)| **name != *"id" && is_null(name));
        let seen = found.into_iter().filter_map(|(name, value)| {
            let is_computed = block.attributes.get(name)?.computed;
            let counts = is_taken_over || is_computed || !is_null(name);
            let marks = prior.get(name).map(Value::marks).unwrap_or_default();
            counts.then(|| (name, value.with_marks(marks)))
        });
        let object = form::with(prior, seen);
        Ok(form::read(Some(object), Diagnostics::new()))
    }

    /// The attributes that are not as this object has them.
    fn differences(found: &Found, object: &Value) -> Vec<&'static str> {
        let differs = |name: &str, value: &Value| {
            let wanted = object.get(name);
            let wanted = wanted.filter(|wanted| wanted.is_wholly_known() && !wanted.is_null());
            wanted.is_some_and(|wanted| wanted.data() != value.data())
        };
        let different = found.iter().filter(|(name, value)| differs(name, value));
        different.map(|(name, _)| *name).collect()
    }

    pub(crate) fn apply(
        &self,
        machine: &Machine,
        block: &BlockSchema,
        action: ActionId,
        change: &Change,
    ) -> Result<Outcome, Trouble> {
        let (planned, prior) = match form::parts(block, change)? {
            Parts::Create { planned, .. } => (planned, None),
            Parts::Update { planned, prior, .. } => (planned, Some(prior)),
            Parts::Delete { prior } => {
                let found = (self.look)(machine, prior)?;
                if found.is_some_and(|found| !(self.manner.is_gone)(&found)) {
                    (self.remove)(machine, action, prior)?;
                }
                return Ok(form::deleted());
            }
        };
        (self.check)(planned)?;
        let planned = &resolved(change, planned);
        if let Some(found) = (self.look)(machine, planned)? {
            let different = Self::differences(&found, planned);
            let is_beyond = prior.is_some_and(|prior| {
                let mut beyond = self.manner.beyond.iter();
                beyond.any(|name| !form::same(planned, prior, name))
            });
            if different.is_empty() && !is_beyond {
                return Ok(self.done(change, found));
            }
            if prior.is_none() && !self.manner.is_state {
                let id = self.name(planned);
                return Err(diag::exists_otherwise(self.kind, &id, &different).into());
            }
        }
        if let Err(trouble) = (self.set)(machine, action, planned, prior) {
            return self.broken(machine, change, planned, trouble);
        }
        match (self.look)(machine, planned)? {
            Some(found) => {
                let different = Self::differences(&found, planned);
                if different.is_empty() {
                    return Ok(self.done(change, found));
                }
                let diagnostic = diag::not_as_set(self.kind, &self.name(planned), &different);
                self.broken(machine, change, planned, diagnostic.into())
            }
            None => Err(diag::not_as_set(self.kind, &self.name(planned), &[]).into()),
        }
    }

    /// What did not come to be as planned, but may have come to be in part.
    fn broken(
        &self,
        machine: &Machine,
        change: &Change,
        planned: &Value,
        trouble: Trouble,
    ) -> Result<Outcome, Trouble> {
        let (Trouble::Refused(diagnostic) | Trouble::Failed(diagnostic, _)) = trouble else {
            return Err(trouble);
        };
        let found = match self.manner.is_state {
            true => None,
            false => (self.look)(machine, planned)?,
        };
        let Some(found) = found else {
            return Err(diagnostic.into());
        };
        let Outcome::Changed {
            object: Some(object),
            ..
        } = self.done(change, found.clone())
        else {
            return Err(diagnostic.into());
        };
        // Without what the plan says and is not there.
        let seen = found.into_iter().filter(|(name, _)| {
            let planned = object.get(name);
            planned.is_some_and(|planned| !planned.is_null())
        });
        Ok(Outcome::Partial {
            object: form::with(&object, seen.collect::<Vec<_>>()),
            private: Vec::new(),
            diagnostics: diagnostic.into(),
        })
    }

    fn name(&self, object: &Value) -> String {
        text_or_empty(object, self.identity).to_owned()
    }

    fn done(&self, change: &Change, mut found: Found) -> Outcome {
        let planned = change.planned.as_ref();
        let id = planned
            .and_then(|planned| planned.get(self.identity))
            .cloned();
        let id = id.filter(Value::is_known).or_else(|| {
            let config = change.config.as_ref();
            config.and_then(|config| config.get(self.identity)).cloned()
        });
        found.extend(id.map(|id| ("id", id.without_marks())));
        form::changed(form::fill(change, &found), Diagnostics::new())
    }

    pub(crate) fn inquire(
        &self,
        machine: &Machine,
        block: &BlockSchema,
        change: &Change,
    ) -> Result<Inquiry, Trouble> {
        let (planned, prior) = match form::parts(block, change)? {
            Parts::Create { planned, .. } => (planned, None),
            Parts::Update { planned, prior, .. } => (planned, Some(prior)),
            Parts::Delete { prior } => {
                return Ok(match (self.look)(machine, prior)? {
                    Some(found) if !(self.manner.is_gone)(&found) => Inquiry::Absent,
                    Some(_) | None => Inquiry::Found(form::deleted()),
                });
            }
        };
        (self.check)(planned)?;
        let planned = &resolved(change, planned);
        let Some(found) = (self.look)(machine, planned)? else {
            return Ok(Inquiry::Absent);
        };
        let different = Self::differences(&found, planned);
        if different.is_empty() {
            return Ok(Inquiry::Found(self.done(change, found)));
        }
        let is_before = prior.is_some_and(|prior| Self::differences(&found, prior).is_empty());
        if is_before || self.manner.is_state {
            return Ok(Inquiry::Absent);
        }
        let different = different.join(", ");
        Ok(Inquiry::Unclear {
            what: format!(
                "{} {} is there, but neither as planned nor as it was before ({different})",
                self.kind,
                self.name(planned)
            ),
        })
    }

    /// What is known of one that is there already: which it is.
    pub(crate) fn import(&self, block: &BlockSchema, id: &str) -> Result<Answer, Diagnostic> {
        if let Some(why) = self.manner.not_imported {
            return Err(diag::not_imported(self.kind, why));
        }
        let id = || Value::string(id);
        Ok(form::imported(block, [(self.identity, id()), ("id", id())]))
    }
}

/// The planned object with what was only known when it is made.
fn resolved(change: &Change, planned: &Value) -> Value {
    let config = change.config.as_ref();
    let entries = planned.entries().into_iter().flatten();
    let entries = entries.map(|(name, value)| {
        let now = config.and_then(|config| config.get(name));
        let now = now.filter(|now| !value.is_wholly_known() && !now.is_null());
        (name.clone(), now.unwrap_or(value).clone())
    });
    Value::object(entries.collect())
}

/// Runs a script that changes something. It ends with 0, or tells why it did not.
fn step(machine: &Machine, doing: &str, request: &Request) -> Result<Reply, Trouble> {
    let reply = machine.ask_waiting(request, For::Changing)?;
    match reply.status {
        0 => Ok(reply),
        status => Err(diag::step_failed(doing, status, &reply.complaint()).into()),
    }
}

/// Runs a script that only looks.
fn ask(machine: &Machine, doing: &str, request: &Request) -> Result<String, Trouble> {
    let reply = machine.ask_waiting(request, For::Looking)?;
    match reply.status {
        0 => Ok(reply.text()),
        status => Err(diag::step_failed(doing, status, &reply.complaint()).into()),
    }
}

/// A text attribute that is set and known.
fn given<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    form::known(object, name)
}

/// The same; empty where it is not.
fn text_or_empty<'a>(object: &'a Value, name: &str) -> &'a str {
    form::known(object, name).unwrap_or_default()
}

fn flag(object: &Value, name: &str) -> Option<bool> {
    object.get(name)?.as_bool()
}

fn number(object: &Value, name: &str) -> Option<i64> {
    object.get(name)?.as_number()?.as_i64()
}

/// The elements of a set or list of texts.
fn texts<'a>(object: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    let elements = object.get(name)?.elements()?;
    Some(elements.iter().filter_map(Value::as_str).collect())
}

/// The entries of a map of texts.
fn pairs<'a>(object: &'a Value, name: &str) -> Vec<(&'a Name, &'a str)> {
    let entries = object.get(name).and_then(Value::entries);
    let entries = entries.into_iter().flatten();
    entries
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .collect()
}

/// Refuses a text that does not fit on a line.
fn one_line(config: &Value, names: &[&str]) -> Result<(), Diagnostic> {
    names.iter().try_for_each(|name| match given(config, name) {
        Some(text) if text.contains(['\n', '\r', '\0']) => {
            Err(diag::invalid_argument(name, "one line of text"))
        }
        Some(_) | None => Ok(()),
    })
}

/// Refuses a name that is empty, or has other characters than these.
fn plain_name(
    config: &Value,
    name: &str,
    further: &[char],
    wanted: &str,
) -> Result<(), Diagnostic> {
    let is_plain = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || further.contains(&c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
    };
    match given(config, name) {
        Some(text) if !is_plain(text) => Err(diag::invalid_argument(name, wanted)),
        Some(_) | None => Ok(()),
    }
}
