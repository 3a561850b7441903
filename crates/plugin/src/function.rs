//! Functions of a provider: `provider::NAME::FUNCTION(...)`. They need no configuration, and the same arguments give
//! the same result.

use crate::diag;
use crate::form::Form;
use crate::limits::READING_CALL_MS_MAX;
use crate::method::Method;
use crate::provider::Plugin;
use crate::schema::{Offered, SchemaError};
use crate::types;
use crate::wire;
use contract::Answer;
use model::{CallAnswer, CallQuestion};
use prost::Message as _;
use std::collections::BTreeMap;
use value::functions::{Declaration, DeclaredParameter};
use value::{Diagnostics, Name, Value};

impl Offered {
    /// All functions, as the provider describes them.
    pub(crate) fn functions(&self) -> Result<BTreeMap<Name, Declaration>, SchemaError> {
        let all = self.answer.functions.iter();
        let all = all.map(|(name, bytes)| {
            let written = wire::Function::decode(bytes.as_slice())?;
            let variadic = written.variadic_parameter.as_ref().map(parameter);
            let result = written.result.unwrap_or_default();
            let declaration = Declaration {
                parameters: written
                    .parameters
                    .iter()
                    .map(parameter)
                    .collect::<Result<_, _>>()?,
                variadic: variadic.transpose()?,
                returns: types::parse(&result.ty)?.without_optional(),
                description: match written.summary.is_empty() {
                    true => written.description,
                    false => written.summary,
                },
            };
            Ok((Name::from(name.as_str()), declaration))
        });
        all.collect()
    }
}

fn parameter(one: &wire::Parameter) -> Result<DeclaredParameter, SchemaError> {
    Ok(DeclaredParameter {
        name: one.name.clone(),
        ty: types::parse(&one.ty)?.without_optional(),
        takes_null: one.allow_null_value,
        takes_unknown: one.allow_unknown_values,
        description: one.description.clone(),
    })
}

impl Plugin {
    /// Calls a function. A process that has gone is not waited for: another one answers as well.
    pub(crate) async fn call_function(
        &self,
        question: &CallQuestion,
    ) -> Result<Answer, Diagnostics> {
        if !self.has_ended() {
            return self.called(question).await.map(Answer::Call);
        }
        let other = self.another();
        let answer = other.called(question).await.map(Answer::Call);
        other.end().await;
        answer
    }

    async fn called(&self, question: &CallQuestion) -> Result<CallAnswer, Diagnostics> {
        let name = &question.function;
        let Some(function) = self.functions().get(name) else {
            return Err(diag::no_such_type(self.source(), name).into());
        };
        let mut encoded = Vec::new();
        for (at, argument) in question.arguments.iter().enumerate() {
            let Some(parameter) = function.parameter(at) else {
                break;
            };
            if argument.is_null() && !parameter.takes_null {
                return Ok(CallAnswer::Refuses {
                    why: "argument must not be null".to_owned(),
                    argument: u32::try_from(at).ok(),
                });
            }
            if !argument.is_wholly_known() && !parameter.takes_unknown {
                return Ok(CallAnswer::Gives(Value::unknown(function.returns.clone())));
            }
            let form = Form::of(self.source(), parameter.ty.clone());
            encoded.push(form.encode("argument", argument)?);
        }
        let (least, given) = (function.parameters.len(), question.arguments.len());
        if given < least || (given > least && function.variadic.is_none()) {
            return Ok(CallAnswer::Refuses {
                why: format!("it takes {least} argument(s), and not {given}"),
                argument: None,
            });
        }
        let request = wire::CallFunction {
            name: name.to_string(),
            arguments: encoded,
        };
        let answer: wire::Called = self
            .call(Method::CallFunction, request, READING_CALL_MS_MAX)
            .await?;
        if let Some(error) = answer.error {
            return Ok(CallAnswer::Refuses {
                why: error.text.trim_end_matches('.').to_owned(),
                argument: error
                    .function_argument
                    .and_then(|at| u32::try_from(at).ok()),
            });
        }
        let form = Form::of(self.source(), function.returns.clone());
        let result = form.decode("result", answer.result.as_ref())?;
        Ok(CallAnswer::Gives(result))
    }
}
