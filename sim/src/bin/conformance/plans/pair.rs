//! Two versions of a configuration as data, so that one can be changed into the other and both made smaller.

use super::{Files, Texts};

/// A configuration, what somebody made of it later, and what is asked for then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) first: Version,
    pub(crate) second: Version,
    pub(crate) request: Vec<String>,
}

impl Pair {
    /// As it is put to the programs.
    pub(crate) fn texts(&self) -> Texts {
        Texts {
            first: self.first.files(),
            second: self.second.files(),
            request: self.request.clone(),
        }
    }

    /// All pairs with something less, the greatest steps first.
    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for position in 0..self.request.len() {
            let mut less = self.clone();
            less.request.remove(position);
            found.push(less);
        }
        for (first, second) in Version::smaller_together(&self.first, &self.second) {
            let request = self.request.clone();
            found.push(Self {
                first,
                second,
                request,
            });
        }
        for first in self.first.smaller() {
            found.push(Self {
                first,
                ..self.clone()
            });
        }
        for second in self.second.smaller() {
            found.push(Self {
                second,
                ..self.clone()
            });
        }
        found
    }
}

/// A whole configuration: the root module, then those it calls, each only calling later ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    pub(crate) modules: Vec<Module>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    pub(crate) variables: Vec<Block>,
    /// Local values, resources and calls; each refers only to those before it.
    pub(crate) items: Vec<Block>,
    pub(crate) outputs: Vec<Block>,
    /// `moved`, `removed`, `import`, `check`.
    pub(crate) statements: Vec<Block>,
}

/// A block: how it begins, and its arguments and inner blocks, each whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) head: String,
    pub(crate) lines: Vec<String>,
}

impl Block {
    pub(crate) fn new(head: impl Into<String>) -> Self {
        Self {
            head: head.into(),
            lines: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    fn text(&self) -> String {
        let mut text = format!("{} {{\n", self.head);
        for line in self.lines.iter().flat_map(|line| line.lines()) {
            text += &format!("  {line}\n");
        }
        text + "}\n"
    }
}

impl Module {
    /// Lists of blocks, in the order of the text.
    fn lists(&mut self) -> [&mut Vec<Block>; 4] {
        [
            &mut self.variables,
            &mut self.items,
            &mut self.outputs,
            &mut self.statements,
        ]
    }

    fn text(&self) -> String {
        let blocks = self.variables.iter().chain(&self.items);
        let blocks = blocks.chain(&self.outputs).chain(&self.statements);
        let texts: Vec<String> = blocks.map(Block::text).collect();
        texts.join("\n")
    }
}

/// The directory of a module.
pub(crate) fn directory(module: usize) -> String {
    format!("m{module}")
}

impl Version {
    /// Its files.
    pub(crate) fn files(&self) -> Files {
        let modules = self.modules.iter().enumerate();
        modules
            .map(|(number, module)| {
                let path = match number {
                    0 => "main.tf".to_owned(),
                    other => format!("{}/main.tf", directory(other)),
                };
                (path, module.text())
            })
            .collect()
    }

    /// All versions with one block or one line less.
    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for module in (0..self.modules.len()).rev() {
            let Some(lists) = self
                .modules
                .get(module)
                .map(|one| one.clone().lists().map(|list| list.clone()))
            else {
                continue;
            };
            for (which, list) in lists.iter().enumerate() {
                for position in 0..list.len() {
                    found.push(self.edited(module, which, |list| {
                        list.remove(position);
                    }));
                    let lines = list.get(position).map_or(0, |block| block.lines.len());
                    for line in 0..lines {
                        found.push(self.edited(module, which, |list| {
                            if let Some(block) = list.get_mut(position) {
                                block.lines.remove(line);
                            }
                        }));
                    }
                }
            }
        }
        found
    }

    fn edited(&self, module: usize, which: usize, edit: impl FnOnce(&mut Vec<Block>)) -> Self {
        let mut copy = self.clone();
        let lists = copy.modules.get_mut(module).map(Module::lists);
        if let Some(list) = lists.into_iter().flatten().nth(which) {
            edit(list);
        }
        copy
    }

    /// The blocks and lines that are in both are taken out of both.
    fn smaller_together(first: &Self, second: &Self) -> Vec<(Self, Self)> {
        let (mut found, mut lines) = (Vec::new(), Vec::new());
        let heads: Vec<(usize, Block)> = first
            .modules
            .iter()
            .enumerate()
            .flat_map(|(number, module)| {
                let mut module = module.clone();
                let blocks: Vec<Block> = module
                    .lists()
                    .into_iter()
                    .flat_map(|list| list.clone())
                    .collect();
                blocks.into_iter().map(move |block| (number, block))
            })
            .collect();
        for (number, block) in heads.iter().rev() {
            let without = |version: &Self, line: Option<&String>| {
                let mut copy = version.clone();
                let lists = copy.modules.get_mut(*number).map(Module::lists);
                for list in lists.into_iter().flatten() {
                    match line {
                        None => list.retain(|one| one.head != block.head),
                        Some(line) => {
                            for one in list.iter_mut().filter(|one| one.head == block.head) {
                                one.lines.retain(|other| other != line);
                            }
                        }
                    }
                }
                copy
            };
            found.push((without(first, None), without(second, None)));
            for line in &block.lines {
                lines.push((without(first, Some(line)), without(second, Some(line))));
            }
        }
        found.append(&mut lines);
        found
    }
}

/// Makes a pair smaller as long as it keeps what `holds` looks for, in at most so many trials.
pub(crate) fn shrink(
    mut pair: Pair,
    trials_max: usize,
    mut holds: impl FnMut(&Pair) -> bool,
) -> Pair {
    let mut trials = 0;
    loop {
        // Ends: every round makes the pair smaller, or is the last.
        let mut was_made_smaller = false;
        let mut at = 0;
        let mut candidates = pair.smaller();
        while let Some(candidate) = candidates.get(at) {
            trials += 1;
            if trials > trials_max {
                return pair;
            }
            if holds(candidate) {
                // What was in vain before this one is tried again in the next round.
                pair = candidate.clone();
                candidates = pair.smaller();
                was_made_smaller = true;
            } else {
                at += 1;
            }
        }
        if !was_made_smaller {
            return pair;
        }
    }
}
