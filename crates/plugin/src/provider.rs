//! [`Plugin`]: a provider in a process of its own, as a [`contract::Provider`].
//!
//! Which call of the protocol answers which question is here; how values travel is in `form`, how processes come and go
//! in `process`.

use crate::cache::Cache;
use crate::connection::CallError;
use crate::diag;
use crate::form::{self, Form};
use crate::limits::{
    CHANGING_CALL_MS_MAX, LOCAL_CALL_MS_MAX, READING_ATTEMPTS_MAX, READING_CALL_MS_MAX,
    READING_PAUSE_MS, STARTS_MAX, THROTTLED_MS,
};
use crate::method::Method;
use crate::process::{Launch, Process, StartError};
use crate::propose;
use crate::schema::Offered;
use crate::stamp;
use crate::trouble::{self, Trouble};
use crate::wire;
use contract::{Answer, Lease, Looked, Opened, Outcome, Pending, Provider, Question};
use core::time::Duration;
use model::{
    ActionId, Address, Change, DataAnswer, DataQuestion, ImportQuestion, Mode, OpenAnswer,
    OpenQuestion, PlanAnswer, PlanQuestion, ProviderSchema, ReadAnswer, ReadQuestion, Repeat,
    Retry, TypeSchema, UpgradeQuestion, Verb,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use value::functions::Declaration;
use value::{Diagnostic, Diagnostics, Name, Value};

/// What this host can do beyond the first version of the protocol.
pub(crate) const CAPABILITIES: wire::ClientCapabilities = wire::ClientCapabilities {
    deferral_allowed: false,
    write_only_attributes_allowed: true,
};

/// The types that a configuration and its objects use. Schemas of others are not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Managed resource types.
    pub resources: BTreeSet<Name>,
    /// Data sources.
    pub data: BTreeSet<Name>,
    /// Ephemeral resource types.
    pub ephemeral: BTreeSet<Name>,
}

/// Which provider, and how to reach it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its source address.
    pub source: String,
    /// How it comes to run.
    pub launch: Launch,
    /// The types that are needed; none for all.
    pub wanted: Option<Wanted>,
    /// A directory for schemas of programs that were asked before, and for what they accepted; none to ask each time.
    pub cache: Option<PathBuf>,
    /// Longest time in which a request that was sent may still take effect, or what it did stay out of sight.
    pub settle_ms: u64,
    /// The command that a program is started through, so that it ends with its host ([`crate::become_tethered`]); this
    /// process's id and the program are added to it. None to start it directly.
    pub tether: Option<Vec<OsString>>,
}

/// A provider in a process of its own. Without a configuration it validates; with one ([`Provider::configured`]) it
/// does everything.
///
/// Its futures need a tokio runtime with time and I/O.
#[derive(Clone, Debug)]
pub struct Plugin {
    options: Arc<Options>,
    offered: Offered,
    schema: Arc<ProviderSchema>,
    meta: Option<Arc<model::BlockSchema>>,
    /// Started when it is first needed, because its schema may be known without it.
    process: Arc<tokio::sync::OnceCell<Process>>,
    /// Whether a configuration has taken the process for itself.
    taken: Arc<AtomicBool>,
}

impl Plugin {
    /// A provider with its schema.
    ///
    /// # Errors
    /// When the provider cannot be started, or does not say what it offers.
    pub async fn start(options: Options) -> Result<Self, Diagnostics> {
        let process = Arc::new(tokio::sync::OnceCell::new());
        let cache = Cache::of(options.cache.as_deref(), &options.launch);
        let offered = match cache.as_ref().and_then(Cache::read) {
            Some(offered) => offered,
            None => {
                let started = start(&options).await?;
                let asked = ask_schema(&options.source, &started).await;
                let offered = match asked {
                    Ok(offered) => offered,
                    Err(found) => {
                        started.close().await;
                        return Err(found);
                    }
                };
                if let Some(cache) = &cache {
                    cache.write(&offered);
                }
                // Nothing else has seen the cell yet.
                let _ = process.set(started);
                offered
            }
        };
        let schema = schema_of(&options, &offered)
            .map_err(|error| Diagnostics::from(diag::bad_schema(&options.source, &error)))?;
        let meta = offered
            .meta()
            .map_err(|error| Diagnostics::from(diag::bad_schema(&options.source, &error)))?;
        Ok(Self {
            options: Arc::new(options),
            offered,
            schema: Arc::new(schema),
            meta: meta.map(Arc::new),
            process,
            taken: Arc::default(),
        })
    }

    /// The same provider in a process of its own, not configured yet.
    pub(crate) fn another(&self) -> Self {
        Self {
            process: Arc::default(),
            taken: Arc::default(),
            ..self.clone()
        }
    }

    async fn process(&self) -> Result<&Process, Diagnostics> {
        let starting = || async {
            let process = start(&self.options).await?;
            if !self.offered.capabilities().get_provider_schema_optional {
                // Without it, some providers do not know their own types.
                ask_schema(&self.options.source, &process).await?;
            }
            Ok(process)
        };
        self.process.get_or_try_init(starting).await
    }

    pub(crate) fn offered(&self) -> &Offered {
        &self.offered
    }

    pub(crate) fn functions(&self) -> &BTreeMap<Name, Declaration> {
        &self.schema.functions
    }

    /// Whether its process has gone.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.get().is_some_and(Process::is_gone)
    }

    /// Lets go of its process.
    pub(crate) async fn end(&self) {
        if let Some(process) = self.process.get() {
            process.close().await;
        }
    }

    pub(crate) fn source(&self) -> &str {
        &self.options.source
    }

    /// Makes a call that changes nothing.
    pub(crate) async fn call<Q, A>(
        &self,
        method: Method,
        request: Q,
        timeout_ms: u64,
    ) -> Result<A, Diagnostics>
    where
        Q: prost::Message + Send + 'static,
        A: prost::Message + Default + Send + 'static,
    {
        let process = self.process().await?;
        let answer = process.connection().call(method, request, timeout_ms).await;
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(no_answer(self.source(), process, &error).await.into()),
        }
    }

    pub(crate) fn of_type(&self, mode: Mode, kind: &str) -> Result<&TypeSchema, Diagnostics> {
        let types = self.schema.types(mode);
        types
            .get(kind)
            .ok_or_else(|| diag::no_such_type(self.source(), kind).into())
    }

    pub(crate) fn form(&self, schema: &TypeSchema) -> Form<'_> {
        Form::new(self.source(), &schema.block)
    }

    /// What the module says of itself, where the provider asks: nothing.
    fn meta(&self) -> Option<wire::DynamicValue> {
        self.meta.as_ref().map(|_| form::null())
    }

    pub(crate) async fn validate_config(
        &self,
        mode: Mode,
        kind: &str,
        config: &Value,
    ) -> Diagnostics {
        let schema = match self.of_type(mode, kind) {
            Ok(schema) => schema,
            Err(found) => return found,
        };
        let config = match self.form(schema).encode("configuration", config) {
            Ok(config) => config,
            Err(found) => return found.into(),
        };
        let (method, capabilities) = match mode {
            Mode::Managed => (Method::ValidateResource, Some(CAPABILITIES)),
            Mode::Data => (Method::ValidateData, None),
            Mode::Ephemeral => (Method::ValidateEphemeral, None),
        };
        let request = wire::Validate {
            type_name: kind.to_owned(),
            config: Some(config),
            client_capabilities: capabilities,
        };
        let answer = self.call::<_, wire::Found>(method, request, LOCAL_CALL_MS_MAX);
        match answer.await {
            Ok(found) => said(self.source(), &found.diagnostics),
            Err(found) => found,
        }
    }

    /// An object of another version's form in the form of this one. It is sent as it was stored: nobody knows the type
    /// that it had.
    async fn upgrade(&self, question: &UpgradeQuestion) -> Result<DataAnswer, Diagnostics> {
        let kind = &question.address.resource.kind;
        let stored = value::json::to_string(&question.stored)
            .map_err(|_| Diagnostics::from(diag::incomplete("whole object that was stored")))?;
        let version = question.schema_version;
        let (object, diagnostics) = self.upgraded(kind, version, stored.into_bytes()).await?;
        if object.is_null() {
            let what = format!("it makes nothing of an older {kind}");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        Ok(DataAnswer {
            object,
            diagnostics,
        })
    }

    /// A stored object in the form of this version of the provider.
    async fn upgraded(
        &self,
        kind: &Name,
        version: u64,
        json: Vec<u8>,
    ) -> Result<(Value, Diagnostics), Diagnostics> {
        let form = self.form(self.of_type(Mode::Managed, kind)?);
        let request = wire::Upgrade {
            type_name: kind.to_string(),
            version: i64::try_from(version).unwrap_or(i64::MAX),
            raw_state: Some(wire::RawState { json }),
        };
        let answer: wire::Upgraded = self
            .call(Method::Upgrade, request, LOCAL_CALL_MS_MAX)
            .await?;
        let found = checked(said(self.source(), &answer.diagnostics))?;
        let object = form.decode("upgraded object", answer.upgraded_state.as_ref())?;
        Ok((object, found))
    }

    pub(crate) async fn read(&self, question: &ReadQuestion) -> Result<ReadAnswer, Diagnostics> {
        let kind = &question.address.resource.kind;
        let schema = self.of_type(Mode::Managed, kind)?;
        let stored = self.form(schema).stored(&question.prior)?;
        let upgraded = self.upgraded(kind, schema.version, stored);
        let (object, found) = upgraded.await?;
        let mut answer = self
            .read_object(kind, &object, question.private.clone())
            .await?;
        if let (Some(found), Some((attribute, _))) = (&answer.object, self.stamped(kind)) {
            let like = stamp::tells_null(&schema.block).then_some(&object);
            answer.object = Some(stamp::take(found, attribute, like));
        }
        let mut diagnostics = found;
        diagnostics.extend(answer.diagnostics);
        Ok(ReadAnswer {
            diagnostics,
            ..answer
        })
    }

    /// The object as it is, with everything that is on it.
    pub(crate) async fn read_object(
        &self,
        kind: &Name,
        object: &Value,
        private: Vec<u8>,
    ) -> Result<ReadAnswer, Diagnostics> {
        let schema = self.of_type(Mode::Managed, kind)?;
        let form = self.form(schema);
        let request = wire::Read {
            type_name: kind.to_string(),
            current_state: Some(form.encode("object", object)?),
            private,
            provider_meta: self.meta(),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::ReadAnswer = self
            .call(Method::Read, request, READING_CALL_MS_MAX)
            .await?;
        let diagnostics = checked(said(self.source(), &answer.diagnostics))?;
        let object = form.decode("object as it is", answer.new_state.as_ref())?;
        Ok(ReadAnswer {
            object: (!object.is_null()).then(|| propose::tidied(&schema.block, &object)),
            private: answer.private,
            diagnostics,
        })
    }

    async fn plan(&self, question: &PlanQuestion) -> Result<PlanAnswer, Diagnostics> {
        let kind = &question.address.resource.kind;
        let schema = self.of_type(Mode::Managed, kind)?;
        let form = self.form(schema);
        let written = question.written.as_ref().unwrap_or(&question.config);
        let validated = self.validate_config(Mode::Managed, kind, written).await;
        let mut diagnostics = checked(validated)?;
        let proposed = propose::proposed(&schema.block, &question.prior, &question.config);
        let request = wire::Plan {
            type_name: kind.to_string(),
            prior_state: Some(form.encode("object", &question.prior)?),
            proposed_new_state: Some(form.encode("proposed object", &proposed)?),
            config: Some(form.encode("configuration", &question.config)?),
            prior_private: question.private.clone(),
            provider_meta: self.meta(),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Planned = self
            .call(Method::Plan, request, READING_CALL_MS_MAX)
            .await?;
        diagnostics.extend(checked(said(self.source(), &answer.diagnostics))?);
        if answer.deferred.is_some() {
            let what = format!("it puts off the plan of a {kind}, which nobody allowed it to");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        let planned = form.decode("planned object", answer.planned_state.as_ref())?;
        if planned.is_null() {
            let what = format!("it plans nothing where a {kind} is configured");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        let planned = propose::tidied(&schema.block, &planned);
        let is_put = question.prior.is_null() && self.is_put(kind, &planned);
        Ok(PlanAnswer {
            recovery: (!is_put).then(|| self.recovery(kind, &question.config, &planned)),
            planned,
            requires_replace: answer
                .requires_replace
                .iter()
                .map(crate::path::steps)
                .collect(),
            private: answer.planned_private,
            // The protocol has no word for it: what was lost is looked for before it is done again, but where it is
            // known that doing it again does the same.
            repeat: if is_put { Repeat::Safe } else { Repeat::Never },
            settle_ms: self.options.settle_ms,
            loose: answer.legacy_type_system,
            diagnostics,
        })
    }

    async fn data(&self, question: &DataQuestion) -> Result<DataAnswer, Diagnostics> {
        let kind = &question.address.resource.kind;
        let schema = self.of_type(Mode::Data, kind)?;
        let validated = self
            .validate_config(Mode::Data, kind, &question.config)
            .await;
        let mut diagnostics = checked(validated)?;
        let answer = self.data_of(kind, schema, &question.config).await?;
        diagnostics.extend(answer.diagnostics);
        Ok(DataAnswer {
            diagnostics,
            ..answer
        })
    }

    /// What a data source says of its arguments.
    pub(crate) async fn data_of(
        &self,
        kind: &str,
        schema: &TypeSchema,
        config: &Value,
    ) -> Result<DataAnswer, Diagnostics> {
        let form = self.form(schema);
        let request = wire::ReadData {
            type_name: kind.to_owned(),
            config: Some(form.encode("configuration", config)?),
            provider_meta: self.meta(),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::DataAnswer = self
            .call(Method::ReadData, request, READING_CALL_MS_MAX)
            .await?;
        let diagnostics = checked(said(self.source(), &answer.diagnostics))?;
        let object = form.decode("result", answer.state.as_ref())?;
        if object.is_null() || !object.is_wholly_known() {
            let what = format!("it answers the data source {kind} with nothing, or with holes");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        Ok(DataAnswer {
            object,
            diagnostics,
        })
    }

    /// The schema of a data source, whether the configuration uses it or not.
    pub(crate) fn any_data(&self, kind: &str) -> Result<TypeSchema, Diagnostics> {
        let wanted = BTreeSet::from([Name::from(kind)]);
        let found = self.offered.types(&self.offered.answer.data, Some(&wanted));
        let found =
            found.map_err(|error| Diagnostics::from(diag::bad_schema(self.source(), &error)))?;
        let schema = found.into_values().next();
        schema.ok_or_else(|| diag::no_such_type(self.source(), kind).into())
    }

    async fn answer(&self, question: &Question) -> Answer {
        let answer = match question {
            Question::Read(question) => self.read(question).await.map(Answer::Read),
            Question::Plan(question) => self.plan(question).await.map(Answer::Plan),
            Question::Data(question) => self.data(question).await.map(Answer::Data),
            Question::Import(question) => self.import(question).await.map(Answer::Import),
            Question::Upgrade(question) => self.upgrade(question).await.map(Answer::Upgrade),
            Question::Open(_) => {
                let what = "what it opens is no answer";
                Err(diag::against_the_rules(self.source(), what).into())
            }
            Question::Call(question) => self.call_function(question).await,
        };
        answer.unwrap_or_else(Answer::Failed)
    }

    async fn import(&self, question: &ImportQuestion) -> Result<ReadAnswer, Diagnostics> {
        let kind = &question.address.resource.kind;
        let schema = self.of_type(Mode::Managed, kind)?;
        let request = wire::Import {
            type_name: kind.to_string(),
            id: question.id.clone(),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Imported = self
            .call(Method::Import, request, READING_CALL_MS_MAX)
            .await?;
        let diagnostics = checked(said(self.source(), &answer.diagnostics))?;
        let mut of_kind = answer.imported_resources.into_iter();
        let found = of_kind.find(|one| one.type_name == **kind);
        let Some(found) = found else {
            return Ok(ReadAnswer {
                object: None,
                private: Vec::new(),
                diagnostics,
            });
        };
        let object = self
            .form(schema)
            .decode("imported object", found.state.as_ref())?;
        Ok(ReadAnswer {
            object: (!object.is_null()).then(|| propose::tidied(&schema.block, &object)),
            private: found.private,
            diagnostics,
        })
    }

    /// The private part of the plan to destroy an object.
    async fn plan_destroy(&self, change: &Change, prior: &Value) -> Result<Vec<u8>, Diagnostics> {
        if !self.offered.capabilities().plan_destroy {
            return Ok(change.private.clone());
        }
        let kind = &change.address.resource.kind;
        let schema = self.of_type(Mode::Managed, kind)?;
        let form = self.form(schema);
        let request = wire::Plan {
            type_name: kind.to_string(),
            prior_state: Some(form.encode("object", prior)?),
            proposed_new_state: Some(form::null()),
            config: Some(form::null()),
            prior_private: change.private.clone(),
            provider_meta: self.meta(),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Planned = self
            .call(Method::Plan, request, READING_CALL_MS_MAX)
            .await?;
        checked(said(self.source(), &answer.diagnostics))?;
        let planned = form.decode("planned object", answer.planned_state.as_ref())?;
        if !planned.is_null() {
            let what = format!("it plans something where a {kind} is to be destroyed");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        Ok(answer.planned_private)
    }

    /// The request for a change; nothing has been sent yet when it cannot be made.
    async fn request(&self, action: ActionId, change: &Change) -> Result<wire::Apply, Diagnostics> {
        let kind = &change.address.resource.kind;
        let schema = self.of_type(Mode::Managed, kind)?;
        let form = self.form(schema);
        let needed = |value: &Option<Value>, what: &str| {
            let value = value.clone().filter(|value| !value.is_null());
            value.ok_or_else(|| Diagnostics::from(diag::incomplete(what)))
        };
        let mut request = wire::Apply {
            type_name: kind.to_string(),
            prior_state: Some(form::null()),
            planned_state: Some(form::null()),
            config: Some(form::null()),
            planned_private: change.private.clone(),
            provider_meta: self.meta(),
        };
        let stamped = self.stamped(kind);
        let mut stamp = None;
        if change.verb != Verb::Create {
            let mut prior = needed(&change.prior, "object as it is")?;
            if let (Verb::Update, Some((attribute, _)), Some(planned)) =
                (change.verb, stamped, &change.planned)
                && stamp::changes_tags(&prior, planned, attribute)
            {
                // Some providers wait until an object has exactly the tags that they were told: they are told of all.
                let answer = self.read_object(kind, &prior, change.private.clone());
                let there = answer.await?.object;
                stamp = there.and_then(|there| Some(stamp::of(&there, attribute)?.to_owned()));
                if let Some(stamp) = &stamp {
                    prior = stamp::put(&prior, attribute, stamp);
                }
            }
            request.prior_state = Some(form.encode("object", &prior)?);
            if change.verb == Verb::Delete && change.planned.is_none() {
                request.planned_private = self.plan_destroy(change, &prior).await?;
            }
        }
        if change.verb == Verb::Create {
            stamp = Some(action.to_string());
        }
        if change.verb != Verb::Delete {
            let mut planned = needed(&change.planned, "planned object")?;
            let mut config = needed(&change.config, "configuration")?;
            if let (Some((attribute, _)), Some(stamp)) = (stamped, &stamp) {
                planned = stamp::put(&planned, attribute, stamp);
                config = stamp::put(&config, attribute, stamp);
            }
            request.planned_state = Some(form.encode("planned object", &planned)?);
            request.config = Some(form.encode("configuration", &config)?);
        }
        Ok(request)
    }

    async fn change(&self, action: ActionId, change: &Change) -> Outcome {
        let request = match self.request(action, change).await {
            Ok(request) => request,
            Err(diagnostics) => return not_begun(diagnostics),
        };
        let process = match self.process().await {
            Ok(process) => process,
            Err(diagnostics) => return not_begun(diagnostics),
        };
        let answer = process
            .connection()
            .call::<_, wire::Applied>(Method::Apply, request, CHANGING_CALL_MS_MAX)
            .await;
        match answer {
            Ok(answer) => self.outcome(change, answer),
            Err(error @ CallError::Unimplemented(_)) => Outcome::Refused {
                diagnostics: diag::no_answer(self.source(), &error, None).into(),
            },
            Err(error) => Outcome::Unknown {
                why: no_answer(self.source(), process, &error).await.detail,
            },
        }
    }

    /// What came of a change. An object that came with errors is kept: it exists.
    fn outcome(&self, change: &Change, answer: wire::Applied) -> Outcome {
        let kind = &change.address.resource.kind;
        let mut diagnostics = said(self.source(), &answer.diagnostics);
        let private = answer.private;
        let decoded = self.of_type(Mode::Managed, kind).and_then(|schema| {
            let object = self
                .form(schema)
                .decode("new object", answer.new_state.as_ref())?;
            Ok(match self.stamped(kind) {
                Some((attribute, _)) => stamp::take(&object, attribute, change.planned.as_ref()),
                None => object,
            })
        });
        let object = match decoded {
            Ok(object) => object,
            Err(found) => {
                diagnostics.extend(found);
                let first = diagnostics.iter().next();
                return Outcome::Unknown {
                    why: first.map_or_else(String::new, |found| found.detail.clone()),
                };
            }
        };
        if let Some(outcome) = self.troubled(change, &object, &diagnostics) {
            return outcome;
        }
        if object.is_null() {
            return match (change.verb, diagnostics.has_errors()) {
                (Verb::Delete, false) => Outcome::Changed {
                    object: None,
                    private: Vec::new(),
                    diagnostics,
                },
                (_, true) => Outcome::Refused { diagnostics },
                (Verb::Create | Verb::Update, false) => {
                    let what =
                        format!("a {kind} was made or changed, and it answers that there is none");
                    Outcome::Unknown {
                        why: diag::against_the_rules(self.source(), &what).detail,
                    }
                }
            };
        }
        if !object.is_wholly_known() {
            let what = format!("the {kind} it made still has values that are not known");
            diagnostics.push(diag::against_the_rules(self.source(), &what));
        }
        if change.verb == Verb::Delete && !diagnostics.has_errors() {
            let what =
                format!("a {kind} was to be destroyed, and it answers that it is still there");
            diagnostics.push(diag::against_the_rules(self.source(), &what));
        }
        if diagnostics.has_errors() {
            return Outcome::Partial {
                object: propose::known_part(&object),
                private,
                diagnostics,
            };
        }
        Outcome::Changed {
            object: Some(object),
            private,
            diagnostics,
        }
    }

    /// What came of a change that ended with an error of the network or of a service that is not well; none for any
    /// other error, which is a refusal or damage.
    fn troubled(&self, change: &Change, object: &Value, found: &Diagnostics) -> Option<Outcome> {
        let trouble = trouble::of(found)?;
        let creates = change.verb == Verb::Create;
        let has_object = creates && !object.is_null();
        if has_object && !self.can_look_for(change) {
            // By what it answered alone it is known.
            return None;
        }
        let lost = || Outcome::Unknown {
            why: found
                .iter()
                .find(|one| one.severity == value::Severity::Error)
                .map_or_else(String::new, |one| {
                    format!(
                        "{}: {}",
                        one.summary,
                        one.detail.lines().next().unwrap_or_default()
                    )
                }),
        };
        match trouble {
            Trouble::Throttled | Trouble::NotSent if !has_object => Some(Outcome::Failed {
                diagnostics: found.clone(),
                retry_after_ms: (trouble == Trouble::Throttled).then_some(THROTTLED_MS),
            }),
            Trouble::Exists if !creates || !self.can_look_for(change) => None,
            Trouble::Throttled | Trouble::NotSent | Trouble::Unknown | Trouble::Exists => {
                Some(lost())
            }
        }
    }

    /// A provider that nobody has configured yet, in a process of its own.
    pub(crate) fn unconfigured(&self) -> Self {
        // The process may have ended over a call of a function.
        let is_taken = self.taken.swap(true, Ordering::Relaxed);
        match is_taken || self.has_ended() {
            true => self.another(),
            false => self.clone(),
        }
    }

    /// Where is kept what its program said before.
    pub(crate) fn cache(&self) -> Option<Cache> {
        Cache::of(self.options.cache.as_deref(), &self.options.launch)
    }
}

impl Provider for Plugin {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn configured<'a>(
        &'a self,
        config: &'a Value,
    ) -> Option<Pending<'a, Result<Arc<dyn Provider>, Diagnostics>>> {
        Some(Box::pin(async {
            let configured = self.configure(config).await;
            configured.map_err(|mut found| {
                let whose = format!("provider[{:?}]", self.source());
                for one in &mut found.0 {
                    one.address.get_or_insert_with(|| whose.clone());
                }
                found
            })
        }))
    }

    fn validate_own<'a>(&'a self, config: &'a Value) -> Pending<'a, Diagnostics> {
        Box::pin(self.check_own(config))
    }

    fn validate<'a>(
        &'a self,
        mode: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        Box::pin(self.validate_config(mode, kind, config))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        Box::pin(async move {
            let mut answer = self.answer(question).await;
            let retry = retry_of(question);
            let attempts = retry.and_then(|retry| retry.attempts);
            for attempt in 1..attempts.unwrap_or(READING_ATTEMPTS_MAX) {
                let passes = |found: &Diagnostics| {
                    let written = retry.is_some_and(|one| value::functions::fits(&one.on, found));
                    (written || trouble::passes(found)) && !self.is_gone()
                };
                if !matches!(&answer, Answer::Failed(found) if passes(found)) {
                    break;
                }
                let about = question.address().map(Address::to_string);
                let pause_ms = pause_ms(&about.unwrap_or_default(), attempt, retry);
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                answer = self.answer(question).await;
            }
            match &mut answer {
                Answer::Read(ReadAnswer { diagnostics, .. })
                | Answer::Import(ReadAnswer { diagnostics, .. })
                | Answer::Plan(PlanAnswer { diagnostics, .. })
                | Answer::Data(DataAnswer { diagnostics, .. })
                | Answer::Upgrade(DataAnswer { diagnostics, .. })
                | Answer::Open(OpenAnswer { diagnostics, .. })
                | Answer::Failed(diagnostics) => {
                    if let Some(address) = question.address() {
                        about(address, diagnostics);
                    }
                }
                Answer::Call(_) => {}
            }
            answer
        })
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        Box::pin(async move {
            let mut outcome = self.change(action, change).await;
            if let Outcome::Changed { diagnostics, .. }
            | Outcome::Partial { diagnostics, .. }
            | Outcome::Refused { diagnostics }
            | Outcome::Failed { diagnostics, .. } = &mut outcome
            {
                about(&change.address, diagnostics);
            }
            outcome
        })
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        Box::pin(self.look(action, change))
    }

    fn open<'a>(
        &'a self,
        question: &'a OpenQuestion,
    ) -> Option<Pending<'a, Result<Opened, Diagnostics>>> {
        Some(Box::pin(async move {
            let mut opened = self.opened(question).await;
            match &mut opened {
                Ok(opened) => about(&question.address, &mut opened.diagnostics),
                Err(found) => about(&question.address, found),
            }
            opened
        }))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Pending<'a, (Lease, Diagnostics)> {
        Box::pin(self.renewed(lease))
    }

    fn let_go<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Diagnostics> {
        Box::pin(self.closed(lease))
    }

    fn is_gone(&self) -> bool {
        self.has_ended()
    }

    fn stop(&self) -> Pending<'_, ()> {
        Box::pin(async {
            if let Some(process) = self.process.get() {
                process.stop().await;
            }
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.end())
    }
}

/// A change that was not sent: had its provider not gone meanwhile, it would have been.
fn not_begun(diagnostics: Diagnostics) -> Outcome {
    if trouble::passes(&diagnostics) {
        return Outcome::Failed {
            diagnostics,
            retry_after_ms: None,
        };
    }
    Outcome::Refused { diagnostics }
}

/// The pause before a question is asked again: it grows, and differs from object to object, so that those that failed
/// together do not come back together.
pub(crate) fn pause_ms(address: &str, attempt: u32, retry: Option<&Retry>) -> u64 {
    let base_ms = retry.and_then(|retry| retry.base_ms);
    let cap_ms = retry.and_then(|retry| retry.cap_ms);
    let grown_ms = base_ms.unwrap_or(READING_PAUSE_MS) << attempt.min(10);
    let bound = grown_ms.min(cap_ms.unwrap_or(u64::MAX)).max(2);
    let digest = model::Digest::of_parts(
        "steadfast.reading.1",
        &[address.as_bytes(), &attempt.to_be_bytes()],
    );
    let [a, b, ..] = digest.0;
    bound / 2 + u64::from(u16::from_be_bytes([a, b])) % (bound / 2)
}

/// How a question is asked again, where that is written for its object.
fn retry_of(question: &Question) -> Option<&Retry> {
    match question {
        Question::Read(question) => question.retry.as_ref(),
        Question::Plan(question) => question.retry.as_ref(),
        Question::Import(question) => question.retry.as_ref(),
        Question::Data(_) | Question::Upgrade(_) | Question::Open(_) | Question::Call(_) => None,
    }
}

/// Starts a provider. One that somebody kills meanwhile is started again.
async fn start(options: &Options) -> Result<Process, Diagnostics> {
    let mut started = 1;
    loop {
        // Ends with a provider, or with the last start.
        match Process::start(&options.launch, options.tether.as_deref()).await {
            Ok(process) => return Ok(process),
            Err(StartError::Ended {
                is_killed: true, ..
            }) if started < STARTS_MAX => {}
            Err(error) => return Err(diag::not_started(&options.source, &error).into()),
        }
        started += 1;
    }
}

async fn ask_schema(source: &str, process: &Process) -> Result<Offered, Diagnostics> {
    let connection = process.connection();
    let answer = connection
        .call::<_, wire::ProviderSchemas>(Method::Schema, wire::Empty {}, LOCAL_CALL_MS_MAX)
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(no_answer(source, process, &error).await.into()),
    };
    checked(said(source, &answer.diagnostics))?;
    Ok(Offered {
        answer: Arc::new(answer),
        major: connection.major(),
    })
}

fn schema_of(
    options: &Options,
    offered: &Offered,
) -> Result<ProviderSchema, crate::schema::SchemaError> {
    let wanted = options.wanted.as_ref();
    let answer = &offered.answer;
    Ok(ProviderSchema {
        source: options.source.clone(),
        provider: offered.provider()?,
        resources: offered.types(&answer.resources, wanted.map(|wanted| &wanted.resources))?,
        data: offered.types(&answer.data, wanted.map(|wanted| &wanted.data))?,
        ephemeral: offered.types(&answer.ephemeral, wanted.map(|wanted| &wanted.ephemeral))?,
        functions: offered.functions()?,
    })
}

/// Why there is no answer, with what the provider said before it ended, if it has.
async fn no_answer(source: &str, process: &Process, error: &CallError) -> Diagnostic {
    let words = match error {
        CallError::Broken => process.last_words().await,
        CallError::Unimplemented(_) | CallError::TimedOut { .. } | CallError::Failed { .. } => None,
    };
    diag::no_answer(source, error, words.as_deref())
}

pub(crate) fn said(source: &str, found: &[wire::Diagnostic]) -> Diagnostics {
    Diagnostics(found.iter().map(|one| diag::said(source, one)).collect())
}

/// Warnings go on; errors end it.
pub(crate) fn checked(found: Diagnostics) -> Result<Diagnostics, Diagnostics> {
    if found.has_errors() {
        Err(found)
    } else {
        Ok(found)
    }
}

fn about(address: &Address, found: &mut Diagnostics) {
    for diagnostic in &mut found.0 {
        if diagnostic.address.is_none() {
            diagnostic.address = Some(address.to_string());
        }
    }
}
