//! Everything that can be wrong with what a person wrote: one function per finding, one file per family.
//!
//! A summary is fixed per code and stands in [`CODES`]; the page of each code is `docs/codes/SFnnnn.md`. Details say
//! what, why and what to do. Nothing outside this folder makes a diagnostic by hand.

pub(crate) mod blocks;
pub(crate) mod checks;
pub(crate) mod conditions;
pub(crate) mod delivery;
pub(crate) mod ephemeral;
pub(crate) mod inputs;
pub(crate) mod json;
pub(crate) mod modules;
pub(crate) mod overrides;
pub(crate) mod providers;
pub(crate) mod provisioners;
pub(crate) mod references;
pub(crate) mod settings;
pub(crate) mod statements;
pub(crate) mod syntax;
pub(crate) mod testing;
pub(crate) mod trial;

use alloc::string::String;
use value::{Diagnostic, Span};

/// A code with its summary.
#[derive(Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str, pub(crate) &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal $summary:literal;)*) => {
        $(pub(crate) const $name: Code = Code($code, $summary);)*
        /// Every code of this room with its summary, ascending.
        pub const CODES: &[(&str, &str)] = &[$(($code, $summary)),*];
    };
}

codes! {
    INVALID_CHARACTER = "SF0101" "Invalid character";
    INVALID_UTF8 = "SF0102" "Source text is not UTF-8";
    UNTERMINATED_STRING = "SF0103" "Unterminated string";
    UNTERMINATED_HEREDOC = "SF0104" "Unterminated heredoc";
    INVALID_HEREDOC = "SF0105" "Invalid heredoc";
    UNTERMINATED_COMMENT = "SF0106" "Unterminated comment";
    INVALID_ESCAPE = "SF0107" "Invalid escape sequence";
    INVALID_EXPRESSION = "SF0108" "Invalid expression";
    MISSING_SEPARATOR = "SF0109" "Missing separator";
    UNCLOSED_BRACKET = "SF0110" "Unclosed bracket";
    MISSING_NEWLINE = "SF0111" "Missing newline";
    ITEM_REQUIRED = "SF0112" "Argument or block definition required";
    INVALID_BLOCK = "SF0113" "Invalid block definition";
    DUPLICATE_ARGUMENT = "SF0114" "Argument set twice";
    INVALID_ONE_LINE_BLOCK = "SF0115" "Invalid single-line block";
    INVALID_FOR = "SF0116" "Invalid for expression";
    INVALID_DIRECTIVE = "SF0117" "Invalid template directive";
    UNTERMINATED_SEQUENCE = "SF0118" "Unclosed template sequence";
    INVALID_TRAVERSAL = "SF0119" "Invalid attribute or index";
    NESTED_TOO_DEEPLY = "SF0120" "Nested too deeply";
    BIDI_CONTROL = "SF0121" "Invisible direction control";
    SOURCE_TOO_LARGE = "SF0122" "Source text too large";
    INVALID_CONDITIONAL = "SF0123" "Invalid conditional expression";
    AMBIGUOUS_KEY = "SF0124" "Ambiguous object key";
    INVALID_JSON = "SF0130" "Invalid JSON";
    INVALID_JSON_NUMBER = "SF0131" "Invalid JSON number";
    INVALID_JSON_STRING = "SF0132" "Invalid JSON string";
    DUPLICATE_PROPERTY = "SF0133" "Property set twice";
    WRONG_JSON_VALUE = "SF0134" "Unexpected kind of JSON value";
    LABEL_MISSING = "SF0135" "Missing block label";
    REFERENCE_REQUIRED = "SF0136" "Reference required";
    NOTHING_TO_OVERRIDE = "SF0137" "Nothing to override";
    CANNOT_OVERRIDE = "SF0138" "Cannot be overridden";
    INVALID_NUMBER = "SF0139" "Invalid number";
    TYPE_FUNCTION = "SF0150" "Invalid use of the type function";
    UNKNOWN_BLOCK = "SF0303" "Unsupported block";
    UNKNOWN_ARGUMENT = "SF0304" "Unsupported argument";
    MISSING_ARGUMENT = "SF0305" "Missing required argument";
    WRONG_LABELS = "SF0306" "Wrong number of block labels";
    INVALID_NAME = "SF0307" "Invalid name";
    DUPLICATE_DECLARATION = "SF0308" "Declared twice";
    DUPLICATE_BLOCK = "SF0309" "Block given twice";
    NOT_CONFIGURABLE = "SF0310" "Argument decided by the provider";
    CONSTANT_REQUIRED = "SF0311" "Constant value required";
    INVALID_TYPE = "SF0312" "Invalid type constraint";
    INVALID_DEFAULT = "SF0313" "Default value does not fit its type";
    UNKNOWN_VARIABLE = "SF0314" "Reference to undeclared variable";
    UNKNOWN_LOCAL = "SF0315" "Reference to undeclared local value";
    UNKNOWN_RESOURCE = "SF0316" "Reference to undeclared resource";
    UNKNOWN_MODULE = "SF0317" "Reference to undeclared module call";
    UNKNOWN_OUTPUT = "SF0318" "Reference to undeclared output";
    UNKNOWN_ATTRIBUTE = "SF0319" "Unsupported attribute";
    INVALID_REFERENCE = "SF0320" "Invalid reference";
    NO_REPETITION = "SF0321" "Reference outside its context";
    CYCLE = "SF0322" "Dependency cycle";
    UNKNOWN_PROVIDER = "SF0323" "Provider not installed";
    UNKNOWN_TYPE = "SF0324" "Unknown resource type";
    UNKNOWN_FUNCTION = "SF0325" "Unknown function";
    MODULE_SOURCE = "SF0326" "Module source not usable";
    MODULE_NOT_FOUND = "SF0327" "Module directory not found";
    MODULE_RECURSION = "SF0328" "Module calls itself";
    COUNT_AND_FOR_EACH = "SF0329" "Both count and for_each";
    INVALID_DEPENDS_ON = "SF0330" "Invalid dependency";
    INVALID_LIFECYCLE = "SF0331" "Invalid lifecycle setting";
    BLOCK_COUNT = "SF0332" "Wrong number of nested blocks";
    FILE_NOT_FOUND = "SF0333" "File not found";
    BACKEND_IGNORED = "SF0335" "Backend is not used";
    SOURCE_UNREADABLE = "SF0336" "Source file could not be read";
    TOO_MANY_MODULES = "SF0337" "Too many module calls";
    INVALID_DYNAMIC = "SF0338" "Invalid dynamic block";
    INVALID_REQUIREMENT = "SF0339" "Invalid provider requirement";
    EXPERIMENTS = "SF0340" "Language experiments are not available";
    UNKNOWN_BACKEND = "SF0341" "Unknown kind of backend";
    PROVIDER_META_IGNORED = "SF0342" "Provider metadata is not used";
    INVALID_PROVIDER_REFERENCE = "SF0343" "Invalid provider configuration reference";
    MISSING_CONFIGURATION = "SF0344" "Provider configuration missing";
    REPEATED_WITH_PROVIDERS = "SF0345" "Repeated module configures a provider";
    OLD_FORM = "SF0346" "Form of older versions";
    INVALID_CONDITION = "SF0347" "Condition does not check what it should";
    INVALID_PROVISIONER = "SF0348" "Invalid provisioner";
    INVALID_STATEMENT = "SF0349" "Invalid moved, import or removed block";
    CONTRADICTING_MOVES = "SF0350" "Contradicting moved blocks";
    STILL_DECLARED = "SF0351" "Object is still declared";
    IMPORT_TARGET = "SF0352" "Invalid import target";
    INVALID_CHECK = "SF0353" "Invalid check block";
    EPHEMERAL_VALUE = "SF0354" "Ephemeral value not allowed";
    DEPRECATED = "SF0355" "Deprecated variable or output";
    PROVIDER_NOT_EXPECTED = "SF0356" "Provider configuration is not expected";
    REDUNDANT_IGNORED = "SF0357" "Redundant element of ignore_changes";
    INVALID_REPETITION = "SF0358" "Invalid count or for_each";
    INVALID_INPUT = "SF0359" "Value does not fit the variable of a module";
    SENSITIVE_OUTPUT = "SF0360" "Output is not marked as sensitive";
    NO_SUCH_INSTANCE = "SF0361" "Instance does not exist";
    INVALID_PROVIDER_BLOCK = "SF0362" "Invalid provider block";
    UNSUPPORTED_VERSION = "SF0363" "Terraform version not supported";
    INVALID_VERSION = "SF0364" "Invalid version constraint";
    NOT_IN_THIS_VERSION = "SF0401" "Not available in this version";
    INVALID_DURATION = "SF0402" "Invalid duration";
    INVALID_SIZE = "SF0403" "Invalid size";
    UNKNOWN_DELIVERY_NAME = "SF0404" "Reference to undeclared delivery block";
    INVALID_SETTING = "SF0405" "Invalid setting";
    DELIVERY_CYCLE = "SF0406" "Delivery blocks wait for each other";
    MISSING_VARIABLE = "SF0501" "No value for required variable";
    UNDECLARED_VARIABLE = "SF0502" "Value for undeclared variable";
    INVALID_VALUE = "SF0503" "Invalid value for variable";
    INVALID_VARIABLE_TEXT = "SF0504" "Variable value cannot be read";
    INVALID_VARIABLES_FILE = "SF0505" "Invalid variables file";
    INVALID_RUN = "SF1701" "Invalid run block";
    INVALID_SUBSTITUTE = "SF1702" "Invalid mock or override";
    NOTHING_TO_SUBSTITUTE = "SF1703" "Nothing to override";
    RUN_NOT_AVAILABLE = "SF1704" "Reference to a run without results";
    NOT_AVAILABLE = "SF1705" "Reference to what has no value here";
    INVALID_EXPECTATION = "SF1706" "Invalid expectation";
}

/// An error of this code at this place.
fn error(code: Code, detail: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error(code.0, code.1, detail).at(span)
}

/// A warning of this code at this place.
fn warning(code: Code, detail: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::warning(code.0, code.1, detail).at(span)
}

/// Adds a suggestion where there is one.
fn suggest(diagnostic: Diagnostic, suggestion: Option<String>) -> Diagnostic {
    match suggestion {
        Some(text) => diagnostic.hint(text, None),
        None => diagnostic,
    }
}
