//! Exit codes: one table, shown by `steadfast --help` and `steadfast explain exit-codes`, and kept by a script.

/// Done.
pub(crate) const OK: u8 = 0;
/// Something could not be done; what was done is in the book.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage; or, for `plan -detailed-exitcode`, changes are planned.
pub(crate) const USAGE: u8 = 2;
/// For `drift`: objects were changed outside, and are not healed.
pub(crate) const DRIFTED: u8 = 2;
/// For `fmt`: a file could not be formatted.
pub(crate) const UNFORMATTABLE: u8 = 2;
/// For `fmt -check`: a file is not in its canonical form.
pub(crate) const UNFORMATTED: u8 = 3;
/// A person must decide something.
pub(crate) const PARKED: u8 = 3;
/// Another process holds the book.
pub(crate) const HELD: u8 = 4;
/// A rollout went back to the old version.
pub(crate) const RETURNED: u8 = 5;
/// The definition is wrong.
pub(crate) const BAD_INPUT: u8 = 65;
/// The book, or another file of ours, cannot be written or read.
pub(crate) const IO: u8 = 74;
/// The book's newest entries are lost, or it is damaged.
pub(crate) const BOOK_DAMAGED: u8 = 76;
/// Interrupted by a person.
pub(crate) const INTERRUPTED: u8 = 130;

/// The table, as people see it.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    done
  1    something could not be done; what was done is in the book
  2    wrong usage; for `plan -detailed-exitcode`: changes are planned; for `fmt`: a file is wrong;
       for `drift`: objects were changed outside and are not healed
  3    a person must decide something (steadfast status); for `fmt -check`: a file is not formatted
  4    another process is writing to the book
  5    a rollout went back to the old version
  65   the definition is wrong
  74   the book, or another file of Steadfast, cannot be written or read
  76   the book is damaged, or its newest entries are lost
  130  interrupted; `steadfast resume` goes on where the run is still open
";
