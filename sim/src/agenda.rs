//! Virtual time: what will happen, in order of time and, among things at the same time, in an order drawn from the
//! seed.

use crate::Rng;
use std::collections::BTreeMap;

/// Happenings to come.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    entries: BTreeMap<(i64, u64, u64), T>,
    made: u64,
    rng: Rng,
}

impl<T> Agenda<T> {
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            entries: BTreeMap::new(),
            made: 0,
            rng,
        }
    }

    /// Puts something on the agenda.
    pub(crate) fn at(&mut self, at_ms: i64, what: T) {
        self.made += 1;
        let tiebreak = self.rng.draw();
        self.entries.insert((at_ms, tiebreak, self.made), what);
    }

    /// The same agenda for a branch, with those happenings that it is to have.
    pub(crate) fn branch(&self, copy: impl Fn(&T) -> Option<T>) -> Self {
        let entries = self
            .entries
            .iter()
            .filter_map(|(at, what)| Some((*at, copy(what)?)));
        Self {
            entries: entries.collect(),
            made: self.made,
            rng: self.rng.clone(),
        }
    }

    /// Takes what comes next.
    pub(crate) fn pop(&mut self) -> Option<(i64, T)> {
        self.entries
            .pop_first()
            .map(|((at_ms, _, _), what)| (at_ms, what))
    }

    /// Takes away what is no longer to come.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.entries.retain(|_, what| keep(what));
    }
}
