//! Every bound of this room, with its unit in its name. A bound that is reached is a diagnostic or an error, never a
//! panic and never a silent cut.

/// Mantissa of a [`crate::Number`], as in the language this one follows.
pub const NUMBER_MANTISSA_BITS: u64 = 512;

/// How far the leading bit of a number may lie from the point, in either direction: about 19,700 decimal digits. Bounds
/// the memory one number can take when it is aligned with another or printed.
pub const NUMBER_EXPONENT_BITS_MAX: i64 = 65_536;

/// Longest decimal text read as a number.
pub const NUMBER_TEXT_BYTES_MAX: usize = 32_768;

/// Largest decimal exponent read, before it is brought into [`NUMBER_EXPONENT_BITS_MAX`].
pub const NUMBER_DECIMAL_EXPONENT_MAX: i64 = 100_000;

/// Containers inside containers. Holds for what the evaluator builds and for what is read from JSON, so that walking a
/// value recursively never exhausts the stack.
pub const VALUE_DEPTH_MAX: u16 = 128;

/// Logical size of one value with every shared part counted each time it appears.
pub const VALUE_WEIGHT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What one text or element counts for besides its content when sizes are added up.
pub const VALUE_NODE_BYTES: u64 = 80;

/// Expressions inside expressions while evaluating, through references as well when the scope shares its budget.
pub const EVALUATION_DEPTH_MAX: u32 = 128;

/// Steps of one evaluation: one for each expression computed, more for calls on large values.
pub const EVALUATION_STEPS_MAX: u64 = 10_000_000;

/// Bytes one evaluation may build in all, also those it has dropped again.
pub const EVALUATION_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of arguments that a call may look at for one step.
pub const CALL_BYTES_PER_STEP: u64 = 4_096;

/// Elements that `range` may give, as in the language this one follows.
pub const RANGE_ELEMENTS_MAX: usize = 1_024;

/// Elements of a list of which only their number is known that are made as unknown elements.
pub const SETTLED_ELEMENTS_MAX: u64 = 65_536;

/// Width and precision accepted in a format verb.
pub const FORMAT_WIDTH_MAX: usize = 4_096;

/// Memory of one compiled regular expression.
pub const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// Groups inside groups of a regular expression.
pub const REGEX_DEPTH_MAX: u32 = 250;

/// Times that a regular expression may repeat something, also by repetitions inside one another.
pub const REGEX_REPETITIONS_MAX: u32 = 1_000;

/// How different two names may be, in edits, for one to be suggested for the other.
pub const SUGGESTION_EDITS_MAX: usize = 3;

/// Combinations that `setproduct` may give.
pub const SETPRODUCT_ELEMENTS_MAX: usize = 262_144;
