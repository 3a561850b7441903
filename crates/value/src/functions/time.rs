//! Points in time given as text (RFC 3339). The clock itself is not here: `timestamp` and its like are answered by
//! whoever evaluates.

use super::{Call, CallError, Category, Function, Kind, NUMBER, Parameter, STRING};
use crate::Value;
use crate::calendar::{civil_from_days, days_from_civil};
use alloc::format;
use alloc::string::{String, ToString};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "formatdate",
        Category::DateAndTime,
        "A point in time in another notation (YYYY, MM, DD, hh, mm, ss, ...).",
        &[
            Parameter::new("format", Kind::String),
            Parameter::new("time", Kind::String),
        ],
        STRING,
        formatdate,
    ),
    Function::new(
        "timeadd",
        Category::DateAndTime,
        "A point in time moved by a duration (\"10m\", \"-1h30m\").",
        &[
            Parameter::new("timestamp", Kind::String),
            Parameter::new("duration", Kind::String),
        ],
        STRING,
        timeadd,
    )
    .maybe_null(),
    Function::new(
        "timecmp",
        Category::DateAndTime,
        "Which of two points in time is earlier: -1 the first, 1 the second, 0 neither.",
        &[
            Parameter::new("timestamp_a", Kind::String),
            Parameter::new("timestamp_b", Kind::String),
        ],
        NUMBER,
        |call| {
            let (left, right) = (timestamp(call, 0)?, timestamp(call, 1)?);
            Ok(Value::number(left.instant().cmp(&right.instant()) as i32))
        },
    ),
];

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time as written: local fields and the offset from UTC.
#[derive(Clone, Copy)]
struct Timestamp {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    offset_seconds: i64,
}

impl Timestamp {
    fn local_seconds(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * SECONDS_PER_DAY
            + i64::from(self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    fn instant(&self) -> i128 {
        i128::from(self.local_seconds() - self.offset_seconds) * NANOS_PER_SECOND
            + i128::from(self.nanos)
    }

    /// The same offset, another instant; none more than some thousand years from those that can be written.
    fn at(&self, instant: i128) -> Option<Self> {
        let seconds =
            i64::try_from(instant.div_euclid(NANOS_PER_SECOND)).ok()? + self.offset_seconds;
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let time = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).ok()?;
        let (year, month, day) = civil_from_days(days);
        (-9999..=99_999).contains(&year).then_some(Self {
            year,
            month,
            day,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            nanos: u32::try_from(instant.rem_euclid(NANOS_PER_SECOND)).ok()?,
            ..*self
        })
    }

    fn offset(&self, colon: &str) -> String {
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        let minutes = self.offset_seconds.unsigned_abs() / 60;
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    fn show(&self) -> String {
        let zone = if self.offset_seconds == 0 {
            "Z".to_string()
        } else {
            self.offset(":")
        };
        let sign = if self.year < 0 { "-" } else { "" };
        format!(
            "{sign}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}",
            self.year.unsigned_abs(),
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second
        )
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text };
        let year = reader.digits(4, "year")?;
        reader.expect("-", "year-month separator")?;
        let month = reader.digits(2, "month")?;
        reader.expect("-", "month-day separator")?;
        let day = reader.digits(2, "day of month")?;
        if reader.rest.is_empty() || !reader.rest.starts_with('T') {
            return Err("missing required time introducer 'T'".to_string());
        }
        reader.rest = reader.rest.get(1..).unwrap_or("");
        let hour = reader.digits(2, "hour")?;
        reader.expect(":", "hour-minute separator")?;
        let minute = reader.digits(2, "minute")?;
        reader.expect(":", "minute-second separator")?;
        let second = reader.digits(2, "second")?;
        let nanos = reader.fraction();
        let offset_seconds = reader.offset()?;
        if !(1..=12).contains(&month) {
            return Err("month must be between 1 and 12 inclusive".to_string());
        }
        if hour > 23 {
            return Err("hour must be between 0 and 23 inclusive".to_string());
        }
        if minute > 59 {
            return Err("minute must be between 0 and 59 inclusive".to_string());
        }
        if second > 59 {
            return Err("second must be between 0 and 59 inclusive".to_string());
        }
        let year = i64::from(year);
        if day == 0 || civil_from_days(days_from_civil(year, month, day)) != (year, month, day) {
            return Err("day out of range".to_string());
        }
        Ok(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanos,
            offset_seconds,
        })
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn digits(&mut self, count: usize, what: &str) -> Result<u32, String> {
        let digits = self.rest.get(..count).unwrap_or("");
        if digits.len() != count || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("the {what} must be {count} digits"));
        }
        self.rest = self.rest.get(count..).unwrap_or("");
        digits
            .parse()
            .map_err(|_| format!("the {what} must be {count} digits"))
    }

    fn expect(&mut self, wanted: &str, what: &str) -> Result<(), String> {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(format!("missing {what} {wanted:?}")),
        }
    }

    /// Nanoseconds after the point; further digits are cut.
    fn fraction(&mut self) -> u32 {
        let Some(after) = self.rest.strip_prefix('.') else {
            return 0;
        };
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        let digits = after.get(..count).unwrap_or("");
        self.rest = after.get(count..).unwrap_or("");
        let mut nanos = 0;
        for place in 0..9 {
            let digit = digits.as_bytes().get(place).map_or(0, |digit| digit - b'0');
            nanos = nanos * 10 + u32::from(digit);
        }
        nanos
    }

    fn offset(&mut self) -> Result<i64, String> {
        let wrong = "the UTC offset must be Z or like +01:00".to_string();
        if self.rest == "Z" {
            return Ok(0);
        }
        let sign = match self.rest.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(wrong),
        };
        self.rest = self.rest.get(1..).unwrap_or("");
        let hours = self.digits(2, "UTC offset").map_err(|_| wrong.clone())?;
        self.expect(":", "separator").map_err(|_| wrong.clone())?;
        let minutes = self.digits(2, "UTC offset").map_err(|_| wrong.clone())?;
        if !self.rest.is_empty() || hours > 23 || minutes > 59 {
            return Err(wrong);
        }
        Ok(sign * i64::from(hours * 3600 + minutes * 60))
    }
}

/// A point in time, in seconds since 1970, as text.
pub(super) fn utc(seconds: u64) -> String {
    let start = Timestamp {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        offset_seconds: 0,
    };
    let moment = start.at(i128::from(seconds) * NANOS_PER_SECOND);
    moment.unwrap_or(start).show()
}

/// A point in time as YAML writes it, in the form of the language; none when it is no such thing.
pub(super) fn of_yaml(text: &str) -> Option<String> {
    let digits = |text: &str, most: usize| -> Option<(u32, usize)> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text
            .get(..length)
            .filter(|_| (1..=most).contains(&length))?;
        Some((number.parse().ok()?, length))
    };
    let take = |rest: &mut &str, most: usize, separator: &str| -> Option<u32> {
        let (number, length) = digits(rest, most)?;
        *rest = rest.get(length..)?.strip_prefix(separator)?;
        Some(number)
    };
    let mut rest = text;
    let dashed = text.get(4..5) == Some("-");
    let year = take(&mut rest, 4, "-").filter(|_| dashed)?;
    let month = take(&mut rest, 2, "-")?;
    let (day, length) = digits(rest, 2)?;
    rest = rest.get(length..)?;
    let mut whole = format!("{year:04}-{month:02}-{day:02}T");
    if rest.is_empty() {
        whole.push_str("00:00:00Z");
    } else {
        let spaced = rest.starts_with(' ');
        rest = rest.strip_prefix(['T', 't', ' '])?;
        let hour = take(&mut rest, 2, ":")?;
        let minute = take(&mut rest, 2, ":")?;
        let (second, length) = digits(rest, 2)?;
        rest = rest.get(length..)?;
        whole.push_str(&format!("{hour:02}:{minute:02}:{second:02}"));
        if let Some(after) = rest.strip_prefix('.') {
            let places = after.bytes().take_while(u8::is_ascii_digit).count();
            rest = after.get(places..)?;
        }
        // After a blank, there is no offset, and the time is that of UTC.
        match (spaced, rest) {
            (true, "") => whole.push('Z'),
            (false, "Z") => whole.push('Z'),
            (false, offset) if !offset.is_empty() => whole.push_str(offset),
            _ => return None,
        }
    }
    Some(Timestamp::parse(&whole).ok()?.show())
}

fn timestamp(call: &Call<'_>, index: usize) -> Result<Timestamp, CallError> {
    Timestamp::parse(call.text(index)?)
        .map_err(|why| CallError::argument(index, format!("not a valid RFC3339 timestamp: {why}")))
}

fn timeadd(call: &Call<'_>) -> Result<Value, CallError> {
    let start = timestamp(call, 0).map_err(|error| CallError::new(error.message))?;
    let text = call.text(1)?;
    let nanos = duration_nanos(text).map_err(|why| {
        CallError::new(match why {
            Mistake::Duration => format!("time: invalid duration {}", call.shown(text)),
            Mistake::NoUnit => format!("time: missing unit in duration {}", call.shown(text)),
            Mistake::Unit(unit) => format!(
                "time: unknown unit {} in duration {}",
                call.shown(unit),
                call.shown(text)
            ),
        })
    })?;
    match start.at(start.instant() + nanos) {
        Some(moved) => Ok(Value::string(moved.show())),
        None => Err(CallError::new("the result is too far from the present")),
    }
}

/// What is wrong with a duration.
enum Mistake<'t> {
    Duration,
    NoUnit,
    Unit(&'t str),
}

/// A duration as Go writes them: a sequence of decimal numbers with units (`h`, `m`, `s`, `ms`, `us`, `ns`).
fn duration_nanos(text: &str) -> Result<i128, Mistake<'_>> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(Mistake::Duration);
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let in_number = |c: char| c.is_ascii_digit() || c == '.';
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        // One point at most belongs to the number; what follows is taken for the unit.
        let end = match rest
            .get(..end)
            .and_then(|number| number.match_indices('.').nth(1))
        {
            Some((second, _)) => second,
            None => end,
        };
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(Mistake::Duration);
        }
        let unit_end = after.find(in_number).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let mut scale = match unit {
            "" => return Err(Mistake::NoUnit),
            "ns" => 1_i128,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS_PER_SECOND,
            "m" => 60 * NANOS_PER_SECOND,
            "h" => 3600 * NANOS_PER_SECOND,
            other => return Err(Mistake::Unit(other)),
        };
        rest = after;
        let count: i128 = if whole.is_empty() {
            0
        } else {
            i128::from(whole.parse::<u64>().map_err(|_| Mistake::Duration)?)
        };
        total = count
            .checked_mul(scale)
            .and_then(|part| total.checked_add(part))
            .ok_or(Mistake::Duration)?;
        for digit in fraction.bytes() {
            scale /= 10;
            total += i128::from(digit - b'0') * scale;
        }
    }
    // The range of a duration is that of 64 bits of nanoseconds, about 292 years.
    i64::try_from(total).map_err(|_| Mistake::Duration)?;
    Ok(if negative { -total } else { total })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

fn formatdate(call: &Call<'_>) -> Result<Value, CallError> {
    let format = call.text(0)?;
    let time = timestamp(call, 1)?;
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = literal(rest, &mut out)
                .ok_or_else(|| CallError::argument(0, "unterminated literal '"))?;
        } else if first.is_ascii_alphabetic() {
            let length = rest.bytes().take_while(|byte| *byte == first as u8).count();
            let (verb, after) = rest.split_at(length);
            let piece = date_verb(verb, &time).map_err(|why| {
                CallError::argument(
                    0,
                    format!("invalid date format verb {}{why}", call.shown(verb)),
                )
            })?;
            out.push_str(&piece);
            rest = after;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
    }
    Ok(Value::string(out))
}

/// Text in single quotes, a doubled quote standing for one; what follows it, or none if it does not end.
fn literal<'t>(text: &'t str, out: &mut String) -> Option<&'t str> {
    let mut rest = text.get(1..)?;
    loop {
        let at = rest.find('\'')?;
        out.push_str(rest.get(..at)?);
        rest = rest.get(at + 1..)?;
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Some(rest),
        }
    }
}

fn date_verb(verb: &str, time: &Timestamp) -> Result<String, &'static str> {
    let weekday = days_from_civil(time.year, time.month, time.day).rem_euclid(7);
    let weekday = usize::try_from(weekday)
        .ok()
        .and_then(|day| WEEKDAYS.get(day))
        .unwrap_or(&"");
    let month = usize::try_from(time.month)
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let month = month.unwrap_or(&"");
    let short = |name: &str| name.get(..3).unwrap_or(name).to_string();
    let twelve = if time.hour.is_multiple_of(12) {
        12
    } else {
        time.hour % 12
    };
    Ok(match verb {
        "YYYY" => format!("{:04}", time.year),
        "YY" => format!("{:02}", time.year % 100),
        "M" => time.month.to_string(),
        "MM" => format!("{:02}", time.month),
        "MMM" => short(month),
        "MMMM" => (*month).to_string(),
        "D" => time.day.to_string(),
        "DD" => format!("{:02}", time.day),
        "EEE" => short(weekday),
        "EEEE" => (*weekday).to_string(),
        "h" => time.hour.to_string(),
        "hh" => format!("{:02}", time.hour),
        "H" => twelve.to_string(),
        "HH" => format!("{twelve:02}"),
        "AA" => (if time.hour < 12 { "AM" } else { "PM" }).to_string(),
        "aa" => (if time.hour < 12 { "am" } else { "pm" }).to_string(),
        "m" => time.minute.to_string(),
        "mm" => format!("{:02}", time.minute),
        "s" => time.second.to_string(),
        "ss" => format!("{:02}", time.second),
        "Z" if time.offset_seconds == 0 => "Z".to_string(),
        "ZZZ" if time.offset_seconds == 0 => "UTC".to_string(),
        "Z" | "ZZZZZ" => time.offset(":"),
        "ZZZ" | "ZZZZ" => time.offset(""),
        _ => {
            return Err(match verb.as_bytes().first() {
                Some(b'Y') => ": year must either be \"YY\" or \"YYYY\"",
                Some(b'M') => ": month must be \"M\", \"MM\", \"MMM\", or \"MMMM\"",
                Some(b'D') => ": day of month must either be \"D\" or \"DD\"",
                Some(b'E') => ": day of week must either be \"EEE\" or \"EEEE\"",
                Some(b'h') => ": 24-hour must either be \"h\" or \"hh\"",
                Some(b'H') => ": 12-hour must either be \"H\" or \"HH\"",
                Some(b'A') => ": must be \"AA\"",
                Some(b'a') => ": must be \"aa\"",
                Some(b'm') => ": minute must either be \"m\" or \"mm\"",
                Some(b's') => ": second must either be \"s\" or \"ss\"",
                Some(b'Z') => ": timezone must be Z, ZZZZ, or ZZZZZ",
                _ => "",
            });
        }
    })
}
