//! Functions of a provider: `provider::NAME::FUNCTION(...)`. They need no configuration, and the same arguments give
//! the same result.

use crate::diag;
use crate::form::Form;
use crate::limits::READING_CALL_MS_MAX;
use crate::method::Method;
use crate::provider::Plugin;
use crate::types;
use crate::wire;
use prost::Message as _;
use value::{Diagnostics, Type, Value};

/// A function, as its provider describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What any number of further arguments are.
    pub variadic: Option<Parameter>,
    /// Type of its result.
    pub result: Type,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether null is given to the function; otherwise it is an error.
    pub takes_null: bool,
    /// Whether what is not known is given to the function; otherwise its result is not known either.
    pub takes_unknown: bool,
}

impl Plugin {
    /// The function of this name; none when the provider has none.
    ///
    /// # Errors
    /// When what the provider says of it cannot be read.
    pub fn function(&self, name: &str) -> Result<Option<Function>, Diagnostics> {
        let Some(bytes) = self.offered().answer.functions.get(name) else {
            return Ok(None);
        };
        let bad = |error: crate::schema::SchemaError| {
            Diagnostics::from(diag::bad_schema(self.source(), &error))
        };
        let written =
            wire::Function::decode(bytes.as_slice()).map_err(|error| bad(error.into()))?;
        let parameter = |one: &wire::Parameter| {
            Ok(Parameter {
                name: one.name.clone(),
                ty: types::parse(&one.ty)?.without_optional(),
                takes_null: one.allow_null_value,
                takes_unknown: one.allow_unknown_values,
            })
        };
        let parameters = written.parameters.iter().map(parameter);
        let parameters: Result<_, types::NotAType> = parameters.collect();
        let variadic = written
            .variadic_parameter
            .as_ref()
            .map(parameter)
            .transpose();
        let result = written.result.unwrap_or_default();
        Ok(Some(Function {
            parameters: parameters.map_err(|error| bad(error.into()))?,
            variadic: variadic.map_err(|error| bad(error.into()))?,
            result: types::parse(&result.ty).map_err(|error| bad(error.into()))?,
        }))
    }

    /// Calls a function. With an argument that is not known, and that the function does not take, neither is the
    /// result.
    ///
    /// # Errors
    /// When there is no such function, when an argument does not fit, or when the function says so.
    pub async fn call_function(
        &self,
        name: &str,
        arguments: &[Value],
    ) -> Result<Value, Diagnostics> {
        let Some(function) = self.function(name)? else {
            return Err(diag::no_such_type(self.source(), name).into());
        };
        let (least, more) = (function.parameters.len(), function.variadic.is_some());
        if arguments.len() < least || (arguments.len() > least && !more) {
            let what = format!(
                "{least} arguments are needed, and there are {}",
                arguments.len()
            );
            return Err(failed(self.source(), name, &what, None).into());
        }
        let parameters = function
            .parameters
            .iter()
            .chain(function.variadic.iter().cycle());
        let mut encoded = Vec::new();
        for (at, (argument, parameter)) in arguments.iter().zip(parameters).enumerate() {
            if argument.is_null() && !parameter.takes_null {
                let what = format!("`{}` must not be null", parameter.name);
                return Err(failed(self.source(), name, &what, Some(at)).into());
            }
            if !argument.is_wholly_known() && !parameter.takes_unknown {
                return Ok(Value::unknown(function.result));
            }
            let form = Form::of(self.source(), parameter.ty.clone());
            encoded.push(form.encode("argument", argument)?);
        }
        let request = wire::CallFunction {
            name: name.to_owned(),
            arguments: encoded,
        };
        let answer: wire::Called = self
            .call(Method::CallFunction, request, READING_CALL_MS_MAX)
            .await?;
        match answer.error {
            Some(error) => Err(diag::function_failed(self.source(), name, &error).into()),
            None => {
                let form = Form::of(self.source(), function.result);
                Ok(form.decode("result", answer.result.as_ref())?)
            }
        }
    }
}

fn failed(source: &str, name: &str, what: &str, at: Option<usize>) -> value::Diagnostic {
    let error = wire::FunctionError {
        text: what.to_owned(),
        function_argument: at.and_then(|at| i64::try_from(at).ok()),
    };
    diag::function_failed(source, name, &error)
}
