//! Every limit of this room, with its unit in its name.

/// Inputs that may wait for the task that holds the pen. More would mean that effects end faster than the book can
/// write, and then they should wait.
pub const INPUTS_MAX: usize = 1_024;

/// Questions that are asked of providers at the same time while planning.
pub const QUESTIONS_AT_ONCE_MAX: usize = 64;

/// Longest time the loop sleeps when nothing is due, in milliseconds: a bound, not a rhythm.
pub const SLEEP_MS_MAX: i64 = 60_000;

/// Looks at the outside under way at the same time.
pub const LOOKS_AT_ONCE_MAX: usize = 64;

/// Longest time to wait for effects under way after the book has failed.
pub const ABANDON_MS_MAX: i64 = 30_000;

/// Effects of one run of a test that are under way at the same time, as many as Terraform has.
pub const TEST_PARALLELISM: u32 = 10;

/// Longest time of one look at the health of an object.
pub(crate) const LOOK_MS_MAX: u64 = 10_000;

/// Time that looks at the health of an object have at least, however long ago its deadline was: it is looked at once.
pub(crate) const PROBE_LEFT_MS_MIN: u64 = 1_000;

/// Times that one question is put to a provider that goes away instead of answering.
pub(crate) const GONE_MAX: u32 = 3;

/// Shortest time between two renewals of the same ephemeral resource.
pub(crate) const RENEWALS_APART_MS_MIN: i64 = 1_000;
