//! Functions of sets: union, difference and their like. Order and marks are the business of the values themselves.

use super::{ANY, Call, CallError, Category, Function, Kind, Parameter, Returns};
use crate::limits::SETPRODUCT_ELEMENTS_MAX;
use crate::{Data, Type, Value, convert, unify};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

const ANY_SET: Kind = Kind::Set(&Kind::Any);
const FIRST: Parameter = Parameter::new("first_set", ANY_SET);
const OTHERS: Parameter = Parameter::new("other_sets", ANY_SET);

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

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "setintersection",
        "The elements that are in all of the sets.",
        &[FIRST],
        Returns::Follows(common_set),
        |call| combine(call, |all, next| all.retain(|item| next.contains(item))),
    )
    .variadic(OTHERS),
    function(
        "setproduct",
        "Every way to take one element from each of the lists or sets.",
        &[],
        ANY,
        setproduct,
    )
    .variadic(Parameter::new("sets", Kind::Any).shallow()),
    function(
        "setsubtract",
        "The elements of one set that are not in another.",
        &[Parameter::new("a", ANY_SET), Parameter::new("b", ANY_SET)],
        Returns::Follows(common_set),
        |call| combine(call, |all, next| all.retain(|item| !next.contains(item))),
    ),
    function(
        "setunion",
        "The elements that are in one of the sets.",
        &[FIRST.shallow()],
        Returns::Follows(common_set),
        |call| combine(call, |all, next| all.extend_from_slice(next)),
    )
    .variadic(OTHERS.shallow()),
];

fn common_set(arguments: &[Value]) -> Type {
    let types: Vec<Type> = arguments
        .iter()
        .filter_map(|argument| argument.ty().element().cloned())
        .collect();
    Type::set(unify(&types).unwrap_or(Type::Any))
}

fn combine(call: &Call<'_>, step: fn(&mut Vec<Value>, &[Value])) -> Result<Value, CallError> {
    let types: Vec<Type> = call
        .rest(0)
        .iter()
        .filter_map(|argument| argument.ty().element().cloned())
        .collect();
    let element = unify(&types)
        .ok_or_else(|| CallError::new("given sets must all have compatible element types"))?;
    let wanted = Type::set(element.clone());
    let mut combined: Option<Vec<Value>> = None;
    for (index, argument) in call.rest(0).iter().enumerate() {
        let set = convert(argument, &wanted)
            .map_err(|error| CallError::argument(index, error.to_string()))?;
        let items = set.elements().unwrap_or_default();
        match &mut combined {
            Some(combined) => step(combined, items),
            None => combined = Some(items.to_vec()),
        }
    }
    Ok(Value::set(element, combined.unwrap_or_default()))
}

/// Lists keep their order and give a list; only sets among themselves give a set.
fn setproduct(call: &Call<'_>) -> Result<Value, CallError> {
    let arguments = call.rest(0);
    if arguments.len() < 2 {
        return Err(CallError::new("at least two arguments are required"));
    }
    let mut factors = Vec::with_capacity(arguments.len());
    let mut only_sets = true;
    let mut count = 1_usize;
    for (index, argument) in arguments.iter().enumerate() {
        only_sets &= matches!(argument.data(), Data::Set(..));
        let list = convert(argument, &Type::list(Type::Any))
            .map_err(|_| CallError::argument(index, "a set or a list is required"))?;
        let Data::List(element, items) = list.data() else {
            return Ok(Value::unknown(Type::Any));
        };
        // Whether unknown elements of a set fall together decides how many combinations there are.
        if only_sets && !argument.is_wholly_known() && items.len() > 1 {
            return Ok(Value::unknown(Type::Any));
        }
        count = count.saturating_mul(items.len());
        factors.push((element.clone(), items.clone()));
    }
    if count > SETPRODUCT_ELEMENTS_MAX {
        return Err(CallError::new(format!(
            "the product would have {count} elements; at most {SETPRODUCT_ELEMENTS_MAX} are possible"
        )));
    }
    let mut rows: Vec<Vec<Value>> = alloc::vec![Vec::new()];
    for (_, items) in &factors {
        rows = rows
            .iter()
            .flat_map(|row| {
                items.iter().map(|item| {
                    let mut longer = row.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    let element = Type::tuple(factors.into_iter().map(|(element, _)| element).collect());
    let rows = rows.into_iter().map(Value::tuple).collect();
    Ok(if only_sets {
        Value::set(element, rows)
    } else {
        Value::list(element, rows)
    })
}
