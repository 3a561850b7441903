//! `source.name` and `source[key]`.

use super::place::step;
use super::{Env, Evaluated, Evaluator, all};
use crate::{Data, Diagnostics, Expr, Name, Number, Span, Type, Value, convert, diag, nearest};

impl Evaluator<'_> {
    #[inline(never)]
    pub(super) fn attribute(
        &self,
        source: &Expr,
        name: &Name,
        env: Env<'_>,
        span: Span,
    ) -> Evaluated {
        let span = step(source.span, span);
        let source = self.eval(source, env)?;
        let value = attribute_of(&source, name, span).map_err(|found| discreet(found, &source))?;
        Ok(value.with_marks(source.marks()))
    }

    #[inline(never)]
    pub(super) fn index(&self, source: &Expr, key: &Expr, env: Env<'_>, span: Span) -> Evaluated {
        let span = step(source.span, span);
        let both = all([self.eval(source, env), self.eval(key, env)])?;
        let [source, key] = both.as_slice() else {
            return Err(diag::no_indices(span).into());
        };
        let marks = source.marks().union(key.marks());
        match element_of(source, key, span) {
            Ok(value) => Ok(value.with_marks(marks_of_element(source, key))),
            Err(_) if !marks.is_empty() && source.is_known() && key.is_known() => {
                Err(hidden_failure(source, key, span))
            }
            Err(found) => Err(found),
        }
    }
}

/// What stands for a part of what stands for something, chosen by a key or by a name.
pub(super) fn found_in(source: &Value, key: Result<&Value, &Name>) -> Value {
    let (found, marks) = match key {
        Ok(key) => (
            element_of(source, key, Span::default()),
            marks_of_element(source, key),
        ),
        Err(name) => (attribute_of(source, name, Span::default()), source.marks()),
    };
    let found = found.map(|value| value.with_marks(marks));
    found.unwrap_or_else(|_| Value::unknown(Type::Any))
}

/// The marks that an element gets from where it was and from the key.
fn marks_of_element(source: &Value, key: &Value) -> crate::Marks {
    match chooses(source, key) {
        true => source.marks().union(key.marks()),
        false => source.marks(),
    }
}

/// Suggestions name keys of the value, which must not be shown when it is marked.
fn discreet(mut found: Diagnostics, source: &Value) -> Diagnostics {
    if !source.marks().is_empty() {
        for diagnostic in &mut found.0 {
            diagnostic.hints.clear();
        }
    }
    found
}

/// Whether the marks of a key pass to what it chooses, as in the language this one follows: not while it is open which
/// element that is, and not where the key names an attribute.
fn chooses(source: &Value, key: &Value) -> bool {
    let element = match source.data() {
        Data::Unknown(unknown) => matches!(unknown.ty, Type::Tuple(_)),
        Data::Object(_) => false,
        _ => true,
    };
    element && key.is_known()
}

/// What is said when collection or key must not be shown: that there is no such element, and nothing about either.
fn hidden_failure(source: &Value, key: &Value, span: Span) -> Diagnostics {
    if source.is_null() {
        diag::index_of_null(span).into()
    } else if key.is_null() {
        diag::null_index(span).into()
    } else {
        diag::no_such_element("; both or one of them must not be shown", None, span).into()
    }
}

fn names<'a>(entries: impl IntoIterator<Item = &'a Name>) -> impl Iterator<Item = &'a str> {
    entries.into_iter().map(|name| &**name)
}

fn attribute_of(source: &Value, name: &str, span: Span) -> Result<Value, Diagnostics> {
    let missing = match source.data() {
        Data::Null(_) => diag::attribute_of_null(span),
        Data::Object(attributes) => match attributes.get(name) {
            Some(value) => return Ok(value.clone()),
            None => diag::no_such_attribute(name, nearest(name, names(attributes.keys())), span),
        },
        Data::Map(_, elements) => match elements.get(name) {
            Some(value) => return Ok(value.clone()),
            None => diag::missing_map_element(name, nearest(name, names(elements.keys())), span),
        },
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Any => return Ok(Value::unknown(Type::Any)),
            Type::Map(element) => return Ok(Value::unknown((**element).clone())),
            Type::Object(object) => match object.attributes.get(name) {
                Some(ty) => return Ok(Value::unknown(ty.clone())),
                None => {
                    let near = nearest(name, names(object.attributes.keys()));
                    diag::no_such_attribute(name, near, span)
                }
            },
            ty => attribute_of_type(ty, span),
        },
        _ => attribute_of_type(&source.ty(), span),
    };
    Err(missing.into())
}

/// Why values of a type have no attributes.
fn attribute_of_type(ty: &Type, span: Span) -> crate::Diagnostic {
    let of_objects = |element: &Type| matches!(element, Type::Object(_));
    match ty {
        Type::List(element) if of_objects(element) => diag::attribute_of_sequence("list", span),
        Type::Set(element) if of_objects(element) => diag::attribute_of_sequence("set", span),
        Type::Bool => diag::attribute_of_primitive("bool", span),
        Type::Number => diag::attribute_of_primitive("number", span),
        Type::String => diag::attribute_of_primitive("string", span),
        _ => diag::no_attributes(span),
    }
}

fn element_of(source: &Value, key: &Value, span: Span) -> Result<Value, Diagnostics> {
    if source.is_null() {
        return Err(diag::index_of_null(span).into());
    }
    if key.is_null() {
        return Err(diag::null_index(span).into());
    }
    if key.ty() == Type::Any {
        return Ok(Value::unknown(Type::Any));
    }
    match source.data() {
        Data::List(element, items) => {
            sequence_element(items, key, Value::unknown(element.clone()), span)
        }
        Data::Tuple(items) => sequence_element(items, key, Value::unknown(Type::Any), span),
        Data::Map(element, items) => {
            let key = text_key(key, span)?;
            let Data::String(name) = key.data() else {
                return Ok(Value::unknown(element.clone()));
            };
            items.get(name).cloned().ok_or_else(|| {
                diag::no_such_element("", nearest(name, names(items.keys())), span).into()
            })
        }
        Data::Object(items) => {
            let text = text_key(key, span)?;
            let Data::String(name) = text.data() else {
                return Ok(Value::unknown(Type::Any));
            };
            items.get(name).cloned().ok_or_else(|| {
                let why = if key.as_number().is_some() {
                    ". An object only supports looking up attributes by name, not by numeric index"
                } else {
                    ""
                };
                diag::no_such_element(why, nearest(name, names(items.keys())), span).into()
            })
        }
        Data::Unknown(unknown) => unknown_element(&unknown.ty, key, span),
        Data::Set(..) => Err(diag::index_of_set(span).into()),
        Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::Null(_) => {
            Err(diag::no_indices(span).into())
        }
    }
}

fn text_key(key: &Value, span: Span) -> Evaluated {
    convert(key, &Type::String).map_err(|error| unsuitable_key(&error, span))
}

fn unsuitable_key(error: &crate::ConvertError, span: Span) -> Diagnostics {
    diag::no_such_element(&alloc::format!(": {error}"), None, span).into()
}

/// The key as a number that could be a position; none when it is not known yet.
fn position(key: &Value, span: Span) -> Result<Option<Number>, Diagnostics> {
    let key = convert(key, &Type::Number).map_err(|error| unsuitable_key(&error, span))?;
    let Some(number) = key.as_number() else {
        return Ok(None);
    };
    let why = if !number.is_integer() {
        ": indexing a sequence requires a whole number, but the given index has a fractional part"
    } else if number.is_negative() {
        ": a negative number is not a valid index for a sequence"
    } else {
        return Ok(Some(number.clone()));
    };
    Err(diag::no_such_element(why, None, span).into())
}

fn sequence_element(items: &[Value], key: &Value, unknown: Value, span: Span) -> Evaluated {
    let Some(position) = position(key, span)? else {
        return Ok(unknown);
    };
    let found = position.as_usize().and_then(|index| items.get(index));
    found.cloned().ok_or_else(|| {
        let why = match items.len() {
            0 => alloc::string::String::from(": the collection has no elements"),
            length => alloc::format!(
                ": the given index {position} is not below the length of the collection, {length}"
            ),
        };
        diag::no_such_element(&why, None, span).into()
    })
}

fn unknown_element(ty: &Type, key: &Value, span: Span) -> Evaluated {
    match ty {
        Type::Any => Ok(Value::unknown(Type::Any)),
        Type::List(element) => {
            convert(key, &Type::Number).map_err(|error| unsuitable_key(&error, span))?;
            Ok(Value::unknown((**element).clone()))
        }
        Type::Tuple(elements) => {
            let Some(position) = position(key, span)? else {
                return Ok(Value::unknown(Type::Any));
            };
            match position.as_usize().and_then(|index| elements.get(index)) {
                Some(ty) => Ok(Value::unknown(ty.clone())),
                None => Err(diag::no_such_element("", None, span).into()),
            }
        }
        Type::Map(element) => {
            text_key(key, span)?;
            Ok(Value::unknown((**element).clone()))
        }
        Type::Object(_) => {
            text_key(key, span)?;
            Ok(Value::unknown(Type::Any))
        }
        Type::Set(_) => Err(diag::index_of_set(span).into()),
        Type::Bool | Type::Number | Type::String => Err(diag::no_indices(span).into()),
    }
}
