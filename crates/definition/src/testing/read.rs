//! From the text of a test file to its runs.

use super::{
    Expected, MOCK_FILE_ENDINGS, ProviderName, TestCommand, TestFile, TestPlanOptions, TestRun,
    WrittenAssertion,
};
use crate::compile::address::Written;
use crate::compile::body::{self, Form};
use crate::compile::{Files, join};
use crate::diag::{blocks, testing as diag};
use crate::json;
use crate::lower;
use crate::parser;
use crate::source::ModuleSource;
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use model::{During, Endpoint, Mock, Override, PlanMode, Substitute};
use value::{Data, Diagnostic, Diagnostics, Name, SourceId, Span, Type, Value};

/// Which kind of object an override is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overridden {
    Resource,
    Data,
    Module,
}

const FILE: Form<'_> = Form {
    whose: "A test file",
    arguments: &[],
    blocks: &[
        "run",
        "variables",
        "provider",
        "mock_provider",
        "override_resource",
        "override_data",
        "override_module",
        "test",
    ],
};

const RUN: Form<'_> = Form {
    whose: "A run block",
    arguments: &[
        "command",
        "providers",
        "expect_failures",
        "state_key",
        "parallel",
    ],
    blocks: &[
        "variables",
        "module",
        "assert",
        "plan_options",
        "override_resource",
        "override_data",
        "override_module",
    ],
};

const MOCK_FILE: Form<'_> = Form {
    whose: "A file of mocks",
    arguments: &[],
    blocks: &[
        "mock_resource",
        "mock_data",
        "override_resource",
        "override_data",
    ],
};

const MOCK_PROVIDER: Form<'_> = Form {
    whose: "A mock_provider block",
    arguments: &["alias", "source", "override_during"],
    ..MOCK_FILE
};

/// Reads one file with the mocks it names.
pub(super) fn file(path: &str, content: Vec<u8>, files: &dyn Files) -> (TestFile, Diagnostics) {
    let mut reader = Reader {
        files,
        file: TestFile::default(),
        diagnostics: Diagnostics::new(),
        parallel: false,
    };
    if let Some(body) = reader.text(path, content, json::test_body) {
        reader.body(&body);
    }
    // By place: the numbers of texts count down.
    let place = |found: &Diagnostic| {
        found
            .span
            .map(|span| (u32::MAX - span.source.0, span.start))
    };
    reader.diagnostics.0.sort_by_key(place);
    (reader.file, reader.diagnostics)
}

struct Reader<'f> {
    files: &'f dyn Files,
    file: TestFile,
    diagnostics: Diagnostics,
    /// What runs are that do not say it themselves.
    parallel: bool,
}

impl Reader<'_> {
    /// Parses a text and keeps it among the sources.
    fn text(
        &mut self,
        path: &str,
        content: Vec<u8>,
        read_json: fn(&str, SourceId) -> (Body, Diagnostics),
    ) -> Option<Body> {
        let source = TestFile::source(self.file.sources.len());
        self.file.sources.push((path.to_string(), content));
        let (_, content) = self.file.sources.last()?;
        match parser::source_text(content, source) {
            Ok(text) => {
                let (body, found) = if path.ends_with(".json") {
                    read_json(text, source)
                } else {
                    parser::parse_body(text, source)
                };
                self.diagnostics.extend(found);
                Some(body)
            }
            Err(found) => {
                self.diagnostics.push(found);
                None
            }
        }
    }

    fn body(&mut self, body: &Body) {
        body::check(body, &FILE, &mut self.diagnostics);
        if let Some(block) = body::single(body, "test", &mut self.diagnostics) {
            let form = Form {
                whose: "A test block",
                arguments: &["parallel"],
                blocks: &[],
            };
            body::labels(block, &[], &mut self.diagnostics);
            body::check(&block.body, &form, &mut self.diagnostics);
            self.parallel = body::flag(&block.body, "parallel", &mut self.diagnostics);
        }
        self.file.variables = self.variables(body);
        self.file.overrides = self.overrides(body, During::Apply);
        let mut providers: BTreeMap<(Name, Option<Name>), Span> = BTreeMap::new();
        let mut runs: BTreeMap<Name, Span> = BTreeMap::new();
        for block in &body.blocks {
            match &*block.kind.name {
                "provider" => {
                    self.provider(block, &mut providers);
                }
                "mock_provider" => {
                    if let Some(mock) = self.mock(block, &mut providers) {
                        self.file.mocks.push(mock);
                    }
                }
                "run" => {
                    let Some(run) = self.run(block) else {
                        continue;
                    };
                    match runs.get(&run.name) {
                        Some(first) => {
                            let what = alloc::format!("run \"{}\"", run.name);
                            let found = diag::duplicate(block.header, &what, *first);
                            self.diagnostics.push(found);
                        }
                        None => {
                            runs.insert(run.name.clone(), block.header);
                            self.file.runs.push(run);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The values in the one `variables` block of a body.
    fn variables(&mut self, body: &Body) -> Vec<Attribute> {
        let Some(block) = body::single(body, "variables", &mut self.diagnostics) else {
            return Vec::new();
        };
        body::labels(block, &[], &mut self.diagnostics);
        for inner in &block.body.blocks {
            let whose = "A variables block";
            let (span, kind) = (inner.kind.span, &inner.kind.name);
            self.diagnostics
                .push(blocks::unknown_block(span, kind, whose, &[], None));
        }
        block.body.attributes.clone()
    }

    fn provider(
        &mut self,
        block: &Block,
        seen: &mut BTreeMap<(Name, Option<Name>), Span>,
    ) -> Option<(Name, Option<Name>)> {
        let labels = body::labels(block, &["NAME"], &mut self.diagnostics)?;
        let local = (*labels.first()?).clone();
        let alias = body::text(&block.body, "alias", &mut self.diagnostics);
        let alias = alias.map(|alias| Name::from(alias.as_str()));
        let key = (local.clone(), alias.clone());
        if let Some(first) = seen.get(&key) {
            let what = match &alias {
                Some(alias) => alloc::format!("provider {local}.{alias}"),
                None => alloc::format!("provider {local}"),
            };
            self.diagnostics
                .push(diag::duplicate(block.header, &what, *first));
            return None;
        }
        seen.insert(key.clone(), block.header);
        if &*block.kind.name == "provider" {
            self.file.providers.push(block.clone());
        }
        Some(key)
    }

    fn mock(
        &mut self,
        block: &Block,
        seen: &mut BTreeMap<(Name, Option<Name>), Span>,
    ) -> Option<Mock> {
        body::check(&block.body, &MOCK_PROVIDER, &mut self.diagnostics);
        let during = self.during(&block.body);
        let mut mock = Mock {
            local: Name::from(""),
            alias: None,
            resources: BTreeMap::new(),
            data: BTreeMap::new(),
            during: during.unwrap_or_default(),
            overrides: Vec::new(),
        };
        self.mocked(&block.body, &mut mock);
        if let Some(directory) = body::text(&block.body, "source", &mut self.diagnostics) {
            self.mocks_in(&directory, block.header, &mut mock);
        }
        (mock.local, mock.alias) = self.provider(block, seen)?;
        Some(mock)
    }

    /// What the files of a directory say of a mock. What the block itself says wins.
    fn mocks_in(&mut self, directory: &str, span: Span, mock: &mut Mock) {
        let directory = join(".", directory);
        let Some(mut names) = self.files.list(&directory) else {
            self.diagnostics
                .push(blocks::module_not_found(span, &directory));
            return;
        };
        names.sort();
        let is_mock = |name: &&String| {
            let mut endings = MOCK_FILE_ENDINGS.iter();
            endings.any(|ending| name.ends_with(ending))
        };
        for name in names.iter().filter(is_mock) {
            let path = join(&directory, name);
            let Some(content) = self.files.read(&path) else {
                self.diagnostics.push(blocks::unreadable(&path));
                continue;
            };
            let Some(body) = self.text(&path, content, json::mock_body) else {
                continue;
            };
            body::check(&body, &MOCK_FILE, &mut self.diagnostics);
            let mut found = Mock {
                resources: BTreeMap::new(),
                data: BTreeMap::new(),
                overrides: Vec::new(),
                ..mock.clone()
            };
            self.mocked(&body, &mut found);
            for (kind, substitute) in found.resources {
                mock.resources.entry(kind).or_insert(substitute);
            }
            for (kind, substitute) in found.data {
                mock.data.entry(kind).or_insert(substitute);
            }
            mock.overrides.extend(found.overrides);
        }
    }

    /// The blocks of a mock.
    fn mocked(&mut self, body: &Body, mock: &mut Mock) {
        mock.overrides = self.overrides(body, mock.during);
        for block in &body.blocks {
            let is_data = match &*block.kind.name {
                "mock_resource" => false,
                "mock_data" => true,
                _ => continue,
            };
            let form = Form {
                whose: "A mock block",
                arguments: &["defaults", "override_during"],
                blocks: &[],
            };
            body::check(&block.body, &form, &mut self.diagnostics);
            let during = self.during(&block.body).unwrap_or(mock.during);
            let values = self.object(&block.body, "defaults");
            let labels = body::labels(block, &["TYPE"], &mut self.diagnostics);
            let Some(kind) = labels.and_then(|labels| labels.first().copied().cloned()) else {
                continue;
            };
            let all = if is_data {
                &mut mock.data
            } else {
                &mut mock.resources
            };
            if let Some(first) = all.get(&kind) {
                let what = alloc::format!("{} \"{kind}\"", block.kind.name);
                self.diagnostics
                    .push(diag::duplicate(block.header, &what, first.span));
                continue;
            }
            let span = block.header;
            all.insert(
                kind,
                Substitute {
                    values,
                    during,
                    span,
                },
            );
        }
    }

    /// The overrides in a body. `usual` is when their results become known where they do not say it.
    fn overrides(&mut self, body: &Body, usual: During) -> Vec<Override> {
        let mut found: Vec<(Name, Override)> = Vec::new();
        for block in &body.blocks {
            let (of, results) = match &*block.kind.name {
                "override_resource" => (Overridden::Resource, "values"),
                "override_data" => (Overridden::Data, "values"),
                "override_module" => (Overridden::Module, "outputs"),
                _ => continue,
            };
            let form = Form {
                whose: "An override block",
                arguments: &["target", results, "override_during"],
                blocks: &[],
            };
            body::labels(block, &[], &mut self.diagnostics);
            body::check(&block.body, &form, &mut self.diagnostics);
            let values = self.object(&block.body, results);
            let during = self.during(&block.body).unwrap_or(usual);
            let whose = "An override block";
            let target = body::required(&block.body, "target", whose, &mut self.diagnostics);
            let Some((target, span)) = target.and_then(|written| self.target(&written.value, of))
            else {
                continue;
            };
            let same =
                |(kind, one): &&(Name, Override)| *kind == block.kind.name && one.target == target;
            if let Some((_, first)) = found.iter().find(same) {
                let what = alloc::format!("{} of the same target", block.kind.name);
                let found = diag::duplicate(block.header, &what, first.substitute.span);
                self.diagnostics.push(found);
                continue;
            }
            let substitute = Substitute {
                values,
                during,
                span: block.header,
            };
            found.push((
                block.kind.name.clone(),
                Override {
                    target,
                    substitute,
                    span,
                },
            ));
        }
        found.into_iter().map(|(_, one)| one).collect()
    }

    fn target(&mut self, written: &Expression, of: Overridden) -> Option<(Endpoint, Span)> {
        let span = written.span;
        let endpoint = Written::read(written).and_then(|found| found.endpoint(span));
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(found) => {
                self.diagnostics
                    .push(diag::invalid_target(span, &found.detail));
                return None;
            }
        };
        let mode = endpoint.resource.as_ref().map(|resource| resource.mode);
        let why = match (of, mode) {
            (Overridden::Resource, Some(model::Mode::Managed))
            | (Overridden::Data, Some(model::Mode::Data))
            | (Overridden::Module, None) => None,
            (Overridden::Resource, _) => Some(
                "override_resource is for managed resources: TYPE.NAME, or module.NAME.TYPE.NAME.",
            ),
            (Overridden::Data, _) => Some(
                "override_data is for data sources: data.TYPE.NAME, or module.NAME.data.TYPE.NAME.",
            ),
            (Overridden::Module, Some(_)) => {
                Some("override_module is for modules: module.NAME, or module.NAME.module.NAME.")
            }
        };
        if let Some(why) = why {
            self.diagnostics.push(diag::invalid_target(span, why));
            return None;
        }
        let keyed = |step: &model::ModuleStep| step.key != model::Key::None;
        if of == Overridden::Module && endpoint.module.0.iter().any(keyed) {
            self.diagnostics.push(diag::module_instance(span));
            return None;
        }
        Some((endpoint, span))
    }

    fn during(&mut self, body: &Body) -> Option<During> {
        let attribute = body.attribute("override_during")?;
        match attribute.value.as_keyword().map(|word| &**word) {
            Some("plan") => Some(During::Plan),
            Some("apply") => Some(During::Apply),
            _ => {
                self.diagnostics
                    .push(diag::invalid_during(attribute.value.span));
                None
            }
        }
    }

    /// An argument that is an object of results; an empty one where it is not set.
    fn object(&mut self, body: &Body, name: &str) -> Value {
        let empty = || Value::object(BTreeMap::new());
        let Some(attribute) = body.attribute(name) else {
            return empty();
        };
        let what = alloc::format!("\"{name}\"");
        let value = lower::constant(&attribute.value, &Type::Any, &what, &mut self.diagnostics);
        match value {
            Some(value) if matches!(value.data(), Data::Object(_) | Data::Map(..)) => value,
            Some(_) => {
                self.diagnostics
                    .push(diag::object_required(attribute.value.span, name));
                empty()
            }
            None => empty(),
        }
    }
}

/// Runs.
impl Reader<'_> {
    fn run(&mut self, block: &Block) -> Option<TestRun> {
        body::check(&block.body, &RUN, &mut self.diagnostics);
        let inside = &block.body;
        let variables = self.variables(inside);
        let overrides = self.overrides(inside, During::Apply);
        let command = self.command(inside);
        let module = self.module(inside);
        let options = self.plan_options(inside);
        let assertions = self.assertions(inside);
        let expected = self.list(inside, "expect_failures");
        let providers = self.providers(inside);
        let state_key = body::text(inside, "state_key", &mut self.diagnostics);
        let parallel = body::switch(inside, "parallel", &mut self.diagnostics);
        let labels = body::labels(block, &["NAME"], &mut self.diagnostics)?;
        let name = (*labels.first()?).clone();
        if !crate::is_identifier(&name) {
            let span = block
                .labels
                .first()
                .map_or(block.header, |label| label.span);
            self.diagnostics.push(blocks::invalid_name(span, &name));
        }
        Some(TestRun {
            name,
            command,
            options,
            module,
            state_key,
            parallel: parallel.unwrap_or(self.parallel),
            span: block.header,
            variables,
            providers,
            overrides,
            assertions,
            expected,
        })
    }

    fn command(&mut self, inside: &Body) -> TestCommand {
        let Some(attribute) = inside.attribute("command") else {
            return TestCommand::Apply;
        };
        match attribute.value.as_keyword().map(|word| &**word) {
            Some("plan") => return TestCommand::Plan,
            Some("apply") => {}
            // What could not be read has been reported.
            _ if attribute.value.kind == ExpressionKind::Invalid => {}
            _ => {
                let found = diag::invalid_command(attribute.value.span);
                self.diagnostics.push(found);
            }
        }
        TestCommand::Apply
    }

    fn module(&mut self, inside: &Body) -> Option<String> {
        let block = body::single(inside, "module", &mut self.diagnostics)?;
        let whose = "The module block of a run";
        let form = Form {
            whose,
            arguments: &["source", "version"],
            blocks: &[],
        };
        body::labels(block, &[], &mut self.diagnostics);
        body::check(&block.body, &form, &mut self.diagnostics);
        let attribute = body::required(&block.body, "source", whose, &mut self.diagnostics)?;
        let source = body::text(&block.body, "source", &mut self.diagnostics)?;
        match ModuleSource::parse(&source) {
            Ok(ModuleSource::Local(_)) => {
                let directory = join(".", &source);
                let names = self.files.list(&directory).unwrap_or_default();
                let is_module = |name: &String| name.ends_with(".tf") || name.ends_with(".tf.json");
                if !names.iter().any(is_module) {
                    let span = attribute.value.span;
                    self.diagnostics
                        .push(blocks::module_not_found(span, &directory));
                }
                Some(directory)
            }
            _ => {
                self.diagnostics
                    .push(diag::run_not_local(attribute.value.span));
                None
            }
        }
    }

    fn assertions(&mut self, inside: &Body) -> Vec<WrittenAssertion> {
        let whose = "An assert block";
        let form = Form {
            whose,
            arguments: &["condition", "error_message"],
            blocks: &[],
        };
        let blocks = inside.blocks.iter();
        let mut found = Vec::new();
        for block in blocks.filter(|block| &*block.kind.name == "assert") {
            body::labels(block, &[], &mut self.diagnostics);
            body::check(&block.body, &form, &mut self.diagnostics);
            let mut argument =
                |name| body::required(&block.body, name, whose, &mut self.diagnostics);
            let (condition, message) = (argument("condition"), argument("error_message"));
            if let Some(condition) = condition
                && !super::expressions::refers(&condition.value)
            {
                let span = condition.value.span;
                let found = crate::diag::conditions::checks_nothing(span, "assert");
                self.diagnostics.push(found);
            }
            if let (Some(condition), Some(message)) = (condition, message) {
                found.push(WrittenAssertion {
                    condition: condition.value.clone(),
                    message: message.value.clone(),
                });
            }
        }
        found
    }

    /// The elements of an argument that is a list, written out.
    fn list(&mut self, inside: &Body, name: &str) -> Vec<Expression> {
        let Some(attribute) = inside.attribute(name) else {
            return Vec::new();
        };
        match &attribute.value.without_parentheses().kind {
            ExpressionKind::Tuple(items) => items.clone(),
            _ => {
                let found = diag::list_required(attribute.value.span, name);
                self.diagnostics.push(found);
                Vec::new()
            }
        }
    }

    fn plan_options(&mut self, inside: &Body) -> TestPlanOptions {
        let Some(block) = body::single(inside, "plan_options", &mut self.diagnostics) else {
            return TestPlanOptions::default();
        };
        let form = Form {
            whose: "A plan_options block",
            arguments: &["mode", "refresh", "replace", "target"],
            blocks: &[],
        };
        body::labels(block, &[], &mut self.diagnostics);
        body::check(&block.body, &form, &mut self.diagnostics);
        let mut mode = PlanMode::Normal;
        if let Some(attribute) = block.body.attribute("mode") {
            match attribute.value.as_keyword().map(|word| &**word) {
                Some("normal") => {}
                Some("refresh-only") => mode = PlanMode::RefreshOnly,
                _ => {
                    let found = diag::invalid_mode(attribute.value.span);
                    self.diagnostics.push(found);
                }
            }
        }
        let refresh = body::switch(&block.body, "refresh", &mut self.diagnostics);
        TestPlanOptions {
            mode,
            without_refresh: refresh == Some(false),
            replace: self.endpoints(&block.body, "replace"),
            targets: self.endpoints(&block.body, "target"),
        }
    }

    fn endpoints(&mut self, inside: &Body, name: &str) -> Vec<Endpoint> {
        let written = self.list(inside, name);
        let mut endpoints = Vec::new();
        for expression in &written {
            let span = expression.span;
            match Written::read(expression).and_then(|found| found.endpoint(span)) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(found) => {
                    let found = diag::invalid_address(span, &found.detail);
                    self.diagnostics.push(found);
                }
            }
        }
        endpoints
    }

    fn providers(&mut self, inside: &Body) -> Option<Vec<(ProviderName, ProviderName)>> {
        let attribute = inside.attribute("providers")?;
        let ExpressionKind::Object(items) = &attribute.value.without_parentheses().kind else {
            let span = attribute.value.span;
            self.diagnostics.push(diag::providers_required(span));
            return None;
        };
        let mut named = |expression: &Expression| -> Option<ProviderName> {
            let unquoted = expression.unquoted();
            let name = unquoted.as_ref().unwrap_or(expression);
            match crate::compile::configuration_name(name) {
                Some((local, alias)) => Some(ProviderName {
                    local: local.clone(),
                    alias: alias.cloned(),
                    span: expression.span,
                }),
                None => {
                    let found = diag::providers_required(expression.span);
                    self.diagnostics.push(found);
                    None
                }
            }
        };
        let pairs = items.iter();
        let pairs = pairs.filter_map(|(inner, outer)| Some((named(inner)?, named(outer)?)));
        Some(pairs.collect())
    }
}

/// What is expected to fail, as diagnostics name it.
pub(super) fn expected(run: &TestRun) -> Result<Vec<Expected>, Diagnostics> {
    let mut found = Diagnostics::new();
    let mut all = Vec::new();
    for expression in &run.expected {
        let span = expression.span;
        match checkable(expression) {
            Some(address) => all.push(Expected { address, span }),
            None => found.push(diag::cannot_fail(span)),
        }
    }
    if found.is_empty() {
        Ok(all)
    } else {
        Err(found)
    }
}

fn checkable(expression: &Expression) -> Option<String> {
    if let ExpressionKind::Attribute(source, name) = &expression.kind
        && let Some(root) = source.as_keyword()
        && matches!(&**root, "var" | "output" | "check")
    {
        return Some(alloc::format!("{root}.{}", name.name));
    }
    let written = Written::read(expression).ok()?;
    let endpoint = written.endpoint(expression.span).ok()?;
    let resource = endpoint.resource.filter(|_| endpoint.module.0.is_empty())?;
    let address = model::Address {
        resource: model::ResourceAddress {
            module: model::ModulePath::default(),
            mode: resource.mode,
            kind: resource.kind,
            name: resource.name,
        },
        key: resource.key,
    };
    Some(address.to_string())
}
