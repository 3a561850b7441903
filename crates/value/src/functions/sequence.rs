//! Functions of lists and tuples: taking, joining, sorting, searching. Sets have a file of their own.

use super::{
    ANY, ANY_LIST, BOOL, Call, CallError, Category, Function, Kind, NUMBER, Parameter, Returns,
    STRING_LIST, STRINGS, follows, strings, type_of_first, whole_number_wanted,
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
        |call| Ok(all_true(call.items(0)?)),
    ),
    function(
        "anytrue",
        "Whether one of the elements is true.",
        &[BOOLS],
        BOOL,
        |call| Ok(any_true(call.items(0)?)),
    ),
    function(
        "chunklist",
        "The list cut in lists of a size.",
        &[
            Parameter::new("list", ANY_LIST).shallow().outer(),
            Parameter::new("size", Kind::Number)
                .described("How many elements each part has; the last may have fewer."),
        ],
        follows(|call| Ok(Type::list(type_of_first(call)?))),
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
        follows(concatenated_type),
        concat,
    )
    .variadic(Parameter::new("seqs", Kind::Any).shallow().outer().typed()),
    function(
        "contains",
        "Whether an element equals a value.",
        &[
            LIST.shallow().typed(),
            Parameter::new("value", Kind::Any).shallow().typed(),
        ],
        BOOL,
        contains,
    ),
    function(
        "distinct",
        "The list without elements that were there before.",
        &[Parameter::new("list", ANY_LIST)],
        follows(type_of_first),
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
        follows(element_type),
        element,
    )
    .maybe_null(),
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
        &[
            LIST.shallow().typed(),
            Parameter::new("value", Kind::Any).shallow().typed(),
        ],
        NUMBER,
        index,
    ),
    function(
        "matchkeys",
        "The elements of one list at the positions where another has one of the wanted keys.",
        &[
            Parameter::new("values", ANY_LIST).shallow(),
            Parameter::new("keys", ANY_LIST).shallow(),
            Parameter::new("searchset", ANY_LIST).shallow(),
        ],
        follows(matchkeys_type),
        matchkeys,
    ),
    function(
        "one",
        "The only element, or null when there is none.",
        &[LIST.shallow()],
        follows(only_type),
        one,
    )
    .maybe_null(),
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
        follows(reversed_type),
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
        follows(sliced_type),
        slice,
    ),
    function(
        "sort",
        "The texts in the order of their characters' codes.",
        &[Parameter::new("list", STRING_LIST).seen()],
        STRINGS,
        sort,
    ),
];

/// The first element that is not true decides, even when it is not known yet; null counts as false.
fn all_true(items: &[Value]) -> Value {
    match items.iter().find(|item| item.as_bool() != Some(true)) {
        None => Value::bool(true),
        Some(item) if item.is_known() => Value::bool(false),
        Some(_) => Value::unknown_not_null(Type::Bool),
    }
}

/// Any true element decides, wherever it is; null counts as false.
fn any_true(items: &[Value]) -> Value {
    if items.iter().any(|item| item.as_bool() == Some(true)) {
        Value::bool(true)
    } else if items.iter().all(Value::is_known) {
        Value::bool(false)
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
    let size = call
        .number(1)?
        .as_i64()
        .ok_or_else(|| CallError::new(format!("invalid size: {}", whole_number_wanted())))?;
    let size =
        usize::try_from(size).map_err(|_| CallError::new("the size argument must be positive"))?;
    let size = if size == 0 { items.len().max(1) } else { size };
    let chunks = items.chunks(size).map(|chunk| relist(list, chunk.to_vec()));
    Ok(Value::list(list.ty(), chunks.collect()))
}

/// Lists of types that go together give a list, everything else a tuple. A list that is not known yet among tuples
/// leaves the length open.
fn concatenated_type(call: &Call<'_>) -> Result<Type, CallError> {
    let arguments = call.rest(0);
    if arguments.is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    if arguments.iter().any(|one| one.ty() == Type::Any) {
        return Ok(Type::Any);
    }
    let elements = arguments.iter().map(|one| match one.ty() {
        Type::List(element) => Some((*element).clone()),
        _ => None,
    });
    if let Some(elements) = elements.collect::<Option<Vec<Type>>>()
        && let Some(element) = unify(&elements)
    {
        return Ok(Type::list(element));
    }
    let mut types = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        match argument.ty() {
            Type::Tuple(elements) => types.extend_from_slice(&elements),
            // What follows a list that is not known yet is not looked at.
            Type::List(_) => match argument.elements() {
                Some(items) => types.extend(items.iter().map(Value::ty)),
                None => return Ok(Type::Any),
            },
            ty => {
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
    Ok(Type::tuple(types))
}

fn concat(call: &Call<'_>) -> Result<Value, CallError> {
    let ty = concatenated_type(call)?;
    let mut items = Vec::new();
    for argument in call.rest(0) {
        items.extend_from_slice(argument.elements().unwrap_or_default());
    }
    let Type::List(element) = ty else {
        return Ok(Value::tuple(items));
    };
    let converted = items.iter().map(|item| convert(item, &element));
    match converted.collect::<Result<Vec<_>, _>>() {
        // An empty list of no type in particular says nothing of the elements of the others.
        Ok(items) if *element == Type::Any => {
            let first = items.first().map_or(Type::Any, Value::ty);
            let alike = items.iter().all(|item| item.ty() == first);
            Ok(Value::list(if alike { first } else { Type::Any }, items))
        }
        Ok(items) => Ok(Value::list((*element).clone(), items)),
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

fn element_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(0)?.ty() {
        Type::Any => Ok(Type::Any),
        Type::List(element) => Ok((*element).clone()),
        Type::Tuple(types) if call.value(1)?.is_known() => {
            let index = position(call, types.len())?;
            types.get(index).cloned().ok_or_else(no_elements)
        }
        Type::Tuple(_) => Ok(Type::Any),
        ty => Err(CallError::new(format!(
            "cannot read elements from {}",
            ty.in_words()
        ))),
    }
}

fn no_elements() -> CallError {
    CallError::new("cannot use element function with an empty list")
}

/// The index given, counted round.
fn position(call: &Call<'_>, length: usize) -> Result<usize, CallError> {
    let index = call
        .number(1)?
        .as_i64()
        .ok_or_else(|| CallError::new(format!("invalid index: {}", whole_number_wanted())))?;
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    // A list is counted from its end too.
    let index = match call.value(0)?.ty() {
        Type::List(_) => index.checked_rem_euclid(length),
        _ => index.checked_rem(length),
    };
    let index = index.ok_or_else(no_elements)?;
    usize::try_from(index)
        .map_err(|_| CallError::new("cannot use element function with a negative index"))
}

fn element(call: &Call<'_>) -> Result<Value, CallError> {
    element_type(call)?;
    let items = call.items(0)?;
    let index = position(call, items.len())?;
    items.get(index).cloned().ok_or_else(no_elements)
}

fn flatten(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let mut items = Vec::new();
    let mut marks = Marks::NONE;
    match list.elements() {
        Some(elements) if !may_coalesce(list) && flatten_into(elements, &mut items, &mut marks) => {
            Ok(Value::tuple(items).with_marks(marks))
        }
        Some(_) => Ok(Value::unknown(Type::Any).with_marks(list.marks_deep())),
        None => Err(CallError::new("can only flatten lists, sets and tuples")),
    }
}

/// Whether the outcome can be known: a list that is unknown could have any number of elements.
fn flatten_into(elements: &[Value], items: &mut Vec<Value>, marks: &mut Marks) -> bool {
    elements.iter().all(|element| match element.data() {
        Data::Set(..) if may_coalesce(element) => false,
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

/// A set in which elements that are not known yet may turn out to be the same.
fn may_coalesce(value: &Value) -> bool {
    match value.data() {
        Data::Set(_, items) => items.len() > 1 && !value.is_wholly_known(),
        _ => false,
    }
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
    for (position, item) in items.iter().enumerate() {
        match compare(item, wanted) {
            Some(true) => return Ok(Value::number(position)),
            Some(false) => {}
            // Whether it is this one or one that follows is open.
            None => return Ok(Value::unknown_not_null(Type::Number)),
        }
    }
    Err(CallError::new("item not found"))
}

/// The type of the values, where keys and searchset can be brought to one type.
fn matchkeys_type(call: &Call<'_>) -> Result<Type, CallError> {
    keys_type(call)?;
    type_of_first(call)
}

/// The type that keys are compared in.
fn keys_type(call: &Call<'_>) -> Result<Type, CallError> {
    match unify(&[call.value(1)?.ty(), call.value(2)?.ty()]) {
        Some(Type::List(element)) => Ok((*element).clone()),
        _ => Err(CallError::new(
            "keys and searchset must be of the same type",
        )),
    }
}

fn matchkeys(call: &Call<'_>) -> Result<Value, CallError> {
    let (values, keys, wanted) = (call.items(0)?, call.items(1)?, call.items(2)?);
    let common = keys_type(call)?;
    if values.len() != keys.len() {
        return Err(CallError::new("length of keys and values should be equal"));
    }
    let open = |list: &Value| !list.is_wholly_known();
    if !wanted.is_empty() && (open(call.value(0)?) || open(call.value(1)?)) {
        return Ok(Value::unknown_not_null(call.value(0)?.ty()));
    }
    let in_common = |item: &Value| convert(item, &common).unwrap_or_else(|_| item.clone());
    // A key that is not found among those before the first that is not known yet ends the search, with nothing found.
    let open = wanted.iter().position(|item| !item.is_wholly_known());
    let wanted = wanted.iter().take(open.unwrap_or(wanted.len()));
    let wanted: BTreeSet<Value> = wanted.map(in_common).collect();
    let is_wanted = |key: &Value| wanted.contains(&in_common(key));
    if open.is_some() && !keys.iter().all(is_wanted) {
        return Ok(relist(call.value(0)?, Vec::new()));
    }
    let pairs = values.iter().zip(keys);
    let matching = pairs.filter(|(_, key)| is_wanted(key));
    let matching = matching.map(|(value, _)| value.clone());
    Ok(relist(call.value(0)?, matching.collect()))
}

fn not_one() -> CallError {
    CallError::argument(
        0,
        "must be a list, set, or tuple value with either zero or one elements",
    )
}

fn only_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(0)?.ty() {
        Type::List(element) | Type::Set(element) => Ok((*element).clone()),
        Type::Tuple(types) => match types.as_slice() {
            [] => Ok(Type::Any),
            [only] => Ok(only.clone()),
            _ => Err(not_one()),
        },
        Type::Any => Ok(Type::Any),
        _ => Err(not_one()),
    }
}

fn one(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let set = matches!(list.data(), Data::Set(..));
    match list.elements() {
        Some([]) => Ok(Value::null(only_type(call)?)),
        Some([only]) => Ok(only.clone()),
        Some(_) if set && !list.is_wholly_known() => Ok(Value::unknown(only_type(call)?)),
        _ => Err(not_one()),
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
            1,
            "end must be less than start when step is negative",
        ));
    }
    if !down && end < start {
        return Err(CallError::argument(
            1,
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

fn reversed_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(0)?.ty() {
        Type::List(element) | Type::Set(element) => Ok(Type::list((*element).clone())),
        Type::Tuple(types) => Ok(Type::tuple(types.iter().rev().cloned().collect())),
        Type::Any => Ok(Type::Any),
        ty => Err(CallError::argument(
            0,
            format!(
                "can only reverse list or tuple values, not {}",
                ty.in_words()
            ),
        )),
    }
}

fn reverse(call: &Call<'_>) -> Result<Value, CallError> {
    reversed_type(call)?;
    let items = call.items(0)?;
    Ok(relist(
        call.value(0)?,
        items.iter().rev().cloned().collect(),
    ))
}

/// One bound of a slice, where it is known.
fn bound(
    call: &Call<'_>,
    index: usize,
    name: &str,
    length: Option<usize>,
) -> Result<Option<usize>, CallError> {
    if !call.value(index)?.is_known() {
        return Ok(None);
    }
    let given = call.number(index)?.as_i64().ok_or_else(|| {
        CallError::argument(
            index,
            format!("invalid {name} index: {}", whole_number_wanted()),
        )
    })?;
    let position = usize::try_from(given).map_err(|_| {
        CallError::argument(index, format!("{name} index must not be less than zero"))
    })?;
    if length.is_some_and(|length| position > length) {
        return Err(CallError::argument(
            index,
            format!("{name} index must not be greater than the length of the list"),
        ));
    }
    Ok(Some(position))
}

/// Both bounds, as far as they are known.
fn bounds(
    call: &Call<'_>,
    length: Option<usize>,
) -> Result<(Option<usize>, Option<usize>), CallError> {
    let (start, end) = (
        bound(call, 1, "start", length)?,
        bound(call, 2, "end", length)?,
    );
    match (start, end) {
        (Some(start), Some(end)) if start > end => Err(CallError::argument(
            1,
            "start index must not be greater than end index",
        )),
        both => Ok(both),
    }
}

fn sliced_type(call: &Call<'_>) -> Result<Type, CallError> {
    let list = call.value(0)?;
    match list.ty() {
        Type::Any => Ok(Type::Any),
        ty @ Type::List(_) => {
            bounds(call, list.elements().map(<[Value]>::len))?;
            Ok(ty)
        }
        Type::Tuple(types) => match bounds(call, Some(types.len()))? {
            (Some(start), Some(end)) => Ok(Type::tuple(
                types.get(start..end).unwrap_or_default().to_vec(),
            )),
            _ => Ok(Type::Any),
        },
        Type::Set(_) => Err(CallError::argument(
            0,
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering \
             of the result is not important",
        )),
        _ => Err(CallError::argument(0, "must be a list or tuple value")),
    }
}

fn slice(call: &Call<'_>) -> Result<Value, CallError> {
    sliced_type(call)?;
    let list = call.value(0)?;
    let items = call.items(0)?;
    let (start, end) = bounds(call, Some(items.len()))?;
    let part = items.get(start.unwrap_or(0)..end.unwrap_or(items.len()));
    Ok(relist(list, part.unwrap_or_default().to_vec()))
}

/// The order of what is not known yet leaves every place open, but not how many there are.
fn sort(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    if let Some(unknown) = list.as_unknown() {
        return Ok(unknown.clone().not_null().settled());
    }
    if !list.is_wholly_known() {
        let open = |_: &Value| Value::unknown(Type::String);
        return Ok(Value::list(
            Type::String,
            call.items(0)?.iter().map(open).collect(),
        ));
    }
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
