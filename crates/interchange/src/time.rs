//! Points in time, as RFC 3339 writes them.

use value::Moment;

/// `2026-11-20T18:30:05Z`, from milliseconds since 1970.
pub(crate) fn rfc3339(ms: i64) -> String {
    let at = Moment::of_ms(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}
