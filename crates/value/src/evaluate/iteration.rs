//! Splats and `for` expressions.

use super::{Env, Evaluated, Evaluator, Variables, all, object_key};
use crate::limits::VALUE_NODE_BYTES;
use crate::{Data, Diagnostics, Expr, ExprKind, Marks, Name, Span, Type, Value, convert, diag};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The parts that both forms of `for` share.
struct For<'e> {
    key: Option<&'e str>,
    value: &'e str,
    collection: &'e Expr,
    condition: Option<&'e Expr>,
    /// It gives an object: then a condition that is not known yet must be of a type that can answer.
    to_object: bool,
    /// What stands in for it is looked for: all elements are gone through, whatever is wrong with them.
    stands_in: bool,
}

impl<'e> For<'e> {
    /// The head of a `for` that gives a tuple, and its result.
    fn of_tuple(expr: &'e Expr) -> Option<(Self, &'e Expr)> {
        let ExprKind::ForTuple {
            key,
            value,
            collection,
            condition,
            result,
        } = &expr.kind
        else {
            return None;
        };
        let head = Self {
            key: key.as_deref(),
            value,
            collection,
            condition: condition.as_deref(),
            to_object: false,
            stands_in: false,
        };
        Some((head, result))
    }

    /// The head of a `for` that gives an object, its results, and whether they are gathered by name.
    fn of_object(expr: &'e Expr) -> Option<(Self, (&'e Expr, &'e Expr), bool)> {
        let ExprKind::ForObject {
            key,
            value,
            collection,
            condition,
            result_key,
            result_value,
            group,
        } = &expr.kind
        else {
            return None;
        };
        let head = Self {
            key: key.as_deref(),
            value,
            collection,
            condition: condition.as_deref(),
            to_object: true,
            stands_in: false,
        };
        Some((head, (result_key, result_value), *group))
    }
}

/// The object of what was found under each name.
fn gathered(items: BTreeMap<Name, Vec<Value>>, group: bool) -> Value {
    let gather = |(name, values): (Name, Vec<Value>)| {
        let value = if group {
            Value::tuple(values)
        } else {
            // Where there are more the first counts, for what stands in for such an object.
            let first = values.into_iter().next();
            first.unwrap_or_else(|| Value::null(Type::Any))
        };
        (name, value)
    };
    Value::object(items.into_iter().map(gather).collect())
}

/// What stands for a `for` whose elements were gone through, as far as it is known which there are. What hides any of
/// them hides it.
fn stand_in(passage: Result<Passage, Diagnostics>, build: impl FnOnce() -> Value) -> Value {
    match passage {
        Ok(passage) if passage.known => build().with_marks(passage.marks),
        Ok(passage) => Value::unknown(Type::Any).with_marks(passage.marks),
        Err(_) => Value::unknown(Type::Any),
    }
}

/// What was found on the way through a collection.
struct Passage {
    found: Diagnostics,
    marks: Marks,
    known: bool,
}

impl Passage {
    /// Whether a condition lets an element pass that only stands in for another. One that cannot tell leaves open which
    /// elements there are.
    fn lets_pass(&mut self, answer: &Value) -> bool {
        let decided = match answer.is_null() {
            true => None,
            false => {
                self.marks = self.marks.union(answer.marks());
                convert(answer, &Type::Bool).ok()
            }
        };
        let decided = decided.and_then(|answer| answer.as_bool());
        self.known &= decided.is_some();
        decided == Some(true)
    }
}

impl Evaluator<'_> {
    #[inline(never)]
    pub(super) fn splat(&self, source: &Expr, each: &Expr, env: Env<'_>, span: Span) -> Evaluated {
        let place = source.span;
        let source = self.eval(source, env)?;
        let marks = source.marks();
        let on_item = |item: Value| {
            let variables = Variables {
                name: "",
                value: item,
                outer: env,
            };
            self.eval(each, Some(&variables))
        };
        let result = match source.data() {
            Data::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                return Err(diag::splat_of_null(place).into());
            }
            Data::Null(_) => Value::tuple(Vec::new()),
            Data::List(element, items) | Data::Set(element, items) => {
                self.spend_bytes(VALUE_NODE_BYTES * items.len() as u64, span)?;
                let results = all(items.iter().map(|item| on_item(item.clone())))?;
                let ty = match results.first() {
                    Some(first) => first.ty(),
                    None => on_item(Value::unknown(element.clone()))?.ty(),
                };
                if results.iter().all(|result| result.ty() == ty) {
                    Value::list(ty, results)
                } else {
                    Value::tuple(results)
                }
            }
            Data::Tuple(items) => {
                self.spend_bytes(VALUE_NODE_BYTES * items.len() as u64, span)?;
                Value::tuple(all(items.iter().map(|item| on_item(item.clone())))?)
            }
            Data::Unknown(unknown) => match &unknown.ty {
                Type::Any => Value::unknown(Type::Any),
                Type::List(element) | Type::Set(element) => {
                    let item = on_item(Value::unknown((**element).clone()))?;
                    Value::unknown_not_null(Type::list(item.ty()))
                }
                Type::Tuple(elements) => {
                    let items = elements
                        .iter()
                        .map(|ty| on_item(Value::unknown(ty.clone())));
                    let types = all(items)?.iter().map(Value::ty).collect();
                    Value::unknown_not_null(Type::tuple(types))
                }
                // Whether this becomes one element or none depends on whether it is null. Computing the item shows what
                // is wrong with it either way.
                _ if !unknown.not_null => {
                    on_item(source.clone().without_marks())?;
                    Value::unknown(Type::Any)
                }
                _ => Value::tuple(alloc::vec![on_item(source.clone())?]),
            },
            _ => Value::tuple(alloc::vec![on_item(source.clone())?]),
        };
        Ok(result.with_marks(marks))
    }

    #[inline(never)]
    pub(super) fn for_tuple(&self, expr: &Expr, env: Env<'_>) -> Evaluated {
        let Some((head, result)) = For::of_tuple(expr) else {
            return Err(diag::not_iterable("none", expr.span).into());
        };
        let mut items = Vec::new();
        let passage = self.each(&head, env, &mut |inner, _| {
            items.push(self.eval(result, Some(inner))?);
            Ok(())
        })?;
        self.finish_for(passage, expr.span, items.len(), || Value::tuple(items))
    }

    #[inline(never)]
    pub(super) fn for_object(&self, expr: &Expr, env: Env<'_>) -> Evaluated {
        let Some((head, (result_key, result_value), group)) = For::of_object(expr) else {
            return Err(diag::not_iterable("none", expr.span).into());
        };
        let mut items: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
        let passage = self.each(&head, env, &mut |inner, passage| {
            let name = self.eval(result_key, Some(inner)).and_then(|key| {
                passage.marks = passage.marks.union(key.marks());
                let sensitive = key.marks().contains(Marks::SENSITIVE);
                if !key.is_known() {
                    return Ok(None);
                }
                match object_key(&key, result_key.span) {
                    Ok(name) => Ok(name.map(|name| (name, sensitive))),
                    // What is wrong with a later key counts only if the result depends on it.
                    Err(_) if !passage.known => Ok(None),
                    Err(found) => Err(found),
                }
            });
            if let Ok(None) = name {
                passage.known = false;
                return Ok(());
            }
            let value = self.eval(result_value, Some(inner));
            match (name, value) {
                (Ok(Some((name, sensitive))), Ok(value)) => {
                    let values = items.entry(name.clone()).or_default();
                    if !group && !values.is_empty() {
                        let shown = (!sensitive).then_some(&*name);
                        return Err(diag::duplicate_key(shown, result_key.span).into());
                    }
                    values.push(value);
                }
                (name, value) => {
                    let mut found = name.err().unwrap_or_default();
                    found.extend(value.err().unwrap_or_default());
                    return Err(found);
                }
            }
            Ok(())
        })?;
        self.finish_for(passage, expr.span, items.len(), || gathered(items, group))
    }

    /// What stands for a `for` that gives a tuple and cannot be computed: as many elements.
    pub(super) fn stand_in_for_tuple(&self, expr: &Expr, env: Env<'_>) -> Value {
        let Some((mut head, result)) = For::of_tuple(expr) else {
            return Value::unknown(Type::Any);
        };
        head.stands_in = true;
        let mut items = Vec::new();
        let passage = self.each(&head, env, &mut |inner, _| {
            let item = self.eval(result, Some(inner));
            items.push(self.standing_in(&item, result, Some(inner)));
            Ok(())
        });
        stand_in(passage, || Value::tuple(items))
    }

    /// What stands for a `for` that gives an object and cannot be computed: the attributes whose names can.
    pub(super) fn stand_in_for_object(&self, expr: &Expr, env: Env<'_>) -> Value {
        let Some((mut head, (result_key, result_value), group)) = For::of_object(expr) else {
            return Value::unknown(Type::Any);
        };
        head.stands_in = true;
        let mut items: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
        let passage = self.each(&head, env, &mut |inner, passage| {
            let key = self.eval(result_key, Some(inner));
            let key = self.standing_in(&key, result_key, Some(inner));
            if !key.is_null() {
                passage.marks = passage.marks.union(key.marks());
            }
            let Ok(Some(name)) = object_key(&key, result_key.span) else {
                passage.known = false;
                return Ok(());
            };
            let value = self.eval(result_value, Some(inner));
            let value = self.standing_in(&value, result_value, Some(inner));
            items.entry(name).or_default().push(value);
            Ok(())
        });
        stand_in(passage, || gathered(items, group))
    }

    fn finish_for(
        &self,
        passage: Passage,
        span: Span,
        length: usize,
        build: impl FnOnce() -> Value,
    ) -> Evaluated {
        if !passage.found.is_empty() {
            return Err(passage.found);
        }
        if !passage.known {
            return Ok(Value::unknown_result(Type::Any, passage.marks));
        }
        self.spend_bytes(VALUE_NODE_BYTES * (1 + length as u64), span)?;
        Ok(build().with_marks(passage.marks))
    }

    /// Goes through the collection and hands every element that the condition lets pass to `on_element`.
    fn each(
        &self,
        head: &For<'_>,
        env: Env<'_>,
        on_element: &mut dyn FnMut(&Variables<'_>, &mut Passage) -> Result<(), Diagnostics>,
    ) -> Result<Passage, Diagnostics> {
        let collection = self.eval(head.collection, env);
        let collection = match head.stands_in {
            true => self.standing_in(&collection, head.collection, env),
            false => collection?,
        };
        let mut passage = Passage {
            found: Diagnostics::new(),
            marks: collection.marks(),
            known: true,
        };
        let elements = elements_of(&collection, head.collection.span)?;
        let mut marks = Marks::NONE;
        if collection.ty() != Type::Any {
            marks = self.check_condition(head, env)?;
        }
        let Some(elements) = elements else {
            passage.marks = passage.marks.union(marks);
            passage.known = false;
            return Ok(passage);
        };
        for (key, value) in elements {
            self.spend_steps(1, head.collection.span)?;
            let outer;
            let outer = match head.key {
                Some(name) => {
                    outer = Variables {
                        name,
                        value: key,
                        outer: env,
                    };
                    Some(&outer)
                }
                None => env,
            };
            let variables = Variables {
                name: head.value,
                value: value.clone(),
                outer,
            };
            let outcome = match self.passes(head, &variables, &mut passage) {
                Ok(true) => on_element(&variables, &mut passage),
                Ok(false) => Ok(()),
                Err(found) => Err(found),
            };
            if let Err(found) = outcome {
                // One element says what is wrong; the same for every other would bury it.
                passage.found.extend(found);
                break;
            }
        }
        Ok(passage)
    }

    /// The marks of a condition whatever the elements are, even if there are none, or what is wrong with it.
    fn check_condition(&self, head: &For<'_>, env: Env<'_>) -> Result<Marks, Diagnostics> {
        let Some(condition) = head.condition else {
            return Ok(Marks::NONE);
        };
        let open = |name, outer| Variables {
            name,
            value: Value::unknown(Type::Any),
            outer,
        };
        let key = head.key.map(|name| open(name, env));
        let variables = open(head.value, key.as_ref().or(env));
        let answer = self.eval(condition, Some(&variables))?;
        condition_of(&answer, condition.span).map(|answer| answer.marks())
    }

    fn passes(
        &self,
        head: &For<'_>,
        variables: &Variables<'_>,
        passage: &mut Passage,
    ) -> Result<bool, Diagnostics> {
        let Some(condition) = head.condition else {
            return Ok(true);
        };
        let answer = self.eval(condition, Some(variables));
        if head.stands_in {
            let answer = self.standing_in(&answer, condition, Some(variables));
            return Ok(passage.lets_pass(&answer));
        }
        let answer = answer?;
        if !answer.is_known() {
            if head.to_object && passage.known {
                condition_of(&answer, condition.span)?;
            }
            passage.marks = passage.marks.union(answer.marks());
            passage.known = false;
            return Ok(false);
        }
        let answer = match condition_of(&answer, condition.span) {
            Ok(answer) => answer,
            // What is wrong with a later element counts only if the result depends on it.
            Err(_) if !passage.known => return Ok(false),
            Err(found) => return Err(found),
        };
        passage.marks = passage.marks.union(answer.marks());
        Ok(answer.as_bool().unwrap_or(false))
    }
}

/// The answer of a condition, which may be unknown.
fn condition_of(answer: &Value, span: Span) -> Evaluated {
    if answer.is_null() {
        return Err(diag::null_for_condition(span).into());
    }
    convert(answer, &Type::Bool).map_err(|error| diag::invalid_for_condition(&error, span).into())
}

/// Keys and elements of what can be gone through; none when it is not known yet.
fn elements_of(
    collection: &Value,
    span: Span,
) -> Result<Option<Vec<(Value, &Value)>>, Diagnostics> {
    Ok(Some(match collection.data() {
        Data::Null(_) => return Err(diag::iteration_over_null(span).into()),
        Data::List(_, items) | Data::Tuple(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (Value::number(index), item))
            .collect(),
        Data::Set(_, items) => items.iter().map(|item| (item.clone(), item)).collect(),
        Data::Map(_, items) | Data::Object(items) => items
            .iter()
            .map(|(name, item)| (Data::String(name.clone()).into(), item))
            .collect(),
        Data::Unknown(unknown) if !unknown.ty.is_primitive() => return Ok(None),
        _ => {
            let kind = alloc::format!("{}", collection.ty().in_words());
            return Err(diag::not_iterable(&kind, span).into());
        }
    }))
}
