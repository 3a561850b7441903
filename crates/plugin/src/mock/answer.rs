//! What a mock answers to each call.

use super::plan;
use super::record::{Call, bytes, value as shown};
use super::script::{AttributeScript, Fault, TypeScript};
use super::{Inner, State};
use crate::form::Form;
use crate::method::Method;
use crate::wire::{self, DynamicValue};
use model::TypeSchema;
use prost::Message;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use tonic::Status;
use value::{Type, Value};

/// What becomes of a call.
pub(super) enum Reply {
    Message(Vec<u8>),
    /// No answer comes.
    Never,
    /// The provider dies.
    Crash,
}

type Answered = Result<Reply, Status>;

/// Answers a call.
pub(super) fn answer(mock: &Inner, method: Method, sent: &[u8]) -> Answered {
    match method {
        Method::Schema => {
            note(mock, Call::new(name(method), ""));
            reply(mock.offered.answer.as_ref())
        }
        Method::ValidateProvider => validate_provider(mock, sent),
        Method::Configure => configure(mock, sent),
        Method::ValidateResource => validate(mock, method, &mock.script.resources, sent),
        Method::ValidateData => validate(mock, method, &mock.script.data, sent),
        Method::ValidateEphemeral => validate(mock, method, &mock.script.ephemeral, sent),
        Method::Upgrade => upgrade(mock, sent),
        Method::Read => read(mock, sent),
        Method::Plan => plan_change(mock, sent),
        Method::Apply => apply(mock, sent),
        Method::Import => import(mock, sent),
        Method::Move => move_state(mock, sent),
        Method::ReadData => read_data(mock, sent),
        Method::CallFunction => call_function(mock, sent),
        Method::Open => open(mock, sent),
        Method::Renew | Method::Close => hold(mock, method, sent),
        Method::Stop => {
            note(mock, Call::new(name(method), ""));
            reply(&wire::Stopped::default())
        }
    }
}

fn name(method: Method) -> &'static str {
    method.name(crate::Major::Six)
}

fn note(mock: &Inner, call: Call) {
    mock.state().calls.push(call);
}

fn message<M: Message + Default>(sent: &[u8]) -> Result<M, Status> {
    M::decode(sent).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn reply(message: &impl Message) -> Answered {
    Ok(Reply::Message(message.encode_to_vec()))
}

/// A type with its script, and how its values travel.
struct Kind<'m> {
    script: &'m TypeScript,
    schema: TypeSchema,
    form: Form<'m>,
}

fn kind<'m>(
    mock: &'m Inner,
    scripts: &'m BTreeMap<String, TypeScript>,
    schemas: &HashMap<String, Vec<u8>>,
    name: &str,
) -> Result<Kind<'m>, Status> {
    let unknown = || Status::not_found(format!("no type {name}"));
    let script = scripts.get(name).ok_or_else(unknown)?;
    let wanted = [value::Name::from(name)].into();
    let mut found = mock
        .offered
        .types(schemas, Some(&wanted))
        .map_err(|error| Status::internal(error.to_string()))?;
    let schema = found.remove(name).ok_or_else(unknown)?;
    let form = Form::new("mock", &schema.block);
    Ok(Kind {
        script,
        schema,
        form,
    })
}

fn resource<'m>(mock: &'m Inner, name: &str) -> Result<Kind<'m>, Status> {
    kind(
        mock,
        &mock.script.resources,
        &mock.offered.answer.resources,
        name,
    )
}

impl Kind<'_> {
    fn read(&self, value: Option<&DynamicValue>) -> Result<Value, Status> {
        let read = self.form.decode("value", value);
        read.map_err(|found| Status::invalid_argument(found.detail))
    }

    fn write(&self, value: &Value) -> Result<Option<DynamicValue>, Status> {
        let written = self.form.encode("value", value);
        written
            .map(Some)
            .map_err(|found| Status::internal(found.detail))
    }
}

fn finding(severity: i32, summary: &str, attribute: Option<&str>) -> wire::Diagnostic {
    wire::Diagnostic {
        severity,
        summary: summary.to_owned(),
        detail: String::new(),
        attribute: attribute.map(crate::path::of_attribute),
    }
}

/// The fault that strikes a call, if one does.
fn fault<'m>(
    mock: &'m Inner,
    state: &mut State,
    method: Method,
    kind: &str,
    about: &[&Value],
) -> Option<&'m Fault> {
    let faults = &mock.script.faults;
    state.struck.resize(faults.len(), 0);
    for (fault, struck) in faults.iter().zip(&mut state.struck) {
        let named = |value: &&Value| value.get("name").and_then(Value::as_str) == Some(&fault.name);
        let fits = fault.call == name(method)
            && (fault.kind.is_empty() || fault.kind == kind)
            && (fault.name.is_empty() || about.iter().any(named))
            && (fault.times == 0 || *struck < fault.times);
        if fits {
            *struck += 1;
            return Some(fault);
        }
    }
    None
}

/// Faults that are the same for every call; others say something in the answer.
fn struck(fault: Option<&Fault>) -> Option<Answered> {
    let fault = fault?;
    match fault.does.as_str() {
        "crash" => Some(Ok(Reply::Crash)),
        "hang" => Some(Ok(Reply::Never)),
        "garbage" => Some(Ok(Reply::Message(vec![0x0a, 0x03, 0x0a, 0x01, 0xc1]))),
        "status" => Some(Err(Status::internal(fault.says.clone()))),
        _ => None,
    }
}

/// What a fault says in the answer.
fn says(fault: Option<&Fault>) -> Vec<wire::Diagnostic> {
    let severity = match fault.map(|fault| fault.does.as_str()) {
        Some("error" | "partial") => wire::ERROR,
        Some("warning") => wire::WARNING,
        _ => return Vec::new(),
    };
    let summary = fault.map_or("", |fault| &fault.says);
    vec![finding(severity, summary, None)]
}

fn does(fault: Option<&Fault>, what: &str) -> bool {
    fault.is_some_and(|fault| fault.does == what)
}

/// What the script says against values that are written.
fn refused(
    scripts: &BTreeMap<String, AttributeScript>,
    schemas: &BTreeMap<value::Name, model::Attribute>,
    config: &Value,
) -> Vec<wire::Diagnostic> {
    let mut found = Vec::new();
    for (name, script) in scripts {
        let (Some(schema), Some(written)) = (schemas.get(name.as_str()), config.get(name)) else {
            continue;
        };
        let among = |all: &[serde_json::Value]| {
            let mut all = all
                .iter()
                .filter_map(|json| super::script::value(json, &schema.ty));
            all.any(|one| one == *written)
        };
        if among(&script.refuse) {
            found.push(finding(wire::ERROR, "Value refused", Some(name)));
        } else if among(&script.warn) {
            found.push(finding(wire::WARNING, "Value doubtful", Some(name)));
        }
    }
    found
}

fn provider_config(mock: &Inner, config: Option<&DynamicValue>) -> Result<Value, Status> {
    let block = mock.offered.provider();
    let block = block.map_err(|error| Status::internal(error.to_string()))?;
    let read = Form::new("mock", &block).decode("configuration", config);
    read.map_err(|found| Status::invalid_argument(found.detail))
}

fn validate_provider(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::ValidateProvider = message(sent)?;
    let config = provider_config(mock, request.config.as_ref())?;
    let method = Method::ValidateProvider;
    note(
        mock,
        Call::new(name(method), "").with("config", shown(&config)),
    );
    let fault = fault(mock, &mut mock.state(), method, "", &[&config]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let block = mock.offered.provider();
    let block = block.map_err(|error| Status::internal(error.to_string()))?;
    let mut diagnostics = refused(&mock.script.provider.attributes, &block.attributes, &config);
    diagnostics.extend(says(fault));
    let five = mock.offered.major == crate::Major::Five;
    reply(&wire::ValidatedProvider {
        prepared_config: request.config.filter(|_| five),
        diagnostics,
    })
}

fn configure(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Configure = message(sent)?;
    let config = provider_config(mock, request.config.as_ref())?;
    let method = Method::Configure;
    note(
        mock,
        Call::new(name(method), "").with("config", shown(&config)),
    );
    let mut held = mock.state();
    held.config = Some(config.clone());
    let fault = fault(mock, &mut held, method, "", &[&config]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    reply(&wire::Found {
        diagnostics: says(fault),
    })
}

fn validate(
    mock: &Inner,
    method: Method,
    scripts: &BTreeMap<String, TypeScript>,
    sent: &[u8],
) -> Answered {
    let request: wire::Validate = message(sent)?;
    let schemas = match method {
        Method::ValidateData => &mock.offered.answer.data,
        Method::ValidateEphemeral => &mock.offered.answer.ephemeral,
        _ => &mock.offered.answer.resources,
    };
    let kind = kind(mock, scripts, schemas, &request.type_name)?;
    let config = kind.read(request.config.as_ref())?;
    let call = Call::new(name(method), &request.type_name);
    note(mock, call.with("config", shown(&config)));
    let fault = fault(
        mock,
        &mut mock.state(),
        method,
        &request.type_name,
        &[&config],
    );
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let attributes = &kind.schema.block.attributes;
    let mut diagnostics = refused(&kind.script.attributes, attributes, &config);
    diagnostics.extend(says(fault));
    reply(&wire::Found { diagnostics })
}

/// An object with the names that its attributes have now.
fn renamed(mut object: serde_json::Value, names: &BTreeMap<String, String>) -> serde_json::Value {
    for (old, new) in names {
        if let Some(attributes) = object.as_object_mut()
            && let Some(value) = attributes.remove(old)
        {
            attributes.insert(new.clone(), value);
        }
    }
    object
}

fn upgrade(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Upgrade = message(sent)?;
    let method = Method::Upgrade;
    let json = request.raw_state.unwrap_or_default().json;
    let raw: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let call = Call::new(name(method), &request.type_name);
    note(
        mock,
        call.with("version", json!(request.version))
            .with("state", raw.clone()),
    );
    let kind = resource(mock, &request.type_name)?;
    let fault = fault(mock, &mut mock.state(), method, &request.type_name, &[]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let mut state = DynamicValue {
        msgpack: Vec::new(),
        json,
    };
    if request.version < kind.script.version {
        state.json = renamed(raw, &kind.script.renamed).to_string().into_bytes();
    }
    let object = kind.read(Some(&state))?;
    reply(&wire::Upgraded {
        upgraded_state: kind.write(&object)?,
        diagnostics: says(fault),
    })
}

fn read(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Read = message(sent)?;
    let method = Method::Read;
    let kind = resource(mock, &request.type_name)?;
    let state = kind.read(request.current_state.as_ref())?;
    let call = Call::new(name(method), &request.type_name);
    note(
        mock,
        call.with("state", shown(&state))
            .with("private", bytes(&request.private)),
    );
    let mut held = mock.state();
    let fault = fault(mock, &mut held, method, &request.type_name, &[&state]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let id = state.get("id").and_then(Value::as_str).unwrap_or_default();
    let found = held.world.get(id).map(|(_, object)| object);
    let object = if does(fault, "nothing") {
        Value::null(Type::Any)
    } else {
        found.unwrap_or_else(|| Value::null(Type::Any))
    };
    reply(&wire::ReadAnswer {
        new_state: kind.write(&object)?,
        diagnostics: says(fault),
        private: request.private,
        deferred: None,
    })
}

/// Takes note of what a change is given that nobody keeps.
fn note_given(held: &State, kind: &Kind<'_>, name: &str, config: &Value) {
    let attributes = kind.script.attributes.iter();
    for (attribute, _) in attributes.filter(|(_, one)| one.write_only) {
        if let Some(given) = config.get(attribute).and_then(Value::as_str) {
            held.world
                .note(&format!("given {name} {attribute}={given}"));
        }
    }
}

fn plan_change(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Plan = message(sent)?;
    let method = Method::Plan;
    let kind = resource(mock, &request.type_name)?;
    let prior = kind.read(request.prior_state.as_ref())?;
    let proposed = kind.read(request.proposed_new_state.as_ref())?;
    let config = kind.read(request.config.as_ref())?;
    let call = Call::new(name(method), &request.type_name)
        .with("prior", shown(&prior))
        .with("proposed", shown(&proposed))
        .with("config", shown(&config))
        .with("private", bytes(&request.prior_private));
    let mut held = mock.state();
    held.calls.push(call);
    let fault = fault(
        mock,
        &mut held,
        method,
        &request.type_name,
        &[&config, &prior],
    );
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let planned = if proposed.is_null() || does(fault, "nothing") {
        Value::null(Type::Any)
    } else {
        plan::planned(
            kind.script,
            &kind.schema.block,
            held.config.as_ref(),
            (&prior, &proposed, &config),
        )
    };
    let requires_replace = if prior.is_null() || planned.is_null() {
        Vec::new()
    } else {
        plan::replaces(kind.script, &prior, &planned)
    };
    let mut private = request.prior_private;
    private.extend(b"+plan");
    reply(&wire::Planned {
        planned_state: kind.write(&planned)?,
        requires_replace,
        planned_private: private,
        diagnostics: says(fault),
        legacy_type_system: kind.script.legacy,
        deferred: None,
    })
}

fn apply(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Apply = message(sent)?;
    let method = Method::Apply;
    let kind = resource(mock, &request.type_name)?;
    let prior = kind.read(request.prior_state.as_ref())?;
    let planned = kind.read(request.planned_state.as_ref())?;
    let config = kind.read(request.config.as_ref())?;
    let call = Call::new(name(method), &request.type_name)
        .with("prior", shown(&prior))
        .with("planned", shown(&planned))
        .with("config", shown(&config))
        .with("private", bytes(&request.planned_private));
    let mut held = mock.state();
    held.calls.push(call);
    let fault = fault(
        mock,
        &mut held,
        method,
        &request.type_name,
        &[&config, &prior],
    );
    if let Some(answered) = struck(fault) {
        return answered;
    }
    note_given(&held, &kind, &request.type_name, &config);
    let id_of = |object: &Value| object.get("id").and_then(Value::as_str).map(str::to_owned);
    let diagnostics = says(fault);
    // A change that fails leaves things as they were, unless it failed half-way.
    if does(fault, "error") {
        return reply(&wire::Applied {
            new_state: kind.write(&prior)?,
            private: request.planned_private,
            diagnostics,
            legacy_type_system: kind.script.legacy,
        });
    }
    let settings = held.config.clone();
    let mut object = if planned.is_null() {
        planned.clone()
    } else {
        plan::made(
            kind.script,
            &request.type_name,
            &planned,
            settings.as_ref(),
            &mut held.world,
        )
    };
    if let Some(id) = id_of(if object.is_null() { &prior } else { &object }) {
        if object.is_null() {
            held.world.remove(&id);
        } else {
            held.world.put(&id, &request.type_name, object.clone());
        }
    }
    if does(fault, "unknown") {
        object = planned;
    } else if does(fault, "nothing") {
        object = Value::null(Type::Any);
    }
    let private = id_of(&object).unwrap_or_default();
    reply(&wire::Applied {
        new_state: kind.write(&object)?,
        private: private.into_bytes(),
        diagnostics,
        legacy_type_system: kind.script.legacy,
    })
}

fn import(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Import = message(sent)?;
    let method = Method::Import;
    let kind = resource(mock, &request.type_name)?;
    let call = Call::new(name(method), &request.type_name);
    let mut held = mock.state();
    held.calls.push(call.with("id", json!(request.id)));
    let fault = fault(mock, &mut held, method, &request.type_name, &[]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let mut entries = crate::propose::empty_block(&kind.schema.block);
    if let Some(attributes) = entries.entries() {
        let mut attributes = attributes.clone();
        attributes.insert("id".into(), Value::string(&request.id));
        entries = Value::object(attributes);
    }
    let imported = wire::ImportedResource {
        type_name: request.type_name.clone(),
        state: kind.write(&entries)?,
        private: b"imported".to_vec(),
    };
    reply(&wire::Imported {
        imported_resources: if does(fault, "nothing") {
            Vec::new()
        } else {
            vec![imported]
        },
        diagnostics: says(fault),
        deferred: None,
    })
}

fn move_state(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Move = message(sent)?;
    let call = Call::new(name(Method::Move), &request.target_type_name);
    note(mock, call.with("from", json!(request.source_type_name)));
    let kind = resource(mock, &request.target_type_name)?;
    let state = DynamicValue {
        msgpack: Vec::new(),
        json: request.source_state.unwrap_or_default().json,
    };
    let object = kind.read(Some(&state))?;
    reply(&wire::Moved {
        target_state: kind.write(&object)?,
        diagnostics: Vec::new(),
        target_private: request.source_private,
    })
}

fn read_data(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::ReadData = message(sent)?;
    let method = Method::ReadData;
    let answer = &mock.offered.answer;
    let kind = kind(mock, &mock.script.data, &answer.data, &request.type_name)?;
    let config = kind.read(request.config.as_ref())?;
    let call = Call::new(name(method), &request.type_name);
    let mut held = mock.state();
    held.calls.push(call.with("config", shown(&config)));
    let fault = fault(mock, &mut held, method, &request.type_name, &[&config]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let null = Value::null(Type::Any);
    let settings = held.config.clone();
    let object = plan::planned(
        kind.script,
        &kind.schema.block,
        settings.as_ref(),
        (&null, &config, &config),
    );
    let object = if does(fault, "nothing") {
        null
    } else {
        plan::filled(&object)
    };
    reply(&wire::DataAnswer {
        state: kind.write(&object)?,
        diagnostics: says(fault),
        deferred: None,
    })
}

fn call_function(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::CallFunction = message(sent)?;
    let unknown = || Status::not_found(format!("no function {}", request.name));
    let script = mock
        .script
        .functions
        .get(&request.name)
        .ok_or_else(unknown)?;
    let types = script
        .parameters
        .iter()
        .chain(script.variadic.iter().cycle());
    let mut arguments = Vec::new();
    for (argument, parameter) in request.arguments.iter().zip(types) {
        let ty = crate::types::of_json(&parameter.ty, 0);
        let ty = ty.map_err(|error| Status::internal(error.to_string()))?;
        let read = Form::of("mock", ty).decode("argument", Some(argument));
        arguments.push(read.map_err(|found| Status::invalid_argument(found.detail))?);
    }
    let call = Call::new(name(Method::CallFunction), &request.name);
    note(
        mock,
        call.with("arguments", arguments.iter().map(shown).collect()),
    );
    let method = Method::CallFunction;
    let fault = fault(mock, &mut mock.state(), method, &request.name, &[]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    if let Some(error) = &script.error {
        return reply(&wire::Called {
            result: None,
            error: Some(wire::FunctionError {
                text: error.clone(),
                function_argument: Some(0),
            }),
        });
    }
    let ty = crate::types::of_json(&script.result, 0);
    let ty = ty.map_err(|error| Status::internal(error.to_string()))?;
    let first = arguments.into_iter().next();
    let first = first.unwrap_or_else(|| Value::null(Type::Any));
    let result = Form::of("mock", ty).encode("result", &first);
    reply(&wire::Called {
        result: Some(result.map_err(|found| Status::internal(found.detail))?),
        error: None,
    })
}

fn open(mock: &Inner, sent: &[u8]) -> Answered {
    let request: wire::Open = message(sent)?;
    let method = Method::Open;
    let answer = &mock.offered.answer;
    let kind = kind(
        mock,
        &mock.script.ephemeral,
        &answer.ephemeral,
        &request.type_name,
    )?;
    let config = kind.read(request.config.as_ref())?;
    let call = Call::new(name(method), &request.type_name);
    note(mock, call.with("config", shown(&config)));
    let fault = fault(
        mock,
        &mut mock.state(),
        method,
        &request.type_name,
        &[&config],
    );
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let null = Value::null(Type::Any);
    let settings = mock.state().config.clone();
    let object = plan::planned(
        kind.script,
        &kind.schema.block,
        settings.as_ref(),
        (&null, &config, &config),
    );
    let named = config.get("name").and_then(Value::as_str);
    let private = format!("lease:{}", named.unwrap_or_default());
    if !does(fault, "error") {
        let line = format!("opened {} {private}", request.type_name);
        mock.state().world.note(&line);
    }
    reply(&wire::Opened {
        diagnostics: says(fault),
        renew_at: renewal(kind.script, 0),
        result: kind.write(&plan::filled(&object))?,
        private: Some(private.into_bytes()),
        deferred: None,
    })
}

/// What is said with each renewal of a lease.
const RENEWED: &str = "+renewed";

/// When it must be renewed that was renewed so often.
fn renewal(script: &TypeScript, n_renewed: usize) -> Option<wire::Timestamp> {
    let at_ms = script.renew_at_ms.get(n_renewed)?;
    Some(wire::Timestamp {
        seconds: at_ms.div_euclid(1_000),
        nanos: i32::try_from(at_ms.rem_euclid(1_000) * 1_000_000).unwrap_or_default(),
    })
}

/// Renews or closes an ephemeral resource.
fn hold(mock: &Inner, method: Method, sent: &[u8]) -> Answered {
    let request: wire::Hold = message(sent)?;
    let mut private = request.private.unwrap_or_default();
    let call = Call::new(name(method), &request.type_name);
    note(mock, call.with("private", bytes(&private)));
    let mut held = mock.state();
    let fault = fault(mock, &mut held, method, &request.type_name, &[]);
    if let Some(answered) = struck(fault) {
        return answered;
    }
    let text = String::from_utf8_lossy(&private).into_owned();
    let verb = if method == Method::Renew {
        "renewed"
    } else {
        "closed"
    };
    held.world
        .note(&format!("{verb} {} {text}", request.type_name));
    let diagnostics = says(fault);
    if method == Method::Close {
        return reply(&wire::Found { diagnostics });
    }
    private.extend(RENEWED.as_bytes());
    let kind = kind(
        mock,
        &mock.script.ephemeral,
        &mock.offered.answer.ephemeral,
        &request.type_name,
    )?;
    reply(&wire::Renewed {
        diagnostics,
        renew_at: renewal(kind.script, text.matches(RENEWED).count() + 1),
        private: Some(private),
    })
}
