//! Everything a person sees: plain text with styles that the stream strips where there is no terminal.

mod blocks;
pub(crate) mod diagnostics;
pub(crate) mod difference;
pub(crate) mod drift;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod time;
