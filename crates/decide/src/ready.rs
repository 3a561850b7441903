//! [`Ready`]: the steps of a plan whose turn it is, by who carries them out.
//!
//! A provider without room for one more effect has none for any of its steps, of which there may be a hundred thousand:
//! so they are passed over together, and those of another one are not looked for among them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// Who carries out a step: a provider by its source address, or nobody in particular.
type Who = String;

/// See the module's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    of: BTreeMap<Who, BTreeSet<u32>>,
}

impl Ready {
    /// Whether it is no step's turn.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Whether it is the turn of this step, which is carried out by that provider, or by none.
    pub(crate) fn contains(&self, provider: Option<&str>, step: u32) -> bool {
        let of = self.of.get(provider.unwrap_or_default());
        of.is_some_and(|steps| steps.contains(&step))
    }

    pub(crate) fn insert(&mut self, provider: Option<&str>, step: u32) {
        let who = provider.unwrap_or_default();
        match self.of.get_mut(who) {
            Some(steps) => {
                steps.insert(step);
            }
            None => {
                self.of.insert(who.into(), BTreeSet::from([step]));
            }
        }
    }

    pub(crate) fn remove(&mut self, provider: Option<&str>, step: u32) {
        let who = provider.unwrap_or_default();
        if let Some(steps) = self.of.get_mut(who) {
            steps.remove(&step);
            if steps.is_empty() {
                self.of.remove(who);
            }
        }
    }

    /// All of them in the order of the plan, as long as nobody gives up on who carries them out.
    pub(crate) fn turns(&self) -> Turns<'_> {
        Turns {
            heads: self
                .of
                .values()
                .filter_map(|steps| {
                    let mut rest = steps.iter();
                    rest.next().map(|first| (*first, rest))
                })
                .collect(),
            last: None,
        }
    }
}

/// The steps of a [`Ready`] in their order.
pub(crate) struct Turns<'a> {
    /// The next step of each, and those after it. There are as many as providers, which are few.
    heads: Vec<(u32, alloc::collections::btree_set::Iter<'a, u32>)>,
    last: Option<usize>,
}

impl Turns<'_> {
    /// The next step.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if let Some(at) = self.last.take()
            && let Some((head, rest)) = self.heads.get_mut(at)
        {
            match rest.next() {
                Some(next) => *head = *next,
                None => drop(self.heads.swap_remove(at)),
            }
        }
        let first = self.heads.iter().enumerate();
        let (at, (step, _)) = first.min_by_key(|(_, (step, _))| *step)?;
        self.last = Some(at);
        Some(*step)
    }

    /// Leaves out whatever else is carried out by who carries out the last one.
    pub(crate) fn pass_over(&mut self) {
        if let Some(at) = self.last.take() {
            drop(self.heads.swap_remove(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_their_order_and_those_of_one_provider_can_be_passed_over() {
        let mut ready = Ready::default();
        for (provider, step) in [
            (Some("b"), 1),
            (None, 2),
            (Some("a"), 3),
            (Some("b"), 4),
            (Some("a"), 5),
            (None, 6),
        ] {
            ready.insert(provider, step);
        }
        let mut turns = ready.turns();
        let mut seen = Vec::new();
        while let Some(step) = turns.next() {
            seen.push(step);
            if step == 3 {
                turns.pass_over();
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 6]);
        assert!(ready.contains(Some("a"), 5) && !ready.contains(Some("b"), 5));
        for (provider, step) in [(Some("b"), 1), (None, 2), (Some("a"), 3)] {
            ready.remove(provider, step);
        }
        ready.remove(Some("b"), 4);
        ready.remove(Some("a"), 5);
        assert!(!ready.is_empty());
        ready.remove(None, 6);
        assert!(ready.is_empty() && ready.turns().next().is_none());
    }
}
