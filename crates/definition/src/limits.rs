//! Every bound of this room, with its unit in its name. What exceeds one is refused with a diagnostic.

/// Longest source text that is read.
pub const SOURCE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many tokens of one source text are read, and how many values of one in JSON. Each takes some two hundred bytes
/// until the text is compiled, so that the worst text costs less than a gigabyte.
pub const TOKENS_PER_SOURCE_MAX: usize = 4_000_000;

/// How deep expressions and blocks may be nested in each other, and how high the tree of one expression may become.
/// The parser and everything after it recurse at most so deep. Blocks, `for` expressions and directives in texts count
/// twice, because more of the stack is needed for them; a thread with 1 MiB is enough in a debug build (tested).
pub const NESTING_DEPTH_MAX: usize = 256;

/// How many findings of one source text are kept; the rest of a text that is no HCL at all helps nobody.
pub const DIAGNOSTICS_PER_SOURCE_MAX: usize = 100;

/// How deep module calls may be nested.
pub const MODULE_DEPTH_MAX: usize = 32;

/// How many module calls, counted once per path from the root, one project may have.
pub const MODULE_CALLS_MAX: usize = 10_000;

/// Longest name for which suggestions are looked for, in bytes.
pub(crate) const SUGGESTION_NAME_BYTES_MAX: usize = 64;

/// How many names are tried for one suggestion.
pub(crate) const SUGGESTION_CANDIDATES_MAX: usize = 5_000;

/// How many instances of a repeated resource are gone through to find the files that their arguments read.
pub(crate) const STATIC_INSTANCES_MAX: usize = 10_000;

/// Most attempts that a `retry` block may allow.
pub const RETRY_ATTEMPTS_MAX: u32 = 100;

/// Most looks in a row that a `health` block may ask for.
pub const HEALTH_SUCCESSES_MAX: u32 = 100;

/// Longest pause and longest deadline that a block in `lifecycle` may ask for.
pub const PAUSE_MS_MAX: u64 = 60 * 60 * 1_000;

/// Most patterns in a `retry` block.
pub const RETRY_PATTERNS_MAX: usize = 64;

/// Longest version, in bytes.
pub(crate) const VERSION_BYTES_MAX: usize = 256;

/// How many comparisons one version constraint may consist of.
pub(crate) const VERSION_CONSTRAINTS_MAX: usize = 64;

/// Longest address of a module's source, in bytes.
pub(crate) const MODULE_SOURCE_BYTES_MAX: usize = 4096;

/// How many values one setting may depend on that must be known before anything is computed.
pub(crate) const KNOWN_VALUES_MAX: usize = 10_000;

/// Files and directories that one pattern of `fileset` looks at.
pub const FILESET_FILES_MAX: usize = 100_000;
