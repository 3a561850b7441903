//! Functions of lists and tuples: taking, joining, sorting, searching. Sets have a file of their own.

use super::{
    ANY, ANY_LIST, BOOL, Call, CallError, Category, Function, Kind, NUMBER, Parameter, Returns,
    STRING_LIST, STRINGS, strings, type_of_first,
};
use crate::equal::compare;
use crate::limits::RANGE_ELEMENTS_MAX;
use crate::{Data, Marks, Number, Type, Value, convert, unify};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Collection,
        description,
        parameters,
        returns,
        body,
    )
}

const LIST: Parameter = Parameter::new("list", Kind::Any);
const BOOLS: Parameter = Parameter::new("list", Kind::List(&Kind::Bool)).shallow();

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "alltrue",
        "Whether all elements are true.",
        &[BOOLS],
        BOOL,
        |call| Ok(quantified(call.items(0)?, false)),
    ),
    function(
        "anytrue",
        "Whether one of the elements is true.",
        &[BOOLS],
        BOOL,
        |call| Ok(quantified(call.items(0)?, true)),
    ),
    function(
        "chunklist",
        "The list cut in lists of a size.",
        &[
            Parameter::new("list", ANY_LIST).shallow().outer(),
            Parameter::new("size", Kind::Number),
        ],
        Returns::Follows(|arguments| Type::list(type_of_first(arguments))),
        chunklist,
    ),
    function(
        "compact",
        "The list without null and empty texts.",
        &[Parameter::new("list", STRING_LIST)],
        STRINGS,
        |call| {
            Ok(strings(
                call.texts(0)?.flatten().filter(|text| !text.is_empty()),
            ))
        },
    ),
    function(
        "concat",
        "The elements of several lists in one.",
        &[],
        ANY,
        concat,
    )
    .variadic(Parameter::new("seqs", Kind::Any).shallow().outer()),
    function(
        "contains",
        "Whether an element equals a value.",
        &[
            LIST.shallow(),
            Parameter::new("value", Kind::Any).nullable().seen(),
        ],
        BOOL,
        contains,
    ),
    function(
        "distinct",
        "The list without elements that were there before.",
        &[Parameter::new("list", ANY_LIST)],
        Returns::Follows(type_of_first),
        |call| {
            let mut seen = BTreeSet::new();
            let items = call.items(0)?.iter().filter(|item| seen.insert(*item));
            Ok(relist(call.value(0)?, items.cloned().collect()))
        },
    ),
    function(
        "element",
        "The element at an index; beyond the end it starts over.",
        &[
            LIST.shallow().outer(),
            Parameter::new("index", Kind::Number),
        ],
        ANY,
        element,
    ),
    function(
        "flatten",
        "The elements of all lists inside one another as one.",
        &[LIST.shallow().outer()],
        ANY,
        flatten,
    ),
    function(
        "index",
        "The position of the first element that equals a value.",
        &[LIST, Parameter::new("value", Kind::Any)],
        NUMBER,
        index,
    ),
    function(
        "matchkeys",
        "The elements of one list at the positions where another has one of the wanted keys.",
        &[
            Parameter::new("values", ANY_LIST),
            Parameter::new("keys", ANY_LIST),
            Parameter::new("searchset", ANY_LIST),
        ],
        Returns::Follows(type_of_first),
        matchkeys,
    ),
    function(
        "one",
        "The only element, or null when there is none.",
        &[LIST.shallow().outer()],
        ANY,
        one,
    ),
    function(
        "range",
        "Numbers from a start (0) to before a limit, by a step (1).",
        &[],
        Returns::Fixed(Kind::List(&Kind::Number)),
        range,
    )
    .variadic(Parameter::new("params", Kind::Number)),
    function(
        "reverse",
        "The elements in reverse order.",
        &[LIST.shallow().outer()],
        ANY,
        reverse,
    ),
    function(
        "slice",
        "The elements from one index to before another.",
        &[
            LIST.shallow().outer(),
            Parameter::new("start_index", Kind::Number),
            Parameter::new("end_index", Kind::Number),
        ],
        ANY,
        slice,
    ),
    function(
        "sort",
        "The texts in the order of their characters' codes.",
        &[Parameter::new("list", STRING_LIST)],
        STRINGS,
        sort,
    ),
];

/// Whether some element is `wanted` (then that is the answer) or none is; null counts as false.
fn quantified(items: &[Value], wanted: bool) -> Value {
    let truth = |item: &Value| {
        if item.is_null() {
            Some(false)
        } else {
            item.as_bool()
        }
    };
    if items.iter().any(|item| truth(item) == Some(wanted)) {
        Value::bool(wanted)
    } else if items.iter().all(|item| truth(item).is_some()) {
        Value::bool(!wanted)
    } else {
        Value::unknown_not_null(Type::Bool)
    }
}

/// A list of these elements with the element type of another.
fn relist(list: &Value, items: Vec<Value>) -> Value {
    match list.data() {
        Data::List(element, _) | Data::Set(element, _) => Value::list(element.clone(), items),
        _ => Value::tuple(items),
    }
}

fn chunklist(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let items = call.items(0)?;
    let size = usize::try_from(call.integer(1)?)
        .map_err(|_| CallError::new("the size argument must be positive"))?;
    let size = if size == 0 { items.len().max(1) } else { size };
    let chunks = items.chunks(size).map(|chunk| relist(list, chunk.to_vec()));
    Ok(Value::list(list.ty(), chunks.collect()))
}

fn concat(call: &Call<'_>) -> Result<Value, CallError> {
    let arguments = call.rest(0);
    if arguments.is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    let mut items = Vec::new();
    let mut element_types: Option<Vec<Type>> = Some(Vec::new());
    for (position, argument) in arguments.iter().enumerate() {
        match argument.data() {
            Data::List(element, elements) => {
                if let Some(types) = &mut element_types {
                    types.push(element.clone());
                }
                items.extend_from_slice(elements);
            }
            Data::Tuple(elements) => {
                element_types = None;
                items.extend_from_slice(elements);
            }
            _ => {
                let ty = argument.ty();
                return Err(CallError::argument(
                    position,
                    format!(
                        "all arguments must be lists or tuples; got {}",
                        ty.in_words()
                    ),
                ));
            }
        }
    }
    let Some(element) = element_types.and_then(|types| unify(&types)) else {
        return Ok(Value::tuple(items));
    };
    let converted = items.iter().map(|item| convert(item, &element));
    match converted.collect::<Result<Vec<_>, _>>() {
        Ok(items) => Ok(Value::list(element, items)),
        Err(_) => Ok(Value::tuple(items)),
    }
}

fn contains(call: &Call<'_>) -> Result<Value, CallError> {
    let Some(items) = call.value(0)?.elements() else {
        return Err(CallError::new("argument must be list, tuple, or set"));
    };
    let wanted = call.value(1)?;
    let mut known = true;
    for item in items {
        match compare(item, wanted) {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => known = false,
        }
    }
    Ok(if known {
        Value::bool(false)
    } else {
        Value::unknown_not_null(Type::Bool)
    })
}

fn element(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let Some(items) = list
        .elements()
        .filter(|_| !matches!(list.data(), Data::Set(..)))
    else {
        let ty = list.ty();
        return Err(CallError::new(format!(
            "cannot read elements from {}",
            ty.in_words()
        )));
    };
    let index = usize::try_from(call.integer(1)?)
        .map_err(|_| CallError::new("cannot use element function with a negative index"))?;
    match items.get(index.checked_rem(items.len()).unwrap_or(0)) {
        Some(item) => Ok(item.clone()),
        None => Err(CallError::new(
            "cannot use element function with an empty list",
        )),
    }
}

fn flatten(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let mut items = Vec::new();
    let mut marks = Marks::NONE;
    match list.elements() {
        Some(elements) if flatten_into(elements, &mut items, &mut marks) => {
            Ok(Value::tuple(items).with_marks(marks))
        }
        Some(_) => Ok(Value::unknown(Type::Any).with_marks(list.marks_deep())),
        None => Err(CallError::new("can only flatten lists, sets and tuples")),
    }
}

/// Whether the outcome can be known: a list that is unknown could have any number of elements.
fn flatten_into(elements: &[Value], items: &mut Vec<Value>, marks: &mut Marks) -> bool {
    elements.iter().all(|element| match element.data() {
        Data::List(_, inner) | Data::Set(_, inner) | Data::Tuple(inner) => {
            *marks = marks.union(element.marks());
            flatten_into(inner, items, marks)
        }
        Data::Unknown(unknown)
            if matches!(
                unknown.ty,
                Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)
            ) =>
        {
            false
        }
        _ => {
            items.push(element.clone());
            true
        }
    })
}

fn index(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let Some(items) = list
        .elements()
        .filter(|_| !matches!(list.data(), Data::Set(..)))
    else {
        return Err(CallError::new("argument must be a list or tuple"));
    };
    if items.is_empty() {
        return Err(CallError::new("cannot search an empty list"));
    }
    let wanted = call.value(1)?;
    match items
        .iter()
        .position(|item| compare(item, wanted) == Some(true))
    {
        Some(position) => Ok(Value::number(position)),
        None => Err(CallError::new("item not found")),
    }
}

fn matchkeys(call: &Call<'_>) -> Result<Value, CallError> {
    let (values, keys, wanted) = (call.items(0)?, call.items(1)?, call.items(2)?);
    if values.len() != keys.len() {
        return Err(CallError::new("length of keys and values should be equal"));
    }
    let common = match (call.value(1)?.data(), call.value(2)?.data()) {
        (Data::List(left, _), Data::List(right, _)) => unify(&[left.clone(), right.clone()]),
        _ => None,
    };
    let common =
        common.ok_or_else(|| CallError::new("keys and searchset must be of the same type"))?;
    let in_common = |item: &Value| convert(item, &common).unwrap_or_else(|_| item.clone());
    let wanted: BTreeSet<Value> = wanted.iter().map(in_common).collect();
    let matching = values
        .iter()
        .zip(keys)
        .filter(|(_, key)| wanted.contains(&in_common(key)))
        .map(|(value, _)| value.clone());
    Ok(relist(call.value(0)?, matching.collect()))
}

fn one(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let set = matches!(list.data(), Data::Set(..));
    match list.elements() {
        Some([]) => Ok(Value::null(match list.data() {
            Data::List(element, _) | Data::Set(element, _) => element.clone(),
            _ => Type::Any,
        })),
        Some([only]) => Ok(only.clone()),
        Some(_) if set && !list.is_wholly_known() => Ok(Value::unknown(Type::Any)),
        _ => Err(CallError::argument(
            0,
            "must be a list, set, or tuple value with either zero or one elements",
        )),
    }
}

fn range(call: &Call<'_>) -> Result<Value, CallError> {
    let numbers: Vec<&Number> = call.rest(0).iter().filter_map(Value::as_number).collect();
    let minus_one = Number::from(-1);
    let direction = |start: &Number, end: &Number| {
        if end < start {
            minus_one.clone()
        } else {
            Number::ONE
        }
    };
    let (start, end, step) = match numbers.as_slice() {
        [end] => (Number::ZERO, (*end).clone(), direction(&Number::ZERO, end)),
        [start, end] => ((*start).clone(), (*end).clone(), direction(start, end)),
        [start, end, step] => ((*start).clone(), (*end).clone(), (*step).clone()),
        _ => return Err(CallError::new("must have one, two, or three arguments")),
    };
    let down = step.is_negative();
    if down && end > start {
        return Err(CallError::argument(
            2,
            "end must be less than start when step is negative",
        ));
    }
    if !down && end < start {
        return Err(CallError::argument(
            2,
            "end must be greater than start when step is positive",
        ));
    }
    let mut items = Vec::new();
    let mut next = start;
    while if down { next > end } else { next < end } {
        if items.len() >= RANGE_ELEMENTS_MAX {
            return Err(CallError::new(format!(
                "more than {RANGE_ELEMENTS_MAX} values were generated; either decrease the difference between start \
                 and end or use a smaller step"
            )));
        }
        let following = next.add(&step)?;
        items.push(Value::number(core::mem::replace(&mut next, following)));
    }
    Ok(Value::list(Type::Number, items))
}

fn reverse(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    match list.elements() {
        Some(items) => Ok(relist(list, items.iter().rev().cloned().collect())),
        None => {
            let ty = list.ty();
            Err(CallError::new(format!(
                "can only reverse list or tuple values, not {}",
                ty.in_words()
            )))
        }
    }
}

fn slice(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    if matches!(list.data(), Data::Set(..)) {
        return Err(CallError::argument(
            0,
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering \
             of the result is not important",
        ));
    }
    let Some(items) = list.elements() else {
        return Err(CallError::argument(0, "must be a list or tuple value"));
    };
    let bound = |index: usize, name: &str| {
        let given = call.integer(index)?;
        let position = usize::try_from(given).map_err(|_| {
            CallError::argument(index, format!("{name} index must not be less than zero"))
        })?;
        if position > items.len() {
            return Err(CallError::argument(
                index,
                format!("{name} index must not be greater than the length of the list"),
            ));
        }
        Ok(position)
    };
    let (start, end) = (bound(1, "start")?, bound(2, "end")?);
    match items.get(start..end) {
        Some(part) => Ok(relist(list, part.to_vec())),
        None => Err(CallError::argument(
            1,
            "start index must not be greater than end index",
        )),
    }
}

fn sort(call: &Call<'_>) -> Result<Value, CallError> {
    let mut texts = Vec::new();
    for (position, text) in call.texts(0)?.enumerate() {
        texts.push(text.ok_or_else(|| {
            CallError::new(format!(
                "given list element {position} is null; a null string cannot be sorted"
            ))
        })?);
    }
    texts.sort_unstable();
    Ok(strings(texts.into_iter()))
}
