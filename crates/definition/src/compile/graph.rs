//! What needs what: every variable, local value, provider, resource, output, check and module call of the whole tree of
//! calls, in an order in which each comes after what it needs; or the cycles that make that impossible.
//!
//! Tarjan's algorithm without recursion: linear, however deep the chains are.

use crate::diag::references as diag;
use crate::limits::MODULE_CALLS_MAX;
use crate::lower::walk;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use model::{Condition, Mode, Module, Release, Repetition};
use value::{Diagnostics, Expr, Name, Reference, Span};

/// One call of a module, or the root.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Position of the definition.
    pub(crate) module: usize,
    /// The calling instance and the name of the call there; none for the root.
    pub(crate) parent: Option<(usize, Name)>,
}

/// What a node stands for, within its call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// `count`, `for_each` and `depends_on` of the call itself: everything inside waits for it.
    Open,
    Variable(Name),
    Local(Name),
    /// Position among the module's resources.
    Resource(usize),
    Output(Name),
    /// Position among the module's provider configurations.
    Provider(usize),
    Check(Name),
    /// Everything inside is done: what `depends_on = [module.m]` waits for.
    Close,
}

/// All nodes, each after everything it needs.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) calls: Vec<Call>,
    pub(crate) nodes: Vec<(usize, Node)>,
}

/// The order, or a diagnostic for each cycle.
pub(crate) fn order(release: &Release) -> Result<Order, Diagnostics> {
    let calls = calls(release)?;
    let mut builder = Builder::new(release, calls);
    builder.edges();
    let components = components(&builder.edges);
    let mut diagnostics = Diagnostics::new();
    let mut nodes = Vec::with_capacity(builder.nodes.len());
    for component in components {
        if builder.is_cycle(&component) {
            diagnostics.push(builder.report(&component));
        }
        nodes.extend(component.iter().filter_map(|node| builder.nodes.get(*node)));
    }
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let nodes = nodes.into_iter().cloned().collect();
    Ok(Order {
        calls: builder.calls,
        nodes,
    })
}

/// A node with what it needs directly, by position.
pub(crate) struct Needs {
    pub(crate) node: Node,
    /// Position of the module definition it stands in.
    pub(crate) definition: usize,
    /// The calls that lead there.
    pub(crate) module: Vec<Name>,
    pub(crate) needs: Vec<usize>,
}

/// All nodes, whatever their order.
pub(crate) fn needs(release: &Release) -> Result<Vec<Needs>, Diagnostics> {
    let mut builder = Builder::new(release, calls(release)?);
    builder.edges();
    let edges = core::mem::take(&mut builder.edges);
    let nodes = builder.nodes.iter().zip(edges);
    let found = nodes.map(|((call, node), needs)| Needs {
        node: node.clone(),
        definition: builder.calls.get(*call).map_or(0, |call| call.module),
        module: builder.names(*call),
        needs,
    });
    Ok(found.collect())
}

/// The tree of calls, parents first.
fn calls(release: &Release) -> Result<Vec<Call>, Diagnostics> {
    let mut calls = alloc::vec![Call {
        module: 0,
        parent: None,
    }];
    let mut at = 0;
    while let Some(call) = calls.get(at) {
        let Some(module) = release.modules.get(call.module) else {
            break;
        };
        for (name, inner) in &module.modules {
            if calls.len() >= MODULE_CALLS_MAX {
                return Err(crate::diag::blocks::too_many_modules(inner.span).into());
            }
            calls.push(Call {
                module: inner.module as usize,
                parent: Some((at, name.clone())),
            });
        }
        at += 1;
    }
    Ok(calls)
}

struct Builder<'r> {
    release: &'r Release,
    calls: Vec<Call>,
    /// Calls inside each call, by name.
    children: Vec<BTreeMap<Name, usize>>,
    nodes: Vec<(usize, Node)>,
    index: BTreeMap<(usize, Node), usize>,
    /// Positions of resources by mode, type and name, for each module.
    resources: Vec<BTreeMap<(Mode, &'r str, &'r str), usize>>,
    edges: Vec<Vec<usize>>,
}

impl<'r> Builder<'r> {
    fn new(release: &'r Release, calls: Vec<Call>) -> Self {
        let mut children = alloc::vec![BTreeMap::new(); calls.len()];
        for (at, call) in calls.iter().enumerate() {
            if let Some((parent, name)) = &call.parent
                && let Some(children) = children.get_mut(*parent)
            {
                children.insert(name.clone(), at);
            }
        }
        let resources = release.modules.iter().map(|module| {
            let resources = module.resources.iter().enumerate();
            resources
                .map(|(at, r)| ((r.mode, &*r.kind, &*r.name), at))
                .collect()
        });
        let mut builder = Self {
            release,
            children,
            nodes: Vec::new(),
            index: BTreeMap::new(),
            resources: resources.collect(),
            edges: Vec::new(),
            calls: Vec::new(),
        };
        for (at, call) in calls.iter().enumerate() {
            if let Some(module) = release.modules.get(call.module) {
                builder.nodes_of(at, module);
            }
        }
        builder.edges = alloc::vec![Vec::new(); builder.nodes.len()];
        builder.calls = calls;
        builder
    }

    fn nodes_of(&mut self, call: usize, module: &Module) {
        let variables = module.variables.keys().cloned().map(Node::Variable);
        let locals = module.locals.keys().cloned().map(Node::Local);
        let resources = (0..module.resources.len()).map(Node::Resource);
        let outputs = module.outputs.keys().cloned().map(Node::Output);
        let providers = (0..module.providers.len()).map(Node::Provider);
        let checks = module.checks.keys().cloned().map(Node::Check);
        let all = core::iter::once(Node::Open)
            .chain(variables)
            .chain(locals)
            .chain(providers)
            .chain(resources)
            .chain(outputs)
            .chain(checks)
            .chain(core::iter::once(Node::Close));
        for node in all {
            self.index.insert((call, node.clone()), self.nodes.len());
            self.nodes.push((call, node));
        }
    }

    fn edges(&mut self) {
        let release = self.release;
        for from in 0..self.nodes.len() {
            let Some((call, node)) = self.nodes.get(from).cloned() else {
                continue;
            };
            let module = self.calls.get(call).map(|call| call.module);
            let Some(module) = module.and_then(|module| release.modules.get(module)) else {
                continue;
            };
            let mut targets = BTreeSet::new();
            if node != Node::Open {
                self.add(&mut targets, call, Node::Open);
            }
            self.needs(call, module, &node, &mut targets);
            if let Some(edges) = self.edges.get_mut(from) {
                edges.extend(targets);
            }
        }
        self.imports();
    }

    /// What a node needs, without the opening of its call.
    fn needs(&self, call: usize, module: &'r Module, node: &Node, targets: &mut BTreeSet<usize>) {
        let parent = self.calls.get(call).and_then(|call| call.parent.as_ref());
        match node {
            Node::Open => {
                if let Some((parent, block)) = parent.and_then(|(at, name)| self.block(*at, name)) {
                    self.open(parent, block, targets);
                }
            }
            Node::Variable(name) => {
                if let Some((parent, block)) = parent.and_then(|(at, name)| self.block(*at, name))
                    && let Some(expr) = block.inputs.get(name)
                {
                    self.value(parent, expr, targets);
                }
                if let Some(variable) = module.variables.get(name) {
                    // Nobody has the value before it was found valid.
                    let mut needed = BTreeSet::new();
                    self.conditions(call, &variable.validations, &mut needed);
                    self.remove(&mut needed, call, node);
                    targets.extend(needed);
                }
            }
            Node::Local(name) => {
                if let Some(local) = module.locals.get(name) {
                    self.value(call, &local.value, targets);
                }
            }
            Node::Resource(at) => {
                if let Some(resource) = module.resources.get(*at) {
                    self.resource(call, resource, targets);
                }
            }
            Node::Output(name) => {
                if let Some(output) = module.outputs.get(name) {
                    self.value(call, &output.value, targets);
                    self.conditions(call, &output.preconditions, targets);
                    for expr in &output.depends_on {
                        self.explicit(call, expr, targets);
                    }
                }
            }
            Node::Provider(at) => {
                if let Some(provider) = module.providers.get(*at) {
                    self.value(call, &provider.config, targets);
                    if let Some(expr) = &provider.for_each {
                        self.value(call, expr, targets);
                    }
                }
            }
            Node::Check(name) => {
                if let Some(check) = module.checks.get(name) {
                    self.conditions(call, &check.assertions, targets);
                }
            }
            Node::Close => self.close(call, module, targets),
        }
    }

    fn open(&self, parent: usize, block: &model::ModuleCall, targets: &mut BTreeSet<usize>) {
        self.add(targets, parent, Node::Open);
        match &block.repetition {
            Repetition::Once => {}
            Repetition::Count(expr) | Repetition::ForEach(expr) => {
                self.value(parent, expr, targets);
            }
        }
        for expr in &block.depends_on {
            self.explicit(parent, expr, targets);
        }
    }

    fn close(&self, call: usize, module: &Module, targets: &mut BTreeSet<usize>) {
        for name in module.outputs.keys() {
            self.add(targets, call, Node::Output(name.clone()));
        }
        for at in 0..module.resources.len() {
            self.add(targets, call, Node::Resource(at));
        }
        for child in self.children.get(call).into_iter().flat_map(|c| c.values()) {
            self.add(targets, *child, Node::Close);
        }
    }

    fn resource(&self, call: usize, resource: &'r model::Resource, targets: &mut BTreeSet<usize>) {
        // Waiting for itself is no wait, what runs when it was made may name it, and conditions that do have been
        // refused already.
        let mut behind = BTreeSet::new();
        let lifecycle = &resource.lifecycle;
        self.conditions(call, &lifecycle.preconditions, &mut behind);
        self.conditions(call, &lifecycle.postconditions, &mut behind);
        for expr in &resource.depends_on {
            self.explicit(call, expr, &mut behind);
        }
        for provisioner in &resource.provisioners {
            for expr in core::iter::once(&provisioner.config).chain(&provisioner.connection) {
                self.value(call, expr, &mut behind);
            }
        }
        if let Some(health) = &lifecycle.health {
            self.value(call, &health.target, &mut behind);
        }
        let module = self.calls.get(call).map_or(0, |call| call.module);
        let own = self.resources.get(module);
        let own = own.and_then(|all| all.get(&(resource.mode, &resource.kind, &resource.name)));
        if let Some(own) = own {
            self.remove(&mut behind, call, &Node::Resource(*own));
        }
        targets.extend(behind);
        let configuration = &resource.provider_config;
        if let Some(key) = &configuration.key {
            self.value(call, key, targets);
        }
        self.provider(call, configuration, &resource.provider, targets);
        self.value(call, &resource.config, targets);
        match &resource.repetition {
            Repetition::Once => {}
            Repetition::Count(expr) | Repetition::ForEach(expr) => self.value(call, expr, targets),
        }
        for expr in lifecycle
            .replace_triggered_by
            .iter()
            .chain(&lifecycle.prevent_destroy)
        {
            self.value(call, expr, targets);
        }
    }

    /// The configuration that a name means in a call: one of its own, one that was handed in, or the default one of
    /// the nearest caller that has one.
    fn provider(
        &self,
        call: usize,
        reference: &model::ProviderRef,
        source: &str,
        targets: &mut BTreeSet<usize>,
    ) {
        let mut call = call;
        let mut reference = reference;
        // Each turn goes to a caller.
        while let Some(module) = self.calls.get(call).map(|call| call.module) {
            let Some(module) = self.release.modules.get(module) else {
                return;
            };
            let inherited = reference.alias.is_none();
            let caller = self.calls.get(call).and_then(|call| call.parent.as_ref());
            let caller = caller.and_then(|(parent, name)| self.block(*parent, name));
            // What is handed in takes the place of an empty block.
            let passed = caller.and_then(|(_, block)| {
                block.providers.iter().find(|passed| {
                    passed.local == reference.local && passed.alias == reference.alias
                })
            });
            let own = module.providers.iter().position(|provider| {
                let named = provider.local == reference.local || inherited;
                named && provider.source == source && provider.alias == reference.alias
            });
            if let (None, Some(own)) = (passed, own) {
                self.add(targets, call, Node::Provider(own));
                return;
            }
            let Some((parent, _)) = caller else {
                return;
            };
            match passed {
                Some(passed) => reference = &passed.from,
                None if inherited => {}
                None => return,
            }
            if let Some(key) = &reference.key {
                self.value(parent, key, targets);
            }
            call = parent;
        }
    }

    /// What imports need before the objects they are for.
    fn imports(&mut self) {
        let release = self.release;
        let Some(root) = release.modules.first() else {
            return;
        };
        for import in &root.imports {
            let mut call = Some(0);
            for (name, _) in &import.module {
                call = call
                    .and_then(|call| self.children.get(call))
                    .and_then(|children| children.get(name).copied());
            }
            let Some(call) = call else { continue };
            let keys = import.module.iter().filter_map(|(_, key)| key.as_ref());
            let exprs = core::iter::once(&import.id)
                .chain(&import.identity)
                .chain(&import.for_each)
                .chain(&import.key)
                .chain(keys);
            let mut needed = BTreeSet::new();
            for expr in exprs {
                self.value(0, expr, &mut needed);
            }
            let mut target = BTreeSet::new();
            let (kind, name) = (&import.kind, &import.name);
            self.add_resource(&mut target, call, Mode::Managed, kind, name);
            for node in target {
                if let Some(edges) = self.edges.get_mut(node) {
                    edges.extend(needed.iter().copied());
                }
            }
        }
    }

    fn remove(&self, targets: &mut BTreeSet<usize>, call: usize, node: &Node) {
        if let Some(node) = self.index.get(&(call, node.clone())) {
            targets.remove(node);
        }
    }

    fn conditions(&self, call: usize, conditions: &'r [Condition], targets: &mut BTreeSet<usize>) {
        for condition in conditions {
            self.value(call, &condition.condition, targets);
            self.value(call, &condition.error_message, targets);
        }
    }

    fn value(&self, call: usize, expr: &Expr, targets: &mut BTreeSet<usize>) {
        walk::references(expr, &mut |reference, _| {
            self.reference(call, reference, false, targets);
        });
    }

    /// An entry of `depends_on`: of a module, everything in it is meant.
    fn explicit(&self, call: usize, expr: &Expr, targets: &mut BTreeSet<usize>) {
        walk::references(expr, &mut |reference, _| {
            self.reference(call, reference, true, targets);
        });
    }

    fn reference(
        &self,
        call: usize,
        reference: &Reference,
        explicit: bool,
        targets: &mut BTreeSet<usize>,
    ) {
        let child = |name: &Name| {
            self.children
                .get(call)
                .and_then(|all| all.get(name))
                .copied()
        };
        match reference {
            Reference::Variable(name) => self.add(targets, call, Node::Variable(name.clone())),
            Reference::Local(name) => self.add(targets, call, Node::Local(name.clone())),
            Reference::Resource(kind, name) => {
                self.add_resource(targets, call, Mode::Managed, kind, name);
            }
            Reference::Data(kind, name) => self.add_resource(targets, call, Mode::Data, kind, name),
            Reference::Ephemeral(kind, name) => {
                self.add_resource(targets, call, Mode::Ephemeral, kind, name);
            }
            Reference::ModuleOutput(module, _) | Reference::Module(module) if explicit => {
                if let Some(child) = child(module) {
                    self.add(targets, child, Node::Close);
                }
            }
            Reference::ModuleOutput(module, output) => {
                if let Some(child) = child(module) {
                    self.add(targets, child, Node::Output(output.clone()));
                }
            }
            Reference::Module(module) => {
                let Some(child) = child(module) else {
                    return;
                };
                self.add(targets, child, Node::Open);
                let callee = self.calls.get(child).map(|call| call.module);
                let callee = callee.and_then(|module| self.release.modules.get(module));
                for output in callee.into_iter().flat_map(|module| module.outputs.keys()) {
                    self.add(targets, child, Node::Output(output.clone()));
                }
            }
            Reference::EachKey
            | Reference::EachValue
            | Reference::CountIndex
            | Reference::PathModule
            | Reference::PathRoot
            | Reference::PathCwd
            | Reference::Workspace
            | Reference::Applying
            | Reference::SelfObject
            | Reference::EnvironmentName
            | Reference::ServicePort(_) => {}
        }
    }

    fn add(&self, targets: &mut BTreeSet<usize>, call: usize, node: Node) {
        targets.extend(self.index.get(&(call, node)));
    }

    fn add_resource(
        &self,
        targets: &mut BTreeSet<usize>,
        call: usize,
        mode: Mode,
        kind: &str,
        name: &str,
    ) {
        let module = self.calls.get(call).map_or(0, |call| call.module);
        let at = self
            .resources
            .get(module)
            .and_then(|all| all.get(&(mode, kind, name)));
        if let Some(at) = at {
            self.add(targets, call, Node::Resource(*at));
        }
    }

    /// The block of a call, and where it stands.
    fn block(&self, parent: usize, name: &Name) -> Option<(usize, &'r model::ModuleCall)> {
        let module = self.calls.get(parent)?.module;
        let block = self.release.modules.get(module)?.modules.get(name)?;
        Some((parent, block))
    }

    fn is_cycle(&self, component: &[usize]) -> bool {
        match component {
            [only] => self
                .edges
                .get(*only)
                .is_some_and(|edges| edges.contains(only)),
            several => several.len() > 1,
        }
    }

    /// The shortest cycle through the first member in its own order, then the other members of the knot.
    fn report(&self, component: &[usize]) -> value::Diagnostic {
        let members: BTreeSet<usize> = component.iter().copied().collect();
        let first = members
            .iter()
            .copied()
            .min_by_key(|node| self.describe(*node).1)
            .unwrap_or_default();
        let cycle = self.shortest_cycle(first, &members);
        let in_cycle: BTreeSet<usize> = cycle.iter().copied().collect();
        let others = members.difference(&in_cycle);
        if let [only] = cycle.as_slice()
            && others.clone().next().is_none()
        {
            let (name, span) = self.describe(*only);
            let at = self.own_reference(*only);
            return diag::refers_to_itself(at.unwrap_or(span), &name, span);
        }
        let cycle: Vec<_> = cycle.iter().map(|node| self.describe(*node)).collect();
        let others: Vec<_> = others.map(|node| self.describe(*node)).collect();
        diag::cycle(&cycle, &others)
    }

    /// Where a local value or resource refers to itself.
    fn own_reference(&self, node: usize) -> Option<Span> {
        let (call, node) = self.nodes.get(node)?;
        let module = self.calls.get(*call)?.module;
        let module = self.release.modules.get(module)?;
        let mut exprs: Vec<&Expr> = Vec::new();
        let own = match node {
            Node::Local(name) => {
                exprs.push(&module.locals.get(name)?.value);
                Reference::Local(name.clone())
            }
            Node::Resource(at) => {
                let resource = module.resources.get(*at)?;
                exprs.push(&resource.config);
                if let Repetition::Count(expr) | Repetition::ForEach(expr) = &resource.repetition {
                    exprs.push(expr);
                }
                exprs.extend(&resource.lifecycle.replace_triggered_by);
                exprs.extend(&resource.lifecycle.prevent_destroy);
                let (kind, name) = (resource.kind.clone(), resource.name.clone());
                match resource.mode {
                    Mode::Managed => Reference::Resource(kind, name),
                    Mode::Data => Reference::Data(kind, name),
                    Mode::Ephemeral => Reference::Ephemeral(kind, name),
                }
            }
            _ => return None,
        };
        let mut place = None;
        for expr in exprs {
            walk::references(expr, &mut |reference, span| {
                if *reference == own {
                    place.get_or_insert(span);
                }
            });
        }
        place
    }

    fn shortest_cycle(&self, first: usize, members: &BTreeSet<usize>) -> Vec<usize> {
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = VecDeque::from([first]);
        while let Some(node) = open.pop_front() {
            for next in self.edges.get(node).into_iter().flatten() {
                if *next == first {
                    let mut path = alloc::vec![node];
                    let mut at = node;
                    while let Some(before) = came_from.get(&at) {
                        path.push(*before);
                        at = *before;
                    }
                    path.reverse();
                    return path;
                }
                if members.contains(next) && !came_from.contains_key(next) {
                    came_from.insert(*next, node);
                    open.push_back(*next);
                }
            }
        }
        members.iter().copied().collect()
    }

    /// How a node is called, and where it is declared.
    fn describe(&self, node: usize) -> (String, Span) {
        let Some((call, node)) = self.nodes.get(node) else {
            return (String::new(), Span::default());
        };
        let path = self.path(*call);
        let module = self.calls.get(*call).map_or(0, |call| call.module);
        let Some(module) = self.release.modules.get(module) else {
            return (path, Span::default());
        };
        let prefix = if path.is_empty() {
            String::new()
        } else {
            alloc::format!("{path}.")
        };
        let block = self
            .calls
            .get(*call)
            .and_then(|call| call.parent.as_ref())
            .and_then(|(parent, name)| self.block(*parent, name));
        let block_span = block.map_or(Span::default(), |(_, block)| block.span);
        let (name, span) = match node {
            Node::Open => return (alloc::format!("{path} (its arguments)"), block_span),
            Node::Close => return (alloc::format!("{path} (all of it)"), block_span),
            Node::Variable(name) => {
                let span = module.variables.get(name).map(|v| v.span);
                (alloc::format!("var.{name}"), span)
            }
            Node::Local(name) => {
                let span = module.locals.get(name).map(|l| l.span);
                (alloc::format!("local.{name}"), span)
            }
            Node::Output(name) => {
                let span = module.outputs.get(name).map(|o| o.span);
                (alloc::format!("output.{name}"), span)
            }
            Node::Provider(at) => {
                let provider = module.providers.get(*at);
                let name = provider.map(provider_text).unwrap_or_default();
                (name, provider.map(|provider| provider.span))
            }
            Node::Check(name) => {
                let span = module.checks.get(name).map(|check| check.span);
                (alloc::format!("check.{name}"), span)
            }
            Node::Resource(at) => {
                let resource = module.resources.get(*at);
                let name = resource.map(|r| diag::resource_address(r.mode, &r.kind, &r.name));
                (name.unwrap_or_default(), resource.map(|r| r.span))
            }
        };
        (alloc::format!("{prefix}{name}"), span.unwrap_or_default())
    }

    fn path(&self, call: usize) -> String {
        let names = self.names(call);
        let names: Vec<String> = names
            .iter()
            .map(|name| alloc::format!("module.{name}"))
            .collect();
        names.join(".")
    }

    /// The calls that lead to one, from the root.
    fn names(&self, call: usize) -> Vec<Name> {
        let mut names = Vec::new();
        let mut at = call;
        while let Some((parent, name)) = self.calls.get(at).and_then(|call| call.parent.as_ref()) {
            names.push(name.clone());
            at = *parent;
        }
        names.reverse();
        names
    }
}

fn provider_text(provider: &model::ProviderConfig) -> String {
    let local = &provider.local;
    match &provider.alias {
        Some(alias) => alloc::format!("provider.{local}.{alias}"),
        None => alloc::format!("provider.{local}"),
    }
}

/// Strongly connected components, each after all that it points to (Tarjan 1972, with a stack of its own).
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut state = Tarjan {
        number: alloc::vec![UNSEEN; edges.len()],
        low: alloc::vec![0; edges.len()],
        on_stack: alloc::vec![false; edges.len()],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for root in 0..edges.len() {
        if state.number.get(root) != Some(&UNSEEN) {
            continue;
        }
        state.enter(root);
        let mut path = alloc::vec![(root, 0usize)];
        while let Some((node, position)) = path.last_mut() {
            let node = *node;
            match edges.get(node).and_then(|targets| targets.get(*position)) {
                Some(target) => {
                    *position += 1;
                    let seen = state.number.get(*target).copied().unwrap_or(UNSEEN);
                    if seen == UNSEEN {
                        state.enter(*target);
                        path.push((*target, 0));
                    } else if state.on_stack.get(*target) == Some(&true) {
                        state.lower(node, seen);
                    }
                }
                None => {
                    path.pop();
                    let low = state.leave(node);
                    if let Some((parent, _)) = path.last() {
                        state.lower(*parent, low);
                    }
                }
            }
        }
    }
    state.found
}

struct Tarjan {
    number: Vec<usize>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Tarjan {
    fn enter(&mut self, node: usize) {
        for (list, value) in [(&mut self.number, self.next), (&mut self.low, self.next)] {
            if let Some(place) = list.get_mut(node) {
                *place = value;
            }
        }
        if let Some(place) = self.on_stack.get_mut(node) {
            *place = true;
        }
        self.next += 1;
        self.stack.push(node);
    }

    fn lower(&mut self, node: usize, value: usize) {
        if let Some(low) = self.low.get_mut(node) {
            *low = (*low).min(value);
        }
    }

    /// Closes the component of a node that is its root; the answer is the node's low number.
    fn leave(&mut self, node: usize) -> usize {
        let low = self.low.get(node).copied().unwrap_or(0);
        if self.number.get(node) == Some(&low) {
            let mut component = Vec::new();
            while let Some(member) = self.stack.pop() {
                if let Some(place) = self.on_stack.get_mut(member) {
                    *place = false;
                }
                component.push(member);
                if member == node {
                    break;
                }
            }
            self.found.push(component);
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_after_what_they_point_to() {
        // 0 -> 1 -> 2 -> 1, 3 -> 3, 4 -> 0
        let edges = [vec![1], vec![2], vec![1], vec![3], vec![0]];
        let mut found = components(&edges);
        found
            .iter_mut()
            .for_each(|component| component.sort_unstable());
        assert_eq!(found, [vec![1, 2], vec![0], vec![3], vec![4]]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_needs_no_stack() {
        let n = 100_000;
        let edges: Vec<Vec<usize>> = (0..n).map(|at| vec![(at + 1) % n]).collect();
        let found = components(&edges);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].len(), n);
    }

    use alloc::vec;
}
