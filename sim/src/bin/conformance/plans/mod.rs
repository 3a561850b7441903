//! Plans of whole configurations, in two versions: what is planned for the first, and, when that is applied, for the
//! second.
//!
//! Cases with recorded answers are in `sim/conformance/plans`. Beyond them [`command`] draws pairs from seeds and
//! compares with the terraform on the PATH; a pair that differs is made smaller and printed as a case.

mod ask;
mod case;
mod compare;
mod expression;
mod generate;
mod kept;
mod ours;
mod pair;
mod request;
mod theirs;

pub(crate) use case::{PLACE, record, run};
pub(crate) use compare::members_that_differ;

use crate::oracle::Terraform;
use compare::Kind;
use pair::Pair;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files by path.
pub(crate) type Files = BTreeMap<String, String>;

/// Ids of objects by address.
pub(crate) type Ids = BTreeMap<String, String>;

/// What is put to both programs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    first: Files,
    second: Files,
    /// What is asked for when the second is planned ([`request`]).
    request: Vec<String>,
}

/// Trials when a pair is made smaller.
const TRIALS_MAX: usize = 120;

/// Words of a reason that tell one from another.
const REASON_WORDS: usize = 6;

/// Pairs compared at the same time.
const AT_ONCE: usize = 2;

/// What came of planning a version.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The plan, as `show -json` writes it.
    Planned(serde_json::Value),
    /// Why there is none.
    Failed(String),
}

/// What a program makes of a pair.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    first: Step,
    /// The first could be applied.
    applied: bool,
    second: Step,
}

impl Answers {
    /// It came no further than the first plan.
    fn until(first: Step) -> Self {
        Self {
            first,
            applied: false,
            second: Step::Failed("the first version has no plan".to_owned()),
        }
    }

    /// The beginning of why there is no second plan.
    fn refused(&self) -> Option<String> {
        let why = match (&self.first, &self.second) {
            (Step::Failed(why), _) | (_, Step::Failed(why)) => why,
            (Step::Planned(_), Step::Planned(_)) => return None,
        };
        let words: Vec<&str> = why.split(' ').take(REASON_WORDS).collect();
        Some(words.join(" "))
    }
}

/// What came of one seed.
enum Verdict {
    /// The same, with the beginning of why terraform refused, if it did.
    Same(Option<String>),
    Differs(Kind, Vec<String>),
    /// In a way that is meant, by its name.
    Kept(&'static str),
}

fn judged(terraform: &Terraform, pair: &Pair) -> Result<Verdict, String> {
    let texts = pair.texts();
    let (theirs, ids) = theirs::answers(terraform, &texts)?;
    let ours = ours::answers(&texts, &ids);
    Ok(match compare::differences(&texts.request, &theirs, &ours) {
        Some((kind, lines)) => match kept::kept(&texts, &theirs, &ours) {
            Some(kept) => Verdict::Kept(kept.name),
            None => Verdict::Differs(kind, lines),
        },
        None => Verdict::Same(theirs.refused()),
    })
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    done: u64,
    /// How many pairs were refused by both, by the beginning of the reason.
    refused: BTreeMap<String, u64>,
    /// How many pairs differ as they are meant to, by the name of the difference.
    kept: BTreeMap<&'static str, u64>,
    /// How many pairs differ, by what kind of difference they show first, and the seed of one of them.
    differing: BTreeMap<String, (u64, u64)>,
}

impl Found {
    fn print(&self) {
        for (why, count) in &self.refused {
            println!("{count:>6} refused by both: {why}");
        }
        for (name, count) in &self.kept {
            println!("{count:>6} differ as they are meant to: {name}");
        }
        for (signature, (count, seed)) in &self.differing {
            println!("{count:>6} differ like seed {seed}: {signature}");
        }
        println!(
            "{} pairs compared, {} of them differ; {} were refused by both in the end",
            self.done,
            self.differing.values().map(|(count, _)| count).sum::<u64>(),
            self.refused.values().sum::<u64>()
        );
    }
}

/// Compares so many drawn pairs, and prints what differs: one small pair for each kind of difference. Whether nothing
/// did.
pub(crate) fn command(
    terraform: &Terraform,
    count: u64,
    seed: u64,
    differences_max: usize,
) -> Result<bool, String> {
    let next = AtomicU64::new(seed);
    let found = Mutex::new(Found::default());
    let work = || -> Result<(), String> {
        loop {
            // Ends with the last seed.
            let seed_now = next.fetch_add(1, Ordering::Relaxed);
            if seed_now >= seed.saturating_add(count) {
                return Ok(());
            }
            let pair = generate::pair(seed_now);
            let verdict = judged(terraform, &pair)?;
            let Ok(mut found) = found.lock() else {
                return Ok(());
            };
            found.done += 1;
            let (kind, lines) = match verdict {
                Verdict::Same(refused) => {
                    if let Some(why) = refused {
                        *found.refused.entry(why).or_default() += 1;
                    }
                    continue;
                }
                Verdict::Kept(name) => {
                    *found.kept.entry(name).or_default() += 1;
                    continue;
                }
                Verdict::Differs(kind, lines) => (kind, lines),
            };
            let signature = compare::signature(kind, &lines);
            let is_known = found.differing.contains_key(&signature);
            let of_kind = found.differing.entry(signature.clone());
            of_kind.or_insert((0, seed_now)).0 += 1;
            let tell = !is_known && found.differing.len() <= differences_max;
            drop(found);
            if tell {
                let told = reproduced(terraform, pair, &signature);
                println!("seed {seed_now}: {told}");
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err("a comparison panicked".to_owned()))
        })
    })?;
    let Ok(found) = found.into_inner() else {
        return Err("a comparison panicked".to_owned());
    };
    found.print();
    Ok(found.differing.is_empty())
}

/// A pair that differs, made smaller, as a case with what differs.
fn reproduced(terraform: &Terraform, pair: Pair, signature: &str) -> String {
    let differs = |pair: &Pair| match judged(terraform, pair) {
        Ok(Verdict::Differs(kind, lines)) => compare::signature(kind, &lines) == signature,
        _ => false,
    };
    let pair = pair::shrink(pair, TRIALS_MAX, differs);
    let lines = match judged(terraform, &pair) {
        Ok(Verdict::Differs(_, lines)) => lines,
        _ => Vec::new(),
    };
    let mut text = format!("{signature}\n");
    for line in lines {
        text += &format!("  {line}\n");
    }
    text + &case::text(&pair.texts())
}
