//! What is told of a function to those who list functions: names, types and descriptions, without how it works.

use super::{Call, Function, Kind, Parameter, Returns, Special};
use crate::{Marks, Nowhere, Type, Value};
use alloc::vec::Vec;

/// The outside of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The arguments that must be given, in order.
    pub parameters: Vec<ShownParameter>,
    /// What may be given any number of beyond that.
    pub variadic: Option<ShownParameter>,
    /// The type of the result as far as it is the same for all arguments.
    pub returns: Type,
}

/// One parameter, as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownParameter {
    /// Its name.
    pub name: &'static str,
    /// What it is for; empty where the name says it.
    pub description: &'static str,
    /// Whether null may be given.
    pub nullable: bool,
    /// What is converted to.
    pub ty: Type,
}

impl Function {
    /// What is told of it.
    pub fn signature(&self) -> Signature {
        Signature {
            parameters: self.parameters.iter().map(|one| self.shown(one)).collect(),
            variadic: self.variadic.as_ref().map(|one| self.shown(one)),
            returns: self.shown_result(),
        }
    }

    fn shown(&self, parameter: &Parameter) -> ShownParameter {
        ShownParameter {
            name: parameter.name,
            description: parameter.description,
            // A special function is given expressions; what they come to is its own business.
            nullable: parameter.nullable && self.special == Special::No,
            ty: parameter.shown_as.unwrap_or(parameter.ty).to_type(),
        }
    }

    /// The type of the result while nothing is known of the arguments but what the parameters demand.
    fn shown_result(&self) -> Type {
        let mut all = self.parameters.iter().chain(&self.variadic);
        // Of an argument whose type is not known nothing can be said.
        let is_open = |parameter: &Parameter| parameter.typed && parameter.ty == Kind::Any;
        if self.special == Special::No && all.any(is_open) {
            return Type::Any;
        }
        match self.returns {
            Returns::Fixed(kind) => kind.to_type(),
            Returns::Follows(ty) => {
                let arguments: Vec<Value> = self
                    .parameters
                    .iter()
                    .chain(&self.variadic)
                    .map(|parameter| Value::unknown(parameter.ty.to_type()))
                    .collect();
                (ty.0)(&Call::new(&arguments, &Nowhere, Marks::NONE)).unwrap_or(Type::Any)
            }
        }
    }
}
