//! Pairs drawn from a seed: a configuration, and what somebody made of it later.

use super::ask;
use super::expression::{Expressions, KINDS, Kind, Source, WORDS};
use super::pair::{Block, Module, Pair, Version, directory};
use sim::Rng;

/// What drawing is for; other purposes draw other numbers from the same seed.
const PURPOSE_PAIR: u64 = 7;

/// Depth of drawn expressions.
const DEPTH: u32 = 2;

/// What callers of a module see.
#[derive(Clone, Debug, Default)]
struct Interface {
    variables: Vec<(String, Kind)>,
    outputs: Vec<(String, Kind, bool)>,
}

/// A version with what is needed to go on drawing.
struct Drawn {
    version: Version,
    scopes: Vec<Vec<Source>>,
    interfaces: Vec<Interface>,
    serial: u32,
}

/// Both versions of a seed, and what is asked for.
pub(crate) fn pair(seed: u64) -> Pair {
    let mut rng = Rng::new(seed, PURPOSE_PAIR);
    let mut drawn = first(&mut rng);
    let before = drawn.version.clone();
    for _ in 0..rng.between(1, 4) {
        drawn.change(&mut rng);
    }
    let request = ask::request(&mut rng, &before, &drawn.version);
    Pair {
        first: before,
        second: drawn.version,
        request,
    }
}

fn first(rng: &mut Rng) -> Drawn {
    let count = [1, 1, 2, 2, 3]
        .get(rng.below(5) as usize)
        .copied()
        .unwrap_or(1);
    let mut drawn = Drawn {
        version: Version {
            modules: vec![Module::default(); count],
        },
        scopes: vec![Vec::new(); count],
        interfaces: vec![Interface::default(); count],
        serial: 0,
    };
    for module in (0..count).rev() {
        drawn.variables(rng, module);
        for _ in 0..rng.between(1, if module == 0 { 5 } else { 3 }) {
            drawn.item(rng, module);
        }
        // What nobody calls would not be there.
        if module > 0 || rng.chance(800) {
            for _ in 0..rng.between(1, 3) {
                drawn.output(rng, module);
            }
        }
        if module == 0 && count > 1 {
            drawn.call(rng, 0);
        }
        if rng.chance(120) {
            drawn.check(rng, module);
        }
    }
    drawn
}

/// How a block is repeated, with the keys of its instances where they are written out.
enum Repeat {
    Once,
    Count(u64),
    Each(Vec<&'static str>),
    Unknown,
}

impl Drawn {
    fn name(&mut self, letter: &str) -> String {
        self.serial += 1;
        format!("{letter}{}", self.serial)
    }

    fn module(&mut self, module: usize) -> &mut Module {
        if self.version.modules.len() <= module {
            self.version.modules.resize(module + 1, Module::default());
        }
        #[expect(clippy::indexing_slicing, reason = "it was made long enough above")]
        &mut self.version.modules[module]
    }

    fn scope(&mut self, module: usize) -> &mut Vec<Source> {
        if self.scopes.len() <= module {
            self.scopes.resize(module + 1, Vec::new());
        }
        #[expect(clippy::indexing_slicing, reason = "it was made long enough above")]
        &mut self.scopes[module]
    }

    /// An expression of a kind, and whether it may be sensitive.
    fn expression(
        &mut self,
        rng: &mut Rng,
        module: usize,
        kind: Kind,
        extra: &[Source],
    ) -> (String, bool) {
        let mut scope = self.scope(module).clone();
        // What was said last is used most.
        scope.extend(extra.iter().cloned());
        scope.extend(extra.iter().cloned());
        let mut expressions = Expressions {
            rng,
            scope: &scope,
            secret: false,
        };
        let text = expressions.of(kind, DEPTH);
        (text, expressions.secret)
    }

    fn variables(&mut self, rng: &mut Rng, module: usize) {
        for _ in 0..rng.between(0, 3) {
            let name = self.name("v");
            let kind = rng.pick(KINDS).copied().unwrap_or(Kind::Text);
            let word = rng.pick(WORDS).copied().unwrap_or("red");
            let (ty, default) = match kind {
                Kind::Text => ("string", format!("\"{word}\"")),
                Kind::Number => ("number", "2".to_owned()),
                Kind::Truth => ("bool", "true".to_owned()),
                Kind::Texts => ("list(string)", format!("[\"a\", \"{word}\"]")),
                Kind::Mapping => ("map(string)", format!("{{ a = \"{word}\" }}")),
                Kind::Any => ("any", "null".to_owned()),
            };
            let secret = rng.chance(150);
            let mut block = Block::new(format!("variable \"{name}\"")).with(format!("type = {ty}"));
            if module == 0 || rng.chance(300) {
                block = block.with(format!("default = {default}"));
            }
            if secret {
                block = block.with("sensitive = true");
            }
            if rng.chance(100) && kind != Kind::Any {
                block = block.with("nullable = false");
            }
            if rng.chance(120) && kind == Kind::Text {
                let condition = format!("var.{name} != \"nothing\"");
                block = block.with(condition_block("validation", &condition));
            }
            let source = Source::new(format!("var.{name}"), kind)
                .known(module == 0 && kind != Kind::Any)
                .secret(secret || module > 0);
            self.scope(module).push(source);
            self.module(module).variables.push(block);
            if let Some(interface) = self.interfaces.get_mut(module) {
                interface.variables.push((name, kind));
            }
        }
    }

    fn item(&mut self, rng: &mut Rng, module: usize) {
        match rng.below(10) {
            0 | 1 => self.local(rng, module),
            2 | 3 if module + 1 < self.interfaces.len() => self.call(rng, module),
            _ => {
                self.resource(rng, module);
            }
        }
    }

    fn local(&mut self, rng: &mut Rng, module: usize) {
        let name = self.name("l");
        let kind = rng.pick(KINDS).copied().unwrap_or(Kind::Text);
        let (value, secret) = self.expression(rng, module, kind, &[]);
        let block = Block::new("locals").with(format!("{name} = {value}"));
        self.module(module).items.push(block);
        let source = Source::new(format!("local.{name}"), kind).secret(secret);
        self.scope(module).push(source);
    }

    /// How a block is repeated: its line, its instances, and what stands for one inside it.
    fn repeat(&mut self, rng: &mut Rng, module: usize) -> (Option<String>, Repeat, Vec<Source>) {
        let key = Source::new("each.key", Kind::Text).known(true);
        match rng.below(20) {
            0..=8 => (None, Repeat::Once, Vec::new()),
            9..=12 => {
                let count = rng.below(4);
                let index = Source::new("count.index", Kind::Number).known(true);
                (
                    Some(format!("count = {count}")),
                    Repeat::Count(count),
                    vec![index],
                )
            }
            13..=15 => {
                let keys = keys(rng);
                let texts: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
                let line = format!("for_each = toset([{}])", texts.join(", "));
                let value = Source::new("each.value", Kind::Text).known(true);
                (Some(line), Repeat::Each(keys), vec![key, value])
            }
            16 | 17 => {
                let keys = keys(rng);
                let kind = rng.pick(KINDS).copied().unwrap_or(Kind::Text);
                let mut secret = false;
                let pairs: Vec<String> = keys
                    .iter()
                    .map(|key| {
                        let (value, is_secret) = self.expression(rng, module, kind, &[]);
                        secret |= is_secret;
                        format!("{key} = {value}")
                    })
                    .collect();
                let line = format!("for_each = {{ {} }}", pairs.join(", "));
                let value = Source::new("each.value", kind).secret(secret);
                (Some(line), Repeat::Each(keys), vec![key, value])
            }
            _ => {
                let fitting: Vec<Source> = self
                    .scope(module)
                    .iter()
                    .filter(|one| one.known && !one.secret)
                    .filter(|one| matches!(one.kind, Kind::Texts | Kind::Mapping | Kind::Truth))
                    .cloned()
                    .collect();
                let Some(source) = rng.pick(&fitting) else {
                    return (None, Repeat::Once, Vec::new());
                };
                let text = &source.text;
                match source.kind {
                    Kind::Truth => (
                        Some(format!("count = {text} ? 1 : 0")),
                        Repeat::Unknown,
                        Vec::new(),
                    ),
                    Kind::Texts => (
                        Some(format!("for_each = toset({text})")),
                        Repeat::Unknown,
                        vec![key],
                    ),
                    _ => (
                        Some(format!("for_each = {text}")),
                        Repeat::Unknown,
                        vec![key],
                    ),
                }
            }
        }
    }

    fn resource(&mut self, rng: &mut Rng, module: usize) -> String {
        let name = self.name("r");
        let mut block = Block::new(format!("resource \"terraform_data\" \"{name}\""));
        let (line, repeat, extra) = self.repeat(rng, module);
        block.lines.extend(line);
        let mut kind = rng.pick(KINDS).copied().unwrap_or(Kind::Text);
        let mut secret = false;
        if rng.chance(900) {
            let (value, is_secret) = self.expression(rng, module, kind, &extra);
            secret = is_secret;
            block = block.with(format!("input = {value}"));
        } else {
            kind = Kind::Any;
        }
        if rng.chance(300) {
            let (value, _) = self.expression(rng, module, Kind::Any, &extra);
            block = block.with(format!("triggers_replace = {value}"));
        }
        let earlier = self.resources(module);
        if rng.chance(80)
            && let Some(other) = rng.pick(&earlier)
        {
            block = block.with(format!("depends_on = [terraform_data.{other}]"));
        }
        if rng.chance(350) {
            let lines = self.lifecycle(rng, module);
            block = block.with(lines);
        }
        self.module(module).items.push(block);
        self.offer(module, &name, kind, secret, &repeat);
        name
    }

    /// Names of the resources of a module.
    fn resources(&mut self, module: usize) -> Vec<String> {
        let items = self.module(module).items.iter();
        items
            .filter_map(|block| {
                let name = block.head.strip_prefix("resource \"terraform_data\" \"")?;
                Some(name.trim_end_matches('"').to_owned())
            })
            .collect()
    }

    fn lifecycle(&mut self, rng: &mut Rng, module: usize) -> String {
        let mut lines = String::from("lifecycle {\n");
        if rng.chance(350) {
            lines += "  create_before_destroy = true\n";
        }
        if rng.chance(250) {
            let what = [
                "[input]",
                "[triggers_replace]",
                "all",
                "[input, triggers_replace]",
            ];
            let what = rng.pick(&what).copied().unwrap_or("all");
            lines += &format!("  ignore_changes = {what}\n");
        }
        if rng.chance(40) {
            lines += "  prevent_destroy = true\n";
        }
        let instances: Vec<String> = self
            .scope(module)
            .iter()
            .filter(|one| one.text.starts_with("terraform_data.") && one.text.ends_with(".input"))
            .map(|one| one.text.clone())
            .collect();
        if rng.chance(300)
            && let Some(other) = rng.pick(&instances)
        {
            let instance = other.trim_end_matches(".input");
            let block = instance.split('[').next().unwrap_or_default();
            let id = format!("{instance}.id");
            let what = [instance, block, other.as_str(), &id];
            let what = rng.pick(&what).copied().unwrap_or(instance);
            lines += &format!("  replace_triggered_by = [{what}]\n");
        }
        for (word, condition) in [
            ("precondition", self.condition(rng, module)),
            (
                "postcondition",
                Some("self.input != \"nothing\"".to_owned()),
            ),
            ("postcondition", Some("self.id != \"nothing\"".to_owned())),
        ] {
            if let Some(condition) = condition.filter(|_| rng.chance(180)) {
                lines += &indented(&condition_block(word, &condition));
            }
        }
        lines + "}"
    }

    /// A condition that holds, mostly. One that refers to nothing would be refused.
    fn condition(&mut self, rng: &mut Rng, module: usize) -> Option<String> {
        let condition = if rng.chance(60) {
            self.expression(rng, module, Kind::Truth, &[]).0
        } else {
            let (text, _) = self.expression(rng, module, Kind::Text, &[]);
            format!("{text} != \"nothing\"")
        };
        let refers = ["var.", "local.", "terraform_data.", "module."];
        refers
            .iter()
            .any(|root| condition.contains(root))
            .then_some(condition)
    }

    /// What others can say of a resource.
    fn offer(&mut self, module: usize, name: &str, kind: Kind, secret: bool, repeat: &Repeat) {
        let all = format!("terraform_data.{name}");
        let mut sources = Vec::new();
        let mut one = |at: &str| {
            sources.push(Source::new(format!("{at}.id"), Kind::Text));
            sources.push(Source::new(format!("{at}.output"), kind).secret(secret));
            sources.push(Source::new(format!("{at}.input"), kind).secret(secret));
            sources.push(Source::new(at, Kind::Any).secret(secret));
        };
        match repeat {
            Repeat::Once => one(&all),
            Repeat::Count(count) => {
                if *count > 0 {
                    one(&format!("{all}[0]"));
                }
                sources.push(Source::new(format!("{all}[*].id"), Kind::Texts));
                sources.push(Source::new(format!("{all}[*].output"), Kind::Any).secret(secret));
                sources.push(Source::new(format!("length({all})"), Kind::Number).known(true));
                sources.push(Source::new(
                    format!("try({all}[1].id, \"none\")"),
                    Kind::Text,
                ));
                sources.push(Source::new(all, Kind::Any).secret(secret));
            }
            Repeat::Each(keys) => {
                for key in keys {
                    one(&format!("{all}[\"{key}\"]"));
                }
                sources.push(Source::new(format!("values({all})[*].id"), Kind::Texts));
                sources.push(Source::new(format!("keys({all})"), Kind::Texts).known(true));
                sources.push(Source::new(
                    format!("{{ for k, one in {all} : k => one.id }}"),
                    Kind::Mapping,
                ));
                sources.push(
                    Source::new(
                        format!("[for k, one in {all} : [k, one.output]]"),
                        Kind::Any,
                    )
                    .secret(secret),
                );
                sources.push(Source::new(all, Kind::Any).secret(secret));
            }
            Repeat::Unknown => {
                sources.push(Source::new(format!("length({all})"), Kind::Number));
                sources.push(Source::new(
                    format!("[for one in {all} : one.id]"),
                    Kind::Texts,
                ));
                sources.push(Source::new(all, Kind::Any).secret(secret));
            }
        }
        self.scope(module).extend(sources);
    }

    fn call(&mut self, rng: &mut Rng, module: usize) {
        let choices: Vec<usize> = (module + 1..self.interfaces.len()).collect();
        let Some(called) = rng.pick(&choices).copied() else {
            return;
        };
        let interface = self.interfaces.get(called).cloned().unwrap_or_default();
        let name = self.name("c");
        let up = if module == 0 { "./" } else { "../" };
        let mut block = Block::new(format!("module \"{name}\""))
            .with(format!("source = \"{up}{}\"", directory(called)));
        let (line, repeat, extra) = self.repeat(rng, module);
        block.lines.extend(line);
        for (variable, kind) in &interface.variables {
            let (value, _) = self.expression(rng, module, *kind, &extra);
            block = block.with(format!("{variable} = {value}"));
        }
        let earlier = self.resources(module);
        if rng.chance(100)
            && let Some(other) = rng.pick(&earlier)
        {
            block = block.with(format!("depends_on = [terraform_data.{other}]"));
        }
        self.module(module).items.push(block);
        let all = format!("module.{name}");
        let mut sources = Vec::new();
        for (output, kind, _) in &interface.outputs {
            let at = |place: String| Source::new(format!("{place}.{output}"), *kind).secret(true);
            match &repeat {
                Repeat::Once => sources.push(at(all.clone())),
                Repeat::Count(count) => {
                    if *count > 0 {
                        sources.push(at(format!("{all}[0]")));
                    }
                    sources.push(Source::new(format!("{all}[*].{output}"), Kind::Any).secret(true));
                }
                Repeat::Each(keys) => {
                    sources.extend(keys.iter().map(|key| at(format!("{all}[\"{key}\"]"))));
                    let text = format!("values({all})[*].{output}");
                    sources.push(Source::new(text, Kind::Any).secret(true));
                }
                Repeat::Unknown => {}
            }
        }
        sources.push(Source::new(all, Kind::Any).secret(true));
        self.scope(module).extend(sources);
    }

    fn output(&mut self, rng: &mut Rng, module: usize) {
        let name = self.name("o");
        let kind = rng.pick(KINDS).copied().unwrap_or(Kind::Text);
        let (value, secret) = self.expression(rng, module, kind, &[]);
        let mut block = Block::new(format!("output \"{name}\"")).with(format!("value = {value}"));
        let secret = secret || rng.chance(60);
        // In a called module it would mean nothing to terraform 1.11, and does to us.
        if secret && module == 0 {
            block = block.with("sensitive = true");
        }
        if rng.chance(80)
            && let Some(condition) = self.condition(rng, module)
        {
            block = block.with(condition_block("precondition", &condition));
        }
        self.module(module).outputs.push(block);
        if let Some(interface) = self.interfaces.get_mut(module) {
            interface.outputs.push((name, kind, secret));
        }
    }

    fn check(&mut self, rng: &mut Rng, module: usize) {
        let name = self.name("k");
        let Some(condition) = self.condition(rng, module) else {
            return;
        };
        let block =
            Block::new(format!("check \"{name}\"")).with(condition_block("assert", &condition));
        self.module(module).statements.push(block);
    }

    /// Does to the version what people do.
    fn change(&mut self, rng: &mut Rng) {
        let module = rng.below(self.version.modules.len() as u64) as usize;
        match rng.below(20) {
            0..=4 => self.change_literal(rng, module),
            5..=7 => self.change_repeat(rng, module),
            8 | 9 => self.remove(rng, module),
            10..=12 => self.rename(rng, module),
            13 => {
                let name = self.resource(rng, module);
                let items = &self.module(module).items;
                let is_one = items.last().is_some_and(|block| {
                    !block
                        .lines
                        .iter()
                        .any(|line| line.starts_with("count") || line.starts_with("for_each"))
                });
                if module == 0 && is_one && rng.chance(500) {
                    let block = Block::new("import")
                        .with(format!("to = terraform_data.{name}"))
                        .with("id = \"imported-1\"");
                    self.module(0).statements.push(block);
                }
            }
            14 => self.output(rng, 0),
            15 => {
                let outputs = &mut self.module(module).outputs;
                let at = rng.below(outputs.len() as u64) as usize;
                if module == 0 && at < outputs.len() {
                    outputs.remove(at);
                }
            }
            16 | 17 => self.change_lifecycle(rng, module),
            18 => self.change_variable(rng, module),
            _ => {
                self.local(rng, module);
                self.item(rng, module);
            }
        }
    }

    fn change_literal(&mut self, rng: &mut Rng, module: usize) {
        let from = rng.pick(WORDS).copied().unwrap_or("red");
        let to = rng.pick(WORDS).copied().unwrap_or("blue");
        let module = self.module(module);
        let blocks = module.variables.iter_mut().chain(&mut module.items);
        let lines = blocks.flat_map(|block| &mut block.lines);
        let mut fitting: Vec<&mut String> = lines
            .filter(|line| line.contains(&format!("\"{from}\"")))
            .collect();
        let at = rng.below(fitting.len() as u64) as usize;
        if let Some(line) = fitting.get_mut(at) {
            **line = line.replacen(&format!("\"{from}\""), &format!("\"{to}\""), 1);
        }
    }

    fn change_repeat(&mut self, rng: &mut Rng, module: usize) {
        let count = rng.below(4);
        let keys: Vec<String> = keys(rng).iter().map(|key| format!("\"{key}\"")).collect();
        let counted = format!("count = {count}");
        let each = format!("for_each = toset([{}])", keys.join(", "));
        let swap = rng.chance(200);
        let items = &mut self.module(module).items;
        let at = rng.below(items.len() as u64) as usize;
        let Some(block) = items.get_mut(at) else {
            return;
        };
        if block.head == "locals" {
            return;
        }
        let line = block
            .lines
            .iter_mut()
            .find(|line| line.starts_with("count = ") || line.starts_with("for_each = "));
        match line {
            Some(line) => {
                let was_count = line.starts_with("count");
                *line = if was_count != swap { counted } else { each };
            }
            None if swap => block
                .lines
                .insert(usize::from(block.head.starts_with("module")), counted),
            None => {}
        }
    }

    /// Takes away something that nobody refers to.
    fn remove(&mut self, rng: &mut Rng, module: usize) {
        let at = rng.below(self.module(module).items.len() as u64) as usize;
        let items = self.module(module).items.clone();
        let Some(name) = items.get(at).and_then(reference) else {
            return;
        };
        let mut others = self.module(module).clone();
        others.items.remove(at);
        let is_used = |block: &Block| block.lines.iter().any(|line| mentions(line, &name));
        let blocks = others
            .items
            .iter()
            .chain(&others.outputs)
            .chain(&others.statements);
        if blocks.into_iter().any(is_used) {
            return;
        }
        self.scope(module).retain(|one| !mentions(&one.text, &name));
        others
            .statements
            .retain(|one| !one.lines.iter().any(|line| mentions(line, &name)));
        if rng.chance(350) {
            let destroy = rng.chance(300);
            let block = Block::new("removed")
                .with(format!("from = {name}"))
                .with(format!("lifecycle {{\n  destroy = {destroy}\n}}"));
            others.statements.push(block);
        }
        *self.module(module) = others;
    }

    fn rename(&mut self, rng: &mut Rng, module: usize) {
        let items = self.module(module).items.clone();
        let Some(old) = rng.pick(&items).and_then(reference) else {
            return;
        };
        let new_name = self.name("n");
        let (kind, old_name) = old.split_once('.').unwrap_or(("", ""));
        let new = format!("{kind}.{new_name}");
        let (old_label, new_label) = (format!("\"{old_name}\""), format!("\"{new_name}\""));
        let renamed = |text: &str| replaced(text, &old, &new);
        let scope = self.scope(module);
        for source in scope.iter_mut() {
            source.text = renamed(&source.text);
        }
        let moved = rng.chance(750);
        let module = self.module(module);
        let items = module.items.iter_mut().chain(&mut module.outputs);
        for block in items.chain(&mut module.statements) {
            if block.head.ends_with(&old_label) && !block.head.starts_with("output") {
                block.head = block.head.replace(&old_label, &new_label);
            }
            for line in &mut block.lines {
                *line = renamed(line);
            }
        }
        if moved {
            let block = Block::new("moved")
                .with(format!("from = {old}"))
                .with(format!("to = {new}"));
            module.statements.push(block);
        }
    }

    fn change_lifecycle(&mut self, rng: &mut Rng, module: usize) {
        let names = self.resources(module);
        let Some(name) = rng.pick(&names).cloned() else {
            return;
        };
        // Only what stands before it may be referred to: the first few sources are.
        let kept = self.scope(module).clone();
        let own = kept
            .iter()
            .position(|one| mentions(&one.text, &format!("terraform_data.{name}")));
        self.scope(module).truncate(own.unwrap_or(0));
        let condition = self.condition(rng, module);
        *self.scope(module) = kept;
        let lines = [
            "create_before_destroy = true".to_owned(),
            "ignore_changes = [input]".to_owned(),
            "ignore_changes = all".to_owned(),
            condition.map_or_else(
                || "create_before_destroy = true".to_owned(),
                |condition| condition_block("precondition", &condition),
            ),
            "prevent_destroy = true".to_owned(),
        ];
        let line = rng.pick(&lines).cloned().unwrap_or_default();
        let head = format!("resource \"terraform_data\" \"{name}\"");
        let block = self
            .module(module)
            .items
            .iter_mut()
            .find(|one| one.head == head);
        if let Some(block) = block {
            block.lines.retain(|line| !line.starts_with("lifecycle"));
            if rng.chance(700) {
                block
                    .lines
                    .push(format!("lifecycle {{\n{}}}", indented(&line)));
            }
        }
    }

    fn change_variable(&mut self, rng: &mut Rng, module: usize) {
        let variables = &mut self.module(module).variables;
        let at = rng.below(variables.len() as u64) as usize;
        if let Some(block) = variables.get_mut(at) {
            let was = block.lines.len();
            block.lines.retain(|line| line != "sensitive = true");
            if block.lines.len() == was {
                block.lines.push("sensitive = true".to_owned());
            }
        }
    }
}

fn keys(rng: &mut Rng) -> Vec<&'static str> {
    let all = [
        vec!["a"],
        vec!["a", "b"],
        vec!["b", "c"],
        vec!["a", "b", "c"],
    ];
    rng.pick(&all).cloned().unwrap_or_default()
}

/// How others refer to a block.
pub(super) fn reference(block: &Block) -> Option<String> {
    let name = |text: &str| text.trim_end_matches('"').to_owned();
    if let Some(rest) = block.head.strip_prefix("resource \"terraform_data\" \"") {
        return Some(format!("terraform_data.{}", name(rest)));
    }
    let rest = block.head.strip_prefix("module \"")?;
    Some(format!("module.{}", name(rest)))
}

/// Whether a text has a name, not only the beginning of a longer one.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let after = text
            .get(at + name.len()..)
            .and_then(|rest| rest.chars().next());
        after.is_none_or(|one| !one.is_alphanumeric())
    })
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = rest.split_at(at);
        let after = after.strip_prefix(old).unwrap_or_default();
        let is_whole = after
            .chars()
            .next()
            .is_none_or(|one| !one.is_alphanumeric());
        out += before;
        out += if is_whole { new } else { old };
        rest = after;
    }
    out + rest
}

fn condition_block(word: &str, condition: &str) -> String {
    format!("{word} {{\n  condition     = {condition}\n  error_message = \"Not so.\"\n}}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
