//! What a project is made of, before it is written as a release: blocks, how often each is repeated, and what each
//! looks at. The same blueprint says what the world must look like in the end, independently of the planner.

use crate::Rng;
use crate::check::secrets::SECRET;
use contract::fake::Class;
use model::{Address, Key, Mode, ModulePath, ResourceAddress};
use std::collections::{BTreeMap, BTreeSet};
use value::Name;

/// Keys that `for_each` draws from.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// Name of the one module call.
pub(crate) const MODULE: &str = "m";

/// Blocks of a root module and perhaps of a module it calls.
#[derive(Clone, Debug, Default)]
pub struct Blueprint {
    /// Blocks of the root module by number; a block looks only at those of lower numbers.
    pub(crate) blocks: BTreeMap<u32, Block>,
    /// The called module.
    pub(crate) called: Option<Called>,
}

/// A module call with the blocks in it.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub count: Option<u64>,
    pub blocks: BTreeMap<u32, Block>,
    /// The root block whose id is handed in.
    pub input: Option<u32>,
    /// The root block that uses what comes out.
    pub used_by: Option<u32>,
}

/// One resource block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub class: Class,
    pub repeated: Repeated,
    pub links: Vec<(u32, How)>,
    pub size: i64,
    pub form: u64,
    pub new_first: bool,
    /// Its name holds the secret. Only in the root module.
    pub secret: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    Once,
    Count(u64),
    Each(BTreeSet<&'static str>),
    /// `for_each` over all instances of another block.
    EachOf(u32),
}

/// How a block looks at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Its name holds the other's id, known only after apply.
    Id,
    /// The same for the instance of the same key.
    SameKey,
    /// Its name holds the ids of all instances of the other.
    Whole,
    /// `depends_on`.
    Explicit,
    /// Its size is the other's size, known when planning.
    Size,
    /// Its kind is the other's id: when that is replaced, so is this.
    Kind,
}

/// A part of an expected text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// The id of the object there.
    IdOf(Address),
}

/// What an object must be like in the end.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its name.
    pub name: Vec<Part>,
    /// Its kind.
    pub kind: Part,
    /// Its size.
    pub size: i64,
    /// What it looks at: must exist before it, and outlive it.
    pub needs: BTreeSet<Address>,
}

/// The resource type of a class.
pub(crate) const fn type_name(class: Class) -> &'static str {
    match class {
        Class::Named => "fake_named",
        Class::Keyed => "fake_keyed",
        Class::Opaque => "fake_opaque",
    }
}

/// Name of a block.
pub(crate) fn block_name(number: u32) -> Name {
    Name::from(format!("b{number}"))
}

impl Blueprint {
    /// Draws one.
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let mut blueprint = Self::default();
        for number in 0..rng.between(2, 7) as u32 {
            let block = Block::draw(rng, &blueprint.blocks, number);
            blueprint.blocks.insert(number, block);
        }
        if rng.chance(400) {
            let mut blocks = BTreeMap::new();
            for number in 0..rng.between(1, 2) as u32 {
                let block = Block::draw(rng, &blocks, number);
                blocks.insert(number, block);
            }
            let count = rng.chance(500).then(|| rng.between(1, 3));
            blueprint.called = Some(Called {
                count,
                blocks,
                input: Some(0),
                used_by: Some(100),
            });
            let user = Block {
                links: Vec::new(),
                ..Block::draw(rng, &BTreeMap::new(), 100)
            };
            blueprint.blocks.insert(100, user);
        }
        blueprint.made_valid()
    }

    /// The next version of it: some blocks changed, some gone, some new.
    pub(crate) fn mutated(&self, rng: &mut Rng) -> Self {
        let mut next = self.clone();
        let numbers: Vec<u32> = next.blocks.keys().copied().collect();
        for number in numbers {
            if number != 100 && rng.chance(120) {
                next.blocks.remove(&number);
            } else if let Some(block) = next.blocks.get_mut(&number) {
                block.mutate(rng);
            }
        }
        if rng.chance(300) {
            let number = rng.between(50, 60) as u32;
            let block = Block::draw(rng, &next.blocks, number);
            next.blocks.insert(number, block);
        }
        if rng.chance(150) {
            next.called = None;
            next.blocks.remove(&100);
        }
        if let Some(called) = &mut next.called {
            if called.count.is_some() && rng.chance(400) {
                called.count = Some(rng.between(1, 3));
            }
            called
                .blocks
                .values_mut()
                .for_each(|block| block.mutate(rng));
        }
        next.made_valid()
    }

    /// Takes out what could not be written: links to what is gone, keys that do not match.
    fn made_valid(mut self) -> Self {
        make_valid(&mut self.blocks);
        if let Some(called) = &mut self.called {
            make_valid(&mut called.blocks);
            called
                .blocks
                .values_mut()
                .for_each(|block| block.secret = false);
            if let Some(first) = called.blocks.values_mut().next() {
                first.repeated = Repeated::Once;
            }
            make_valid(&mut called.blocks);
            let handed_in = called.input.and_then(|number| self.blocks.get(&number));
            if handed_in.is_none_or(|block| block.repeated != Repeated::Once) {
                called.input = None;
            }
        }
        if let Some(user) = self.blocks.get_mut(&100) {
            user.repeated = Repeated::Once;
        }
        self
    }

    /// Everything that must exist in the end.
    pub(crate) fn expected(&self) -> BTreeMap<Address, Expected> {
        let mut all = BTreeMap::new();
        let root = ModulePath::default();
        expect(&mut all, &self.blocks, &root);
        let Some(called) = &self.called else {
            return all;
        };
        for key in called.keys() {
            let path = root.child(Name::from(MODULE), key);
            expect(&mut all, &called.blocks, &path);
            let first = called.blocks.iter().next();
            let handed_in = called
                .input
                .and_then(|number| Some((number, self.blocks.get(&number)?)));
            if let (Some((number, block)), Some((from, up))) = (first, handed_in) {
                let from = address(&root, from, up, Key::None);
                if let Some(expected) = all.get_mut(&address(&path, *number, block, Key::None)) {
                    expected
                        .name
                        .extend([Part::Text("+".into()), Part::IdOf(from.clone())]);
                    expected.needs.insert(from);
                }
            }
        }
        self.expect_user(called, &mut all);
        all
    }

    fn expect_user(&self, called: &Called, all: &mut BTreeMap<Address, Expected>) {
        let (Some((number, first)), Some(key)) = (
            called.blocks.iter().next(),
            called.keys().into_iter().next(),
        ) else {
            return;
        };
        let user = called
            .used_by
            .and_then(|number| Some((number, self.blocks.get(&number)?)));
        let Some((user, block)) = user else { return };
        let root = ModulePath::default();
        let out = address(
            &root.child(Name::from(MODULE), key),
            *number,
            first,
            Key::None,
        );
        if let Some(expected) = all.get_mut(&address(&root, user, block, Key::None)) {
            expected
                .name
                .extend([Part::Text("+".into()), Part::IdOf(out.clone())]);
            expected.needs.insert(out);
        }
    }
}

impl Called {
    pub(crate) fn keys(&self) -> Vec<Key> {
        match self.count {
            None => vec![Key::None],
            Some(n) => (0..n).map(Key::Index).collect(),
        }
    }
}

impl Block {
    fn draw(rng: &mut Rng, others: &BTreeMap<u32, Self>, number: u32) -> Self {
        let class = match rng.below(10) {
            0..=5 => Class::Named,
            6..=8 => Class::Keyed,
            _ => Class::Opaque,
        };
        let lower: Vec<u32> = others.range(..number).map(|(number, _)| *number).collect();
        let mut links = Vec::new();
        for _ in 0..rng.below(3) {
            let hows = [
                How::Id,
                How::Id,
                How::SameKey,
                How::Whole,
                How::Explicit,
                How::Size,
                How::Kind,
            ];
            if let (Some(to), Some(how)) = (rng.pick(&lower).copied(), rng.pick(&hows)) {
                links.push((to, *how));
            }
        }
        let repeated = match (rng.below(8), rng.pick(&lower)) {
            (0 | 1, _) => Repeated::Count(rng.between(0, 3)),
            (2 | 3, _) => Repeated::Each(keys(rng)),
            (4, Some(of)) => Repeated::EachOf(*of),
            _ => Repeated::Once,
        };
        let (size, form) = (rng.below(100) as i64, rng.below(5));
        Self {
            class,
            repeated,
            links,
            size,
            form,
            new_first: rng.chance(250),
            secret: rng.chance(150),
        }
    }

    fn mutate(&mut self, rng: &mut Rng) {
        match rng.below(10) {
            0 | 1 => self.size += 1,
            2 => self.form += 1,
            3 => match &mut self.repeated {
                Repeated::Count(n) => *n = rng.between(0, 3),
                Repeated::Each(set) => *set = keys(rng),
                Repeated::Once | Repeated::EachOf(_) => self.repeated = Repeated::Once,
            },
            4 => self.new_first = !self.new_first,
            5 => {
                let _ = self.links.pop();
            }
            _ => {}
        }
    }
}

fn keys(rng: &mut Rng) -> BTreeSet<&'static str> {
    KEYS.into_iter().filter(|_| rng.chance(500)).collect()
}

fn make_valid(blocks: &mut BTreeMap<u32, Block>) {
    let numbers: Vec<u32> = blocks.keys().copied().collect();
    for number in numbers {
        let Some(mut block) = blocks.remove(&number) else {
            continue;
        };
        block.links.retain(|(to, _)| blocks.contains_key(to));
        if let Repeated::EachOf(of) = block.repeated
            && !blocks
                .get(&of)
                .is_some_and(|of| matches!(of.repeated, Repeated::Each(_) | Repeated::EachOf(_)))
        {
            block.repeated = Repeated::Once;
        }
        let alike = block
            .links
            .iter()
            .find(|(_, how)| *how == How::SameKey)
            .map(|(to, _)| *to);
        if let Some(other) = alike.and_then(|to| blocks.get(&to)) {
            block.repeated = match &other.repeated {
                Repeated::EachOf(_) => Repeated::EachOf(alike.unwrap_or(0)),
                other => other.clone(),
            };
        }
        let mut same_key = alike;
        let mut seen = Vec::new();
        for (to, how) in &mut block.links {
            let once = blocks
                .get(to)
                .is_some_and(|to| to.repeated == Repeated::Once);
            *how = match (*how, once) {
                (How::SameKey, false) if same_key == Some(*to) => {
                    same_key = None;
                    How::SameKey
                }
                (How::SameKey | How::Whole, true) => How::Id,
                (How::SameKey | How::Id, false) => How::Whole,
                (How::Size | How::Kind, false) => How::Explicit,
                (how, _) => how,
            };
            // One size and one kind: a second reference would overwrite the first.
            if matches!(how, How::Size | How::Kind) {
                if seen.contains(how) {
                    *how = How::Explicit;
                } else {
                    seen.push(*how);
                }
            }
        }
        blocks.insert(number, block);
    }
}

/// Instance keys of a block.
pub(crate) fn keys_of(blocks: &BTreeMap<u32, Block>, number: u32) -> Vec<Key> {
    match blocks.get(&number).map(|block| &block.repeated) {
        None => Vec::new(),
        Some(Repeated::Once) => vec![Key::None],
        Some(Repeated::Count(n)) => (0..*n).map(Key::Index).collect(),
        Some(Repeated::Each(names)) => names
            .iter()
            .map(|name| Key::Name(Name::from(*name)))
            .collect(),
        Some(Repeated::EachOf(of)) => keys_of(blocks, *of),
    }
}

fn address(path: &ModulePath, number: u32, block: &Block, key: Key) -> Address {
    let resource = ResourceAddress {
        module: path.clone(),
        mode: Mode::Managed,
        kind: Name::from(type_name(block.class)),
        name: block_name(number),
    };
    Address { resource, key }
}

fn expect(all: &mut BTreeMap<Address, Expected>, blocks: &BTreeMap<u32, Block>, path: &ModulePath) {
    for (number, block) in blocks {
        for key in keys_of(blocks, *number) {
            let here = address(path, *number, block, key.clone());
            let mut expected = Expected {
                name: vec![Part::Text(format!("b{number}{}", key_text(&key)))],
                kind: Part::Text(format!("form-{}", block.form)),
                size: block.size,
                needs: BTreeSet::new(),
            };
            if block.secret {
                expected.name.push(Part::Text(format!("+{SECRET}")));
            }
            if let Repeated::EachOf(of) = block.repeated
                && let Some(other) = blocks.get(&of)
            {
                expected.see(vec![address(path, of, other, key.clone())], true);
            }
            for (to, how) in &block.links {
                let Some(other) = blocks.get(to) else {
                    continue;
                };
                let targets: Vec<Address> = match how {
                    How::SameKey => vec![address(path, *to, other, key.clone())],
                    How::Id | How::Whole | How::Explicit | How::Size | How::Kind => {
                        keys_of(blocks, *to)
                            .into_iter()
                            .map(|key| address(path, *to, other, key))
                            .collect()
                    }
                };
                match (how, targets.first()) {
                    (How::Size, Some(one)) => {
                        expected.size = all.get(one).map_or(0, |one| one.size)
                    }
                    (How::Kind, Some(one)) => expected.kind = Part::IdOf(one.clone()),
                    _ => {}
                }
                expected.see(targets, matches!(how, How::Id | How::SameKey | How::Whole));
            }
            all.insert(here, expected);
        }
    }
}

impl Expected {
    fn see(&mut self, targets: Vec<Address>, in_name: bool) {
        if in_name {
            self.name.push(Part::Text("+".into()));
            for (at, target) in targets.iter().enumerate() {
                if at > 0 {
                    self.name.push(Part::Text(",".into()));
                }
                self.name.push(Part::IdOf(target.clone()));
            }
        }
        self.needs.extend(targets);
    }
}

fn key_text(key: &Key) -> String {
    match key {
        Key::None => String::new(),
        Key::Index(index) => format!("-{index}"),
        Key::Name(name) => format!("-{name}"),
    }
}
