//! Points in time and durations as people read them.

use value::Moment;

/// `2026-11-20 18:30:05` in UTC, from milliseconds since 1970.
pub(crate) fn utc(ms: i64) -> String {
    let at = Moment::of_ms(ms);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

/// `350 ms`, `2.4 s`, `3 min 20 s`, `5 h 1 min`.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399_000, "2000-02-28 23:59:59"),
            (951_868_799_999, "2000-02-29 23:59:59"),
            (1_795_113_005_000, "2026-11-19 18:30:05"),
            (-1_000, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(utc(ms), text);
        }
    }

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (12, "12 ms"),
            (2_450, "2.4 s"),
            (200_000, "3 min 20 s"),
            (18_060_000, "5 h 1 min"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
