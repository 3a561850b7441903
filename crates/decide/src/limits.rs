//! Every limit of this room, with its unit in its name.

/// Most instances of one block.
pub const INSTANCES_MAX: i64 = 1_000_000;

/// Most times that a plan begins anew because a function of a provider must be asked first.
pub const CALL_ROUNDS_MAX: u32 = 256;

/// Fewest entries between two snapshots of a book.
pub const SNAPSHOT_ENTRIES_MIN: u64 = 1_000;

/// Most attempts at one action.
pub const ATTEMPTS_MAX: u32 = 6;

/// Most inquiries into one lost outcome before a person is asked.
pub const INQUIRIES_MAX: u32 = 20;

/// Shortest time over which inquiries are spread, when effects settle at once.
pub const INQUIRY_WINDOW_MS_MIN: u64 = 1_000;

/// How long an engine that lost its lease may still begin a provisioner: before that, one that was never begun is not
/// begun anew.
pub const PROVISION_SETTLE_MS: u64 = 5_000;

/// First pause before a retry; doubles with each attempt.
pub const RETRY_BASE_MS: u64 = 250;

/// Longest pause before a retry.
pub const RETRY_CAP_MS: u64 = 30_000;

/// Longest pause that the outside may ask for.
pub const RETRY_AFTER_MS_MAX: u64 = 600_000;

/// Retries a provider may always have, whatever the share below says.
pub const RETRY_RESERVE: u64 = 30;

/// Largest share of retries among the calls of a provider, in percent.
pub const RETRY_SHARE_PERCENT: u64 = 20;

/// Calls in a row that must fail before a provider's breaker opens.
pub const BREAKER_FAILURES: u32 = 20;

/// Time a breaker stays open before one call may try again.
pub const BREAKER_OPEN_MS: i64 = 5_000;

/// What a provider keeps of its attempts at the same time, in percent, when it turns one away.
pub const THROTTLED_KEEPS_PERCENT: u32 = 70;

/// Successes after which a provider that turned attempts away gets one more at the same time.
pub const SUCCESSES_FOR_ONE_MORE: u32 = 10;

/// Effects of one provider under way at the same time when nothing is said and nothing is known of it yet; also of all
/// effects that no provider carries out.
pub const PARALLELISM_BEGIN: u32 = 10;

/// Most effects under way at the same time when nothing is said: what a provider that answers well comes to.
pub const PARALLELISM_GROWN_MAX: u32 = 40;

/// Time between two looks at a rollout's request counts.
pub const COUNTS_EVERY_MS: i64 = 50;

/// Time between two looks at instances that are starting.
pub const STARTING_EVERY_MS: i64 = 50;

/// Longest time that old instances may take to finish their requests.
pub const DRAIN_MS_MAX: i64 = 30_000;

/// Instances of one version that may end and be replaced in one run before no more of it are started.
pub const REPLACEMENTS_MAX: u32 = 5;

/// Route tables that the router may fail to take in one run before the run is given up.
pub const PUBLISHES_FAILED_MAX: usize = 3;

/// Most objects that one pass heals when nothing is said.
pub const HEAL_OBJECTS_MAX: u32 = 10;

/// Most times that one object is healed within the window when nothing is said.
pub const HEALS_MAX: u32 = 3;

/// The window in which the healings of an object are counted when nothing is said.
pub const HEAL_WINDOW_MS: u64 = 3_600_000;

/// Healings of one object that are kept in mind; no pass may allow more.
pub const HEALS_KEPT: usize = 16;

/// Runs kept in the world's list; older ones stay in the book.
pub const RUNS_KEPT: usize = 200;
