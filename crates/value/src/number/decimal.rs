//! Numbers as decimal text: reading, and printing in the shortest form that reads back as the same number.

use super::{Number, NumberError};
use crate::limits::{
    NUMBER_DECIMAL_EXPONENT_MAX, NUMBER_EXPONENT_BITS_MAX, NUMBER_MANTISSA_BITS,
    NUMBER_TEXT_BYTES_MAX,
};
use alloc::string::String;
use alloc::vec::Vec;
use num_bigint::BigUint;
use num_traits::{One, Zero};

/// `digits * 10^exponent` with a sign.
pub(super) struct Decimal {
    pub(super) negative: bool,
    pub(super) digits: BigUint,
    pub(super) exponent: i64,
}

impl Decimal {
    /// Reads `[+-] digits [. digits] [e [+-] digits]` with at least one digit.
    pub(super) fn parse(text: &str) -> Result<Self, NumberError> {
        if text.len() > NUMBER_TEXT_BYTES_MAX {
            return Err(NumberError::OutOfRange);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (significand, exponent) = match rest.find(['e', 'E']) {
            Some(at) => {
                let (significand, exponent) = rest.split_at(at);
                (
                    significand,
                    parse_exponent(exponent.get(1..).unwrap_or(""))?,
                )
            }
            None => (rest, 0),
        };
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        let mut digits = String::with_capacity(whole.len() + fraction.len());
        digits.push_str(whole);
        digits.push_str(fraction.trim_end_matches('0'));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction)
        {
            return Err(NumberError::Syntax);
        }
        let places = fraction.trim_end_matches('0').len();
        let digits = if digits.is_empty() {
            BigUint::zero()
        } else {
            BigUint::parse_bytes(digits.as_bytes(), 10).ok_or(NumberError::Syntax)?
        };
        if digits.is_zero() {
            return Ok(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let exponent =
            exponent.saturating_sub(i64::try_from(places).map_err(|_| NumberError::OutOfRange)?);
        // The leading digit decides the range; a long text with a large opposite exponent may still be in it.
        if exponent.unsigned_abs()
            > NUMBER_EXPONENT_BITS_MAX
                .unsigned_abs()
                .saturating_add(NUMBER_TEXT_BYTES_MAX as u64)
        {
            return Err(NumberError::OutOfRange);
        }
        Ok(Self {
            negative,
            digits,
            exponent,
        })
    }
}

fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let exponent = digits.trim_start_matches('0').parse::<i64>().or(
        if digits.bytes().all(|byte| byte == b'0') {
            Ok(0)
        } else {
            Err(NumberError::OutOfRange)
        },
    )?;
    if exponent > NUMBER_DECIMAL_EXPONENT_MAX {
        return Err(NumberError::OutOfRange);
    }
    Ok(if negative { -exponent } else { exponent })
}

/// Significant digits as ASCII without leading or trailing zeros, and how many of them stand before the point.
struct Digits {
    digits: Vec<u8>,
    point: i64,
}

impl Digits {
    /// The exact decimal form of `magnitude * 2^exponent`.
    fn exact(magnitude: &BigUint, exponent: i64) -> Self {
        let (integer, shift) = if exponent >= 0 {
            (magnitude << exponent, 0)
        } else {
            // x / 2^k = x * 5^k / 10^k.
            let power = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
            (
                magnitude * num_traits::pow(BigUint::from(5_u8), power),
                exponent,
            )
        };
        let mut digits = integer.to_str_radix(10).into_bytes();
        let point = i64::try_from(digits.len()).unwrap_or(i64::MAX) + shift;
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Self { digits, point }
    }

    fn at(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(b'0')
    }

    /// Keeps `count` digits, without rounding.
    fn cut(mut self, count: usize) -> Self {
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        self
    }

    /// Keeps `count` digits, rounded away from zero.
    fn cut_up(mut self, count: usize) -> Self {
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(b'1');
                self.point += 1;
            }
        }
        self
    }

    /// Keeps `count` digits, rounded half to even.
    fn round(self, count: usize) -> Self {
        let next = self.at(count);
        let tie = next == b'5' && self.digits.len() == count + 1;
        let odd = count > 0 && (self.at(count - 1) - b'0') % 2 == 1;
        if self.digits.len() <= count {
            self
        } else if next > b'5' || (next == b'5' && (!tie || odd)) {
            self.cut_up(count)
        } else {
            self.cut(count)
        }
    }

    /// Text without exponent, with at least `decimals` digits after the point.
    fn plain(&self, negative: bool, decimals: usize) -> String {
        let mut text = String::new();
        if negative {
            text.push('-');
        }
        let whole = usize::try_from(self.point).unwrap_or(0);
        for index in 0..whole {
            text.push(self.at(index).into());
        }
        if whole == 0 {
            text.push('0');
        }
        let zeros = usize::try_from(-self.point).unwrap_or(0);
        let given = self.digits.len().saturating_sub(whole) + if whole == 0 { zeros } else { 0 };
        let places = if self.digits.is_empty() {
            decimals
        } else {
            given.max(decimals)
        };
        if places > 0 {
            text.push('.');
        }
        for place in 0..places {
            let digit = if place < zeros {
                b'0'
            } else {
                self.at(place - zeros + whole)
            };
            text.push(digit.into());
        }
        text
    }
}

fn exact(number: &Number) -> Digits {
    let (mantissa, exponent) = number.parts();
    Digits::exact(mantissa.magnitude(), exponent)
}

/// The shortest digits between the midpoints to the neighbouring numbers, nearest to the exact value among those of
/// equal length: the rule of Go's `big.Float`, which the language prints by, but for one thing. Below a power of two
/// the neighbour is only half as far as above; Go takes both for equally far, so that 2^513 prints as the number before
/// it. Books hold this text, so here it has to read back.
fn shortest_form(number: &Number) -> Digits {
    let (mantissa, exponent) = number.parts();
    let magnitude = mantissa.magnitude();
    let bits = magnitude.bits();
    if bits == 0 || (exponent >= 0 && bits.saturating_add_signed(exponent) <= NUMBER_MANTISSA_BITS)
    {
        return Digits::exact(magnitude, exponent);
    }
    // One bit more than a mantissa: the last bit is then half of the distance between neighbours.
    let shift = (NUMBER_MANTISSA_BITS + 1).saturating_sub(bits);
    let middle = magnitude << shift;
    let exponent = exponent.saturating_sub_unsigned(shift);
    let even = !middle.bit(1);
    // And one bit more again, for the quarter below a power of two (whose odd mantissa is one).
    let half = BigUint::from(2_u8);
    let below = if bits == 1 {
        BigUint::one()
    } else {
        half.clone()
    };
    let middle = middle << 1_u8;
    let exponent = exponent.saturating_sub(1);
    let lower = Digits::exact(&(&middle - below), exponent);
    let upper = Digits::exact(&(&middle + half), exponent);
    let value = Digits::exact(&middle, exponent);
    for index in 0..value.digits.len() {
        let (low, digit, high) = (lower.at(index), value.at(index), upper.at(index));
        let down = low != digit || (even && index + 1 == lower.digits.len());
        let up = digit != high && (even || digit + 1 < high || index + 1 < upper.digits.len());
        match (down, up) {
            (true, true) => return value.round(index + 1),
            (true, false) => return value.cut(index + 1),
            (false, true) => return value.cut_up(index + 1),
            (false, false) => {}
        }
    }
    value
}

/// Shortest text without exponent and without sign of its own handling: the sign is left to the caller.
pub(super) fn plain(number: &Number) -> String {
    shortest_form(number).plain(false, 0)
}

pub(super) fn shortest(number: &Number) -> (String, i64) {
    let form = shortest_form(number);
    (
        form.digits.iter().map(|digit| char::from(*digit)).collect(),
        form.point - 1,
    )
}

pub(super) fn fixed(number: &Number, decimals: usize) -> String {
    let exact = exact(number);
    let places = i64::try_from(decimals).unwrap_or(i64::MAX);
    let rounded = match usize::try_from(exact.point.saturating_add(places)) {
        Ok(count) => exact.round(count),
        Err(_) => Digits {
            digits: Vec::new(),
            point: 0,
        },
    };
    rounded.plain(number.is_negative(), decimals)
}

pub(super) fn scientific(number: &Number, digits: usize) -> (String, i64) {
    let rounded = exact(number).round(digits);
    let exponent = if rounded.digits.is_empty() {
        0
    } else {
        rounded.point - 1
    };
    let text = (0..digits)
        .map(|index| char::from(rounded.at(index)))
        .collect();
    (text, exponent)
}
