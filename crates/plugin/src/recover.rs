//! What became of a change whose answer was lost.
//!
//! A change or deletion of an object that is known is found by reading it. A creation is looked for by a ladder: by an
//! identity that follows from its configuration; by a data source that knows it by its name, by what it joins, or by
//! the stamp that the creation put on it; and where there is no such way, by asking a person. An object is taken for
//! the one that was to be made only when that is shown: by its stamp, or, where it can carry none, by being equal to
//! what was planned. Every rung is told, so that it stands in the book.

use crate::known::{self, By, Find, Known, Stamped, TypeRule};
use crate::limits::LOOKS_MAX;
use crate::propose;
use crate::provider::Plugin;
use crate::{diag, stamp, trouble};
use contract::{Inquiry, Looked, Outcome};
use core::time::Duration;
use model::{ActionId, Change, Mode, ReadAnswer, ReadQuestion, Recovery, Rung, Verb};
use std::collections::BTreeMap;
use value::{Diagnostics, Name, Type, Value};

/// Objects that are looked at when a search finds several: more are told and not looked at.
const FOUND_MAX: usize = 5;

/// How a creation is looked for.
struct Way<'a> {
    by: Recovery,
    rung: Asked<'a>,
}

enum Asked<'a> {
    /// By what the provider knows it by.
    Id(String),
    /// By a data source with these arguments, that answers in this attribute.
    Data(&'a Find, BTreeMap<Name, Value>),
    /// By a search of everything that carries the stamp.
    Search(&'a Known),
}

/// What names an object, or why there is no such name.
enum Names {
    Of(Vec<String>),
    Nothing,
    Trouble(Diagnostics),
}

impl Plugin {
    fn rule(&self, kind: &str) -> Option<(&'static Known, &'static TypeRule)> {
        static NOTHING: TypeRule = TypeRule::NOTHING;
        let known = known::provider(self.source())?;
        Some((known, known.of_type(kind).unwrap_or(&NOTHING)))
    }

    /// The attribute that objects of a type carry a stamp in, and when it is put on.
    pub(crate) fn stamped(&self, kind: &str) -> Option<(&'static str, Stamped)> {
        let (known, rule) = self.rule(kind)?;
        let schema = self.of_type(Mode::Managed, kind).ok()?;
        let carries =
            !rule.put && rule.stamped != Stamped::Never && stamp::fits(&schema.block, &known.stamp);
        carries.then_some((known.stamp.as_str(), rule.stamped))
    }

    /// Whether making an object again is making it once.
    pub(crate) fn is_put(&self, kind: &str, planned: &Value) -> bool {
        self.rule(kind).is_some_and(|(_, rule)| {
            let needed = rule.needs.as_ref();
            rule.put
                && needed.is_none_or(|name| planned.get(name).is_some_and(|one| !one.is_null()))
        })
    }

    /// By what an object would be found whose creation is lost. What its configuration refers to and is not there yet
    /// counts as known: it will be when the object is made.
    pub(crate) fn recovery(&self, kind: &str, config: &Value, planned: &Value) -> Recovery {
        let Some((_, rule)) = self.rule(kind) else {
            return Recovery::Person;
        };
        let way = |by: By| match by {
            By::Name => Recovery::Name,
            By::Parent => Recovery::Parent,
        };
        let mut sure = planned.entries().cloned().unwrap_or_default();
        for (name, value) in config.entries().into_iter().flatten() {
            if value.as_unknown().is_some() {
                sure.insert(name.clone(), Value::string("?"));
            }
        }
        let sure = Value::object(sure);
        if let Some(id) = &rule.id
            && known::filled(id, &sure).is_some()
        {
            return way(rule.by);
        }
        if let Some(find) = &rule.find
            && find.stamp.is_none()
            && known::filled_all(&find.with, &sure).is_some()
        {
            return way(rule.by);
        }
        match self.stamped(kind) {
            Some((_, Stamped::Once)) => Recovery::Stamp,
            Some(_) | None => Recovery::Person,
        }
    }

    /// The way in which a creation is looked for.
    fn way(&self, change: &Change) -> Option<Way<'static>> {
        let kind = &change.address.resource.kind;
        let (known, rule) = self.rule(kind)?;
        let planned = change.planned.as_ref()?;
        let by = match rule.by {
            By::Name => Recovery::Name,
            By::Parent => Recovery::Parent,
        };
        if let Some(id) = rule.id.as_ref().and_then(|id| known::filled(id, planned)) {
            let rung = Asked::Id(id.as_str()?.to_owned());
            return Some(Way { by, rung });
        }
        if let Some(find) = rule.find.as_ref().filter(|find| find.stamp.is_none())
            && let Some(with) = known::filled_all(&find.with, planned)
        {
            let rung = Asked::Data(find, with);
            return Some(Way { by, rung });
        }
        let (_, Stamped::Once) = self.stamped(kind)? else {
            return None;
        };
        let rung = match rule.find.as_ref().filter(|find| find.stamp.is_some()) {
            Some(find) => Asked::Data(find, BTreeMap::new()),
            None => Asked::Search(known),
        };
        let by = Recovery::Stamp;
        Some(Way { by, rung })
    }

    /// Whether a lost creation can be looked for at all.
    pub(crate) fn can_look_for(&self, change: &Change) -> bool {
        self.way(change).is_some()
    }

    /// What became of a change.
    pub(crate) async fn look(&self, action: ActionId, change: &Change) -> Looked {
        match &change.prior {
            Some(prior) if !prior.is_null() => self.look_at(change, prior).await.into(),
            Some(_) | None => self.look_for(action, change).await,
        }
    }

    /// Whether a change or deletion took effect, by looking at the object.
    async fn look_at(&self, change: &Change, prior: &Value) -> Inquiry {
        let question = ReadQuestion {
            address: change.address.clone(),
            provider: change.provider.clone(),
            prior: prior.clone(),
            private: change.private.clone(),
            retry: None,
        };
        let address = question.address.to_string();
        let mut looks = 1;
        let seen = loop {
            // Ends with what is seen, or with the last look.
            match self.read(&question).await {
                Err(found) if self.looks_again(&address, &mut looks, &found).await => {}
                seen => break seen,
            }
        };
        let answer = match seen {
            Ok(answer) => answer,
            Err(found) => return could_not_look(&found),
        };
        let changed = |object| {
            Inquiry::Found(Outcome::Changed {
                object,
                private: answer.private.clone(),
                diagnostics: answer.diagnostics.clone(),
            })
        };
        match (change.verb, answer.object) {
            (Verb::Delete, None) => changed(None),
            (Verb::Delete, Some(_)) => Inquiry::Absent,
            (_, Some(object)) if object == *prior => Inquiry::Absent,
            (_, Some(object)) if differences(&object, change.planned.as_ref(), None).is_empty() => {
                changed(Some(object))
            }
            // Some of it was done: doing all of it again ends in the same.
            (_, Some(object)) if is_between(&object, prior, change.planned.as_ref()) => {
                Inquiry::Absent
            }
            (_, found) => Inquiry::Unclear {
                what: match found {
                    Some(_) => "it is neither as it was nor as planned".to_owned(),
                    None => "it is gone".to_owned(),
                },
            },
        }
    }

    /// Whether an object is to be looked at again, after a pause: it may come to be or go in this moment, so that some
    /// of it is there and some is not, which providers take for trouble, and a moment later do not.
    async fn looks_again(&self, name: &str, looks: &mut u32, found: &Diagnostics) -> bool {
        if trouble::passes(found) || *looks >= LOOKS_MAX || self.has_ended() {
            return false;
        }
        let pause_ms = crate::provider::pause_ms(name, *looks, None);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        *looks += 1;
        true
    }

    /// Looks for what a creation may have made.
    async fn look_for(&self, action: ActionId, change: &Change) -> Looked {
        let kind = &change.address.resource.kind;
        let Some(way) = self.way(change) else {
            let what = format!(
                "{} has no way to look for a {kind}; `done -id ID` says which one it made",
                self.source()
            );
            return Inquiry::Unclear { what }.into();
        };
        let (asked, names) = self.names(&way.rung, action).await;
        let mut rungs = Vec::new();
        let mut tell = |asked: String, seen: &str| {
            rungs.push(Rung {
                by: way.by,
                asked,
                seen: seen.to_owned(),
            });
        };
        let names = match names {
            Names::Of(names) => names,
            Names::Nothing => {
                tell(asked, "nothing");
                let inquiry = Inquiry::Absent;
                return Looked { inquiry, rungs };
            }
            Names::Trouble(found) => {
                let inquiry = could_not_look(&found);
                tell(asked, &first(&found));
                return Looked { inquiry, rungs };
            }
        };
        if !matches!(way.rung, Asked::Id(_)) {
            tell(asked, &names.join(", "));
        }
        let mut there = Vec::new();
        for name in names.iter().take(FOUND_MAX) {
            let asked = format!("{kind} {name}");
            // Of many names that might be it, those that are none are not understood, however often.
            let mut looks = if matches!(way.rung, Asked::Search(_)) {
                LOOKS_MAX
            } else {
                1
            };
            let seen = loop {
                // Ends with what is seen, or with the last look.
                match self.read_by(change, name).await {
                    Err(found) if self.looks_again(name, &mut looks, &found).await => {}
                    seen => break seen,
                }
            };
            match seen {
                Ok(Some(answer)) => {
                    tell(asked, "it is there");
                    there.push((name, answer));
                }
                Ok(None) => tell(asked, "nothing"),
                Err(found) if matches!(way.rung, Asked::Search(_)) && !trouble::passes(&found) => {
                    tell(asked, &first(&found));
                }
                Err(found) => {
                    let inquiry = could_not_look(&found);
                    tell(asked, &first(&found));
                    return Looked { inquiry, rungs };
                }
            }
        }
        let inquiry = self.judged(action, change, there);
        Looked { inquiry, rungs }
    }

    /// What was found, as an answer to whether a creation took effect.
    fn judged(
        &self,
        action: ActionId,
        change: &Change,
        mut there: Vec<(&String, ReadAnswer)>,
    ) -> Inquiry {
        let kind = &change.address.resource.kind;
        if there.len() > 1 {
            let names: Vec<&str> = there.iter().map(|(name, _)| name.as_str()).collect();
            let what = format!(
                "there are {} of it: {}; destroy those that are too many, then `done -id ID` says which one stays",
                names.len(),
                names.join(", ")
            );
            return Inquiry::Unclear { what };
        }
        let Some((name, answer)) = there.pop() else {
            return Inquiry::Absent;
        };
        let Some(object) = answer.object else {
            return Inquiry::Absent;
        };
        let stamped = self.stamped(kind);
        let (attribute, when) = stamped.unwrap_or(("", Stamped::Never));
        let owner = stamp::of(&object, attribute);
        let is_ours = owner == Some(action.to_string().as_str());
        if !is_ours && (owner.is_some() || when == Stamped::Once) {
            return Inquiry::Found(Outcome::Refused {
                diagnostics: diag::not_ours(&change.address, name).into(),
            });
        }
        let object = stamp::take(&object, attribute, change.planned.as_ref());
        let differences = differences(&object, change.planned.as_ref(), Some(attribute));
        let mut diagnostics = answer.diagnostics;
        if !differences.is_empty() {
            if !is_ours {
                let what = format!(
                    "there is a {kind} {name}, which is not as planned in: {}; `done -id {name}` takes it all the same",
                    differences.join(", "),
                );
                return Inquiry::Unclear { what };
            }
            diagnostics.push(diag::made_in_part(&change.address, name, &differences));
        }
        Inquiry::Found(Outcome::Changed {
            object: Some(object),
            private: answer.private,
            diagnostics,
        })
    }

    /// What the provider knows the object by, found out in one way, and what was asked.
    async fn names(&self, rung: &Asked<'_>, action: ActionId) -> (String, Names) {
        match rung {
            Asked::Id(id) => (id.clone(), Names::Of(vec![id.clone()])),
            Asked::Data(find, with) => {
                let mut with = with.clone();
                let mut asked: Vec<String> = with
                    .iter()
                    .map(|(name, value)| format!("{name} {}", value.render()))
                    .collect();
                if let Some(argument) = &find.stamp {
                    let stamp = BTreeMap::from([(
                        Name::from(stamp::KEY),
                        Value::string(action.to_string()),
                    )]);
                    with.insert(argument.as_str().into(), Value::map(Type::String, stamp));
                    asked.push(format!("{} {action}", stamp::KEY));
                }
                let asked = format!("{} with {}", find.data, asked.join(", "));
                let names = match self.data_source(&find.data, with).await {
                    Ok(object) => texts(object.get(&find.id)),
                    Err(names) => names,
                };
                (asked, names)
            }
            Asked::Search(known) => {
                let search = &known.search;
                let filter = BTreeMap::from([
                    ("key".into(), Value::string(stamp::KEY)),
                    (
                        "values".into(),
                        Value::set(Type::String, vec![Value::string(action.to_string())]),
                    ),
                ]);
                let filters = Value::tuple(vec![Value::object(filter)]);
                let with = BTreeMap::from([(search.block.as_str().into(), filters)]);
                let asked = format!("{} with {} {action}", search.data, stamp::KEY);
                let names = match self.data_source(&search.data, with).await {
                    Ok(object) => found_by_search(&object, known),
                    Err(names) => names,
                };
                (asked, names)
            }
        }
    }

    /// Asks a data source with some of its arguments.
    async fn data_source(&self, kind: &str, with: BTreeMap<Name, Value>) -> Result<Value, Names> {
        let schema = self.any_data(kind).map_err(Names::Trouble)?;
        let mut config = propose::empty_block(&schema.block)
            .entries()
            .cloned()
            .unwrap_or_default();
        config.extend(with);
        let answer = self.data_of(kind, &schema, &Value::object(config)).await;
        match answer {
            Ok(answer) => Ok(answer.object),
            Err(found) if trouble::is_nothing(&found) => Err(Names::Nothing),
            Err(found) => Err(Names::Trouble(found)),
        }
    }

    /// The object as it is, if there is one, by what the provider knows it by. It is read as the provider itself would
    /// read what it has just made: from the planned object with its name.
    async fn read_by(
        &self,
        change: &Change,
        name: &str,
    ) -> Result<Option<ReadAnswer>, Diagnostics> {
        let kind = &change.address.resource.kind;
        let planned = change.planned.as_ref().map(propose::known_part);
        let mut entries = planned
            .as_ref()
            .and_then(Value::entries)
            .cloned()
            .unwrap_or_default();
        entries.insert("id".into(), Value::string(name));
        let answer = self
            .read_object(kind, &Value::object(entries), change.private.clone())
            .await?;
        Ok(answer.object.is_some().then_some(answer))
    }
}

/// An inquiry that could not look: later it may, unless the outside refused to be looked at.
fn could_not_look(found: &Diagnostics) -> Inquiry {
    if trouble::passes(found) {
        return Inquiry::NotYet;
    }
    Inquiry::Unclear { what: first(found) }
}

/// The first problem, on one line.
fn first(found: &Diagnostics) -> String {
    let errors = found
        .iter()
        .find(|one| one.severity == value::Severity::Error);
    errors.map_or_else(String::new, |one| {
        format!(
            "{}: {}",
            one.summary,
            one.detail.lines().next().unwrap_or_default()
        )
    })
}

fn texts(value: Option<&Value>) -> Names {
    let Some(value) = value else {
        return Names::Nothing;
    };
    let one = value.as_str().filter(|text| !text.is_empty());
    let many = value.elements().unwrap_or_default().iter();
    let names: Vec<String> = one
        .into_iter()
        .chain(many.filter_map(Value::as_str))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        Names::Nothing
    } else {
        Names::Of(names)
    }
}

/// What a search found: names of the whole provider, whose last part some types are known by.
fn found_by_search(object: &Value, known: &Known) -> Names {
    let each = object.get(&known.search.each).and_then(Value::elements);
    let whole = each.unwrap_or_default().iter();
    let mut names = Vec::new();
    for name in whole.filter_map(|one| one.get(&known.search.id)?.as_str()) {
        names.push(name.to_owned());
        names.extend(name.rsplit(['/', ':']).next().map(str::to_owned));
    }
    if names.is_empty() {
        Names::Nothing
    } else {
        Names::Of(names)
    }
}

/// Attributes that are not as planned, wherever that was known. Tags are another matter: they may come later.
fn differences(object: &Value, planned: Option<&Value>, tags: Option<&str>) -> Vec<String> {
    let Some((object, planned)) = object.entries().zip(planned.and_then(Value::entries)) else {
        return vec!["everything".to_owned()];
    };
    let is_tag = |name: &str| tags.is_some_and(|tags| !tags.is_empty() && name.starts_with(tags));
    planned
        .iter()
        .filter(|(name, value)| {
            !is_tag(name) && value.is_wholly_known() && object.get(*name) != Some(value)
        })
        .map(|(name, _)| name.to_string())
        .collect()
}

/// Whether each attribute is as it was or as planned.
fn is_between(object: &Value, prior: &Value, planned: Option<&Value>) -> bool {
    let (Some(object), Some(prior), Some(planned)) = (
        object.entries(),
        prior.entries(),
        planned.and_then(Value::entries),
    ) else {
        return false;
    };
    object.iter().all(|(name, value)| {
        prior.get(name) == Some(value)
            || planned
                .get(name)
                .is_none_or(|planned| !planned.is_wholly_known() || planned == value)
    })
}
