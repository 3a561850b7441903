//! The few styles there are.

use anstyle::{AnsiColor, Style};

/// Something is wrong, or goes away.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something deserves attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Something is well, or new.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something changes.
pub(crate) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(crate) const BOLD: Style = Style::new().bold();
/// Less important.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Back to normal.
pub(crate) const RESET: anstyle::Reset = anstyle::Reset;
