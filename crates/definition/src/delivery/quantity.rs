//! Durations (`"1h30m"`) and sizes (`"256MiB"`).

/// Milliseconds of a duration: whole numbers with the units h, m, s and ms, each at most once, largest first. None when
/// the text is no duration or too long to count.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest_left = 0;
    while !rest.is_empty() {
        let (number, behind) = leading_number(rest)?;
        let length = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(length)?;
        let position = UNITS.iter().position(|(name, _)| *name == unit)?;
        if position < largest_left {
            return None;
        }
        largest_left = position + 1;
        let (_, ms) = UNITS.get(position)?;
        total = total.checked_add(number.checked_mul(*ms)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// Bytes of a size: a whole number with a unit. None when the text is no size or too large to count.
pub(super) fn size_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 9] = [
        ("B", 1),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let (number, unit) = leading_number(text)?;
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*bytes)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let length = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(length)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("0s", Some(0)),
            ("250ms", Some(250)),
            ("1h30m", Some(5_400_000)),
            ("2m5s1ms", Some(125_001)),
            ("", None),
            ("10", None),
            ("s", None),
            ("1m1h", None),
            ("1s1s", None),
            ("1.5s", None),
            ("-1s", None),
            ("99999999999999999h", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", Some(0)),
            ("256MiB", Some(268_435_456)),
            ("1kB", Some(1_000)),
            ("1K", None),
            ("MiB", None),
            ("", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(size_bytes(text), bytes, "{text}");
        }
    }
}
