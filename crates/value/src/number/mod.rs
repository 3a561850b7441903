//! Exact numbers, as the language has them: binary floating point with 512 bits of mantissa, rounded half to even.
//!
//! Small integers are kept inline; everything else is shared. The representation is canonical (equal numbers have equal
//! representations), so equality, order and hash can be relied on in books and digests. There is no infinity, no NaN
//! and no negative zero: what would give one is an error.
//!
//! [`decimal`](self) text is in `decimal.rs`; this file is arithmetic.

mod decimal;

use crate::limits::{NUMBER_EXPONENT_BITS_MAX, NUMBER_MANTISSA_BITS};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::cmp::Ordering;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of the language.
///
/// Serialised as an integer when it is one that fits 64 bits with sign, otherwise as the shortest decimal text that
/// reads back as the same number, in every format alike.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

/// Canonical: an integer that fits is always `Small`, a mantissa is always odd.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big(Arc<Big>),
}

/// `mantissa * 2^exponent`.
#[derive(PartialEq, Eq, Hash)]
struct Big {
    mantissa: BigInt,
    exponent: i64,
}

/// Why there is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// The text is not a decimal number.
    Syntax,
    /// Further from the point than [`crate::limits::NUMBER_EXPONENT_BITS_MAX`].
    OutOfRange,
    /// Division by zero.
    DivisionByZero,
    /// Not a number, or not finite.
    NotFinite,
}

impl core::fmt::Display for NumberError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Syntax => "a number is required",
            Self::OutOfRange => "the number is too large or too close to zero",
            Self::DivisionByZero => "dividing by zero is not allowed",
            Self::NotFinite => "the result is not a finite number",
        })
    }
}

impl core::error::Error for NumberError {}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self(Repr::Small(0));
    /// One.
    pub const ONE: Self = Self(Repr::Small(1));

    /// `mantissa * 2^exponent`, rounded half to even; `inexact` says that something nonzero lies below the last bit.
    ///
    /// A caller that sets `inexact` must give more than the mantissa's bits, so that the rounding bit is present.
    fn rounded(mantissa: BigInt, exponent: i64, inexact: bool) -> Result<Self, NumberError> {
        let (sign, magnitude) = mantissa.into_parts();
        if magnitude.is_zero() {
            return Ok(Self::ZERO);
        }
        let bits = magnitude.bits();
        let (mut magnitude, mut exponent) = if bits > NUMBER_MANTISSA_BITS {
            let cut = bits - NUMBER_MANTISSA_BITS;
            let half = magnitude.bit(cut - 1);
            let below = inexact
                || magnitude
                    .trailing_zeros()
                    .is_some_and(|zeros| zeros < cut - 1);
            let mut kept = magnitude >> cut;
            if half && (below || kept.is_odd()) {
                kept += BigUint::one();
            }
            (kept, exponent.saturating_add_unsigned(cut))
        } else {
            (magnitude, exponent)
        };
        if let Some(zeros) = magnitude.trailing_zeros().filter(|zeros| *zeros > 0) {
            magnitude >>= zeros;
            exponent = exponent.saturating_add_unsigned(zeros);
        }
        let leading = exponent.saturating_add_unsigned(magnitude.bits());
        if leading.unsigned_abs() > NUMBER_EXPONENT_BITS_MAX.unsigned_abs() {
            return Err(NumberError::OutOfRange);
        }
        let mantissa = BigInt::from_biguint(sign, magnitude);
        if (0..64).contains(&exponent)
            && let Some(small) = (&mantissa << exponent).to_i64()
        {
            return Ok(Self(Repr::Small(small)));
        }
        Ok(Self(Repr::Big(Arc::new(Big { mantissa, exponent }))))
    }

    /// As mantissa and exponent of two.
    fn parts(&self) -> (BigInt, i64) {
        match &self.0 {
            Repr::Small(small) => (BigInt::from(*small), 0),
            Repr::Big(big) => (big.mantissa.clone(), big.exponent),
        }
    }

    /// Both mantissas over the smaller of the exponents.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let (left, left_exponent) = self.parts();
        let (right, right_exponent) = other.parts();
        let exponent = left_exponent.min(right_exponent);
        (
            left << left_exponent.abs_diff(exponent),
            right << right_exponent.abs_diff(exponent),
            exponent,
        )
    }

    /// The integer of this size, rounded to the mantissa.
    ///
    /// # Errors
    /// [`NumberError::OutOfRange`].
    pub fn from_bigint(value: BigInt) -> Result<Self, NumberError> {
        Self::rounded(value, 0, false)
    }

    /// The number whose shortest decimal text is that of `value`: 0.1 gives exactly what the text `0.1` gives, so that
    /// a number which passed through a double prints as before.
    ///
    /// # Errors
    /// [`NumberError::NotFinite`] for infinities and NaN.
    pub fn from_f64(value: f64) -> Result<Self, NumberError> {
        if !value.is_finite() {
            return Err(NumberError::NotFinite);
        }
        alloc::format!("{value}").parse()
    }

    /// The nearest double; infinite beyond its range.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(small) if small.unsigned_abs() < 1 << 53 => *small as f64,
            _ => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`NumberError::OutOfRange`].
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(left), Repr::Small(right)) = (&self.0, &other.0)
            && let Some(sum) = left.checked_add(*right)
        {
            return Ok(sum.into());
        }
        let (left, right, exponent) = self.aligned(other);
        Self::rounded(left + right, exponent, false)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`NumberError::OutOfRange`].
    pub fn subtract(&self, other: &Self) -> Result<Self, NumberError> {
        self.add(&other.negate())
    }

    /// The product.
    ///
    /// # Errors
    /// [`NumberError::OutOfRange`].
    pub fn multiply(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(left), Repr::Small(right)) = (&self.0, &other.0)
            && let Some(product) = left.checked_mul(*right)
        {
            return Ok(product.into());
        }
        let (left, left_exponent) = self.parts();
        let (right, right_exponent) = other.parts();
        Self::rounded(left * right, left_exponent + right_exponent, false)
    }

    /// The quotient.
    ///
    /// # Errors
    /// [`NumberError::DivisionByZero`], [`NumberError::OutOfRange`].
    pub fn divide(&self, other: &Self) -> Result<Self, NumberError> {
        if other.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let (left, left_exponent) = self.parts();
        let (right, right_exponent) = other.parts();
        let (quotient, shift, inexact) = quotient(left, &right);
        Self::rounded(quotient, left_exponent - right_exponent - shift, inexact)
    }

    /// `self - other * trunc(self / other)`: the remainder with the sign of `self`.
    ///
    /// # Errors
    /// [`NumberError::DivisionByZero`], [`NumberError::OutOfRange`].
    pub fn remainder(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Small(left), Repr::Small(right)) = (&self.0, &other.0)
            && *right != 0
        {
            return Ok(left.checked_rem(*right).unwrap_or(0).into());
        }
        if *other == Self::ZERO {
            return Ok(self.clone());
        }
        self.subtract(&other.multiply(&self.divide(other)?.truncate())?)
    }

    /// The same distance from zero on the other side.
    #[must_use]
    pub fn negate(&self) -> Self {
        match &self.0 {
            Repr::Small(small) => match small.checked_neg() {
                Some(small) => small.into(),
                None => Self(Repr::Big(Arc::new(Big {
                    mantissa: BigInt::one(),
                    exponent: 63,
                }))),
            },
            // 2^63 is big and its negative small, so the way leads through the canonical form.
            Repr::Big(big) => match Self::rounded(-&big.mantissa, big.exponent, false) {
                Ok(negated) => negated,
                Err(_) => self.clone(),
            },
        }
    }

    /// The distance from zero.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() {
            self.negate()
        } else {
            self.clone()
        }
    }

    /// The greatest integer that is not greater.
    #[must_use]
    pub fn floor(&self) -> Self {
        self.to_integer(|mantissa, unit| mantissa.div_floor(unit))
    }

    /// The smallest integer that is not smaller.
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.to_integer(|mantissa, unit| mantissa.div_ceil(unit))
    }

    /// The integer part.
    #[must_use]
    pub fn truncate(&self) -> Self {
        self.to_integer(|mantissa, unit| mantissa / unit)
    }

    fn to_integer(&self, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Self {
        match &self.0 {
            Repr::Big(big) if big.exponent < 0 => {
                let unit = BigInt::one() << big.exponent.unsigned_abs();
                // An integer part is never further from the point than the number, except that it may carry to the
                // next power of two, which still has room: `rounded` fails only for the largest number there is.
                Self::rounded(divide(&big.mantissa, &unit), 0, false)
                    .unwrap_or_else(|_| self.clone())
            }
            _ => self.clone(),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.0 == Repr::Small(0)
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small(small) => *small < 0,
            Repr::Big(big) => big.mantissa.is_negative(),
        }
    }

    /// Whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small(_) => true,
            Repr::Big(big) => big.exponent >= 0,
        }
    }

    /// The same number as an integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(_) => None,
        }
    }

    /// The same number as an unsigned integer, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Big(_) => self.to_bigint()?.to_u64(),
        }
    }

    /// The same number as a size, if it is one and fits.
    pub fn as_usize(&self) -> Option<usize> {
        usize::try_from(self.as_u64()?).ok()
    }

    /// The same number as an integer of any size, if it is one.
    pub fn to_bigint(&self) -> Option<BigInt> {
        match &self.0 {
            Repr::Small(small) => Some(BigInt::from(*small)),
            Repr::Big(big) if big.exponent >= 0 => Some(&big.mantissa << big.exponent),
            Repr::Big(_) => None,
        }
    }

    /// Decimal text with this many digits after the point, rounded half to even on the exact value.
    pub fn to_fixed(&self, decimals: usize) -> String {
        decimal::fixed(self, decimals)
    }

    /// The first `digits` significant decimal digits, rounded half to even on the exact value, and the decimal exponent
    /// of the first of them: what scientific notation needs.
    pub fn to_scientific(&self, digits: usize) -> (String, i64) {
        decimal::scientific(self, digits)
    }

    /// The digits of the shortest decimal text that reads back as this number, and the exponent of the first of them.
    pub fn shortest_digits(&self) -> (String, i64) {
        decimal::shortest(self)
    }
}

/// Integer quotient with at least two bits more than a mantissa, the binary places it was shifted by, and whether
/// something remained.
fn quotient(left: BigInt, right: &BigInt) -> (BigInt, i64, bool) {
    let shift = (NUMBER_MANTISSA_BITS + 2 + right.bits()).saturating_sub(left.bits());
    let (quotient, remainder) = (left << shift).div_rem(right);
    (
        quotient,
        i64::try_from(shift).unwrap_or(i64::MAX),
        !remainder.is_zero(),
    )
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Small(left), Repr::Small(right)) = (&self.0, &other.0) {
            return left.cmp(right);
        }
        let (left, right, _) = self.aligned(other);
        left.cmp(&right)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Repr::Small(value))
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        i64::from(value).into()
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        i64::from(value).into()
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        match i64::try_from(value) {
            Ok(small) => small.into(),
            Err(_) => {
                let zeros = value.trailing_zeros();
                Self(Repr::Big(Arc::new(Big {
                    mantissa: BigInt::from(value >> zeros),
                    exponent: i64::from(zeros),
                })))
            }
        }
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        (value as u64).into()
    }
}

impl core::str::FromStr for Number {
    type Err = NumberError;

    /// Reads decimal text: sign, digits with at most one point, exponent.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let decimal = decimal::Decimal::parse(text)?;
        let digits = BigInt::from_biguint(
            if decimal.negative {
                Sign::Minus
            } else {
                Sign::Plus
            },
            decimal.digits,
        );
        let scale = num_traits::pow(
            BigInt::from(10),
            usize::try_from(decimal.exponent.unsigned_abs())
                .map_err(|_| NumberError::OutOfRange)?,
        );
        if decimal.exponent >= 0 {
            return Self::rounded(digits * scale, 0, false);
        }
        let (quotient, shift, inexact) = quotient(digits, &scale);
        Self::rounded(quotient, -shift, inexact)
    }
}

impl core::fmt::Display for Number {
    /// The shortest decimal text that reads back as the same number, without exponent.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.0 {
            Repr::Small(small) => core::fmt::Display::fmt(small, f),
            Repr::Big(_) => f.pad_integral(!self.is_negative(), "", &decimal::plain(self)),
        }
    }
}

impl core::fmt::Debug for Number {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Small(small) => serializer.serialize_i64(*small),
            Repr::Big(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an integer or decimal text")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(value.into())
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(value.into())
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Number, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
