//! What the server bears.

/// Largest text that is analysed, in bytes. Larger ones are open in the editor and silent here.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// Texts open at the same time; further ones are not analysed.
pub const DOCUMENTS_MAX: usize = 4_096;

/// Suggestions in one answer.
pub const COMPLETIONS_MAX: usize = 2_000;

/// Findings sent for one file.
pub const DIAGNOSTICS_MAX: usize = 500;

/// Openings inside of each other that are kept track of before the cursor.
pub const OPENINGS_MAX: usize = 1_000;
