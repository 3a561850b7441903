//! Numbers against exact integers and fractions, and their decimal text.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test relies on may end it"
)]

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use proptest::prelude::*;
use value::{Number, NumberError};

fn number(text: &str) -> Number {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `numerator / 2^shift`, which every [`Number`] of moderate size is.
fn fraction(value: &Number) -> (BigInt, u32) {
    let mut scaled = value.clone();
    for shift in 0..4096 {
        if let Some(integer) = scaled.to_bigint() {
            return (integer, shift);
        }
        scaled = scaled.add(&scaled).expect("in range");
    }
    panic!("{value} is no moderate number");
}

/// Numbers with integer and fraction parts whose sums and products are exact in 512 bits.
fn moderate() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        (-1000_i64..1000).prop_map(Number::from),
        (any::<i64>(), 0_u32..60).prop_map(|(mantissa, shift)| {
            let unit = (0..shift).fold(Number::ONE, |all, _| all.add(&all).expect("small"));
            Number::from(mantissa).divide(&unit).expect("not zero")
        }),
    ]
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_fractions(left in moderate(), right in moderate()) {
        let ((a, m), (b, n)) = (fraction(&left), fraction(&right));
        let check = |result: Number, numerator: BigInt, shift: u32| {
            let (c, k) = fraction(&result);
            prop_assert_eq!(c << shift, numerator << k);
            Ok(())
        };
        check(left.add(&right).expect("in range"), (&a << n) + (&b << m), m + n)?;
        check(left.subtract(&right).expect("in range"), (&a << n) - (&b << m), m + n)?;
        check(left.multiply(&right).expect("in range"), &a * &b, m + n)?;
        prop_assert_eq!(left.cmp(&right), (&a << n).cmp(&(&b << m)));
        prop_assert_eq!(left == right, (&a << n) == (&b << m));
        if !b.is_zero() {
            let rest = left.remainder(&right).expect("not zero");
            prop_assert!(rest.abs() < right.abs());
            prop_assert!(rest.is_zero() || rest.is_negative() == left.is_negative());
            check(rest, (&a << n) % (&b << m), m + n)?;
        }
        check(left.floor(), num_integer::Integer::div_floor(&a, &(BigInt::from(1) << m)), 0)?;
        check(left.ceil(), num_integer::Integer::div_ceil(&a, &(BigInt::from(1) << m)), 0)?;
        prop_assert_eq!(left.is_negative(), a.is_negative());
    }

    #[test]
    fn division_is_nearest(left in any::<i64>(), right in any::<i64>().prop_filter("not zero", |r| *r != 0)) {
        // |q * right - left| is at most half of the last of 512 bits of q, times right.
        let quotient = Number::from(left).divide(&Number::from(right)).expect("not zero");
        let (q, shift) = fraction(&quotient);
        let error = (q.clone() * right - (BigInt::from(left) << shift)).abs() * 2;
        let ulp = BigInt::from(1) << q.bits().saturating_sub(512);
        prop_assert!(error <= ulp * BigInt::from(right).abs());
    }

    #[test]
    fn text_reads_back(mantissa in any::<i128>(), exponent in -400_i32..400) {
        let value = number(&format!("{mantissa}e{exponent}"));
        prop_assert_eq!(number(&value.to_string()), value.clone());
        // And so do numbers that no short text gives.
        let third = value.divide(&Number::from(3)).expect("not zero");
        prop_assert_eq!(number(&third.to_string()), third);
    }

    #[test]
    fn short_text_is_kept(whole in any::<u64>(), fraction in 1_u64..1_000_000_000) {
        let text = format!("{whole}.{fraction:09}");
        let text = text.trim_end_matches('0');
        prop_assert_eq!(number(text).to_string(), text);
        prop_assert_eq!(number(&format!("-{text}")).to_string(), format!("-{text}"));
    }

    #[test]
    fn doubles_pass_through_as_they_print(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let exact = Number::from_f64(value).expect("finite");
        prop_assert_eq!(exact.to_f64(), value);
        let printed = format!("{value}");
        prop_assert_eq!(exact.to_string(), if printed == "-0" { "0".to_string() } else { printed });
    }

    #[test]
    fn integers_are_integers(value in any::<i64>(), unsigned in any::<u64>()) {
        prop_assert_eq!(Number::from(value).as_i64(), Some(value));
        prop_assert_eq!(Number::from(unsigned).as_u64(), Some(unsigned));
        prop_assert_eq!(Number::from(unsigned).to_string(), unsigned.to_string());
        prop_assert_eq!(number(&unsigned.to_string()), Number::from(unsigned));
        prop_assert_eq!(Number::from(value).negate().negate(), Number::from(value));
        prop_assert_eq!(format!("{:06}", Number::from(value)), format!("{value:06}"));
    }
}

#[test]
fn text_that_is_no_number_and_numbers_out_of_range() {
    for text in [
        "", "+", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", "inf", "NaN", " 1", "1 ", "1.2.3",
        "١",
    ] {
        assert_eq!(text.parse::<Number>(), Err(NumberError::Syntax), "{text:?}");
    }
    for text in [
        "1e999999999",
        "1e99999999999999999999",
        "1e-99999",
        "-1e30000",
        "1e20000",
    ] {
        assert_eq!(
            text.parse::<Number>(),
            Err(NumberError::OutOfRange),
            "{text:?}"
        );
    }
    for text in ["0", "-0", "0.000", "0e999", "00", "+0"] {
        assert_eq!(number(text), Number::ZERO, "{text:?}");
    }
    let large = number("1e19000");
    assert_eq!(large.multiply(&large), Err(NumberError::OutOfRange));
    assert_eq!(
        number("1e-19000").multiply(&number("1e-19000")),
        Err(NumberError::OutOfRange)
    );
    assert_eq!(
        Number::ONE.divide(&Number::ZERO),
        Err(NumberError::DivisionByZero)
    );
    assert_eq!(
        number(&format!("1{}e-20000", "0".repeat(20_000))),
        Number::ONE
    );
}

#[test]
fn the_borders_of_the_small_form_are_no_borders() {
    let max = Number::from(i64::MAX);
    let beyond = max.add(&Number::ONE).expect("in range");
    assert_eq!(beyond.to_string(), "9223372036854775808");
    assert_eq!(beyond.as_i64(), None);
    assert_eq!(beyond.as_u64(), Some(1 << 63));
    assert_eq!(beyond.negate(), Number::from(i64::MIN));
    assert_eq!(Number::from(i64::MIN).negate(), beyond);
    assert_eq!(beyond.subtract(&Number::ONE).expect("in range"), max);
    assert!(max < beyond && beyond.negate() < max.negate());
    assert_eq!(
        Number::from(i64::MIN).remainder(&Number::from(-1)),
        Ok(Number::ZERO)
    );
    assert_eq!(Number::from(i64::MIN).divide(&Number::from(-1)), Ok(beyond));
}

#[test]
fn fixed_and_scientific_round_half_to_even() {
    let cases = [
        ("0.5", 0, "0"),
        ("1.5", 0, "2"),
        ("2.5", 0, "2"),
        ("0.05", 1, "0.1"),
        ("0.25", 1, "0.2"),
        ("-3.14159", 2, "-3.14"),
        ("999.999", 2, "1000.00"),
        ("0.0004", 2, "0.00"),
        ("1e3", 1, "1000.0"),
        ("0.06", 1, "0.1"),
        ("0.04", 1, "0.0"),
        ("9.96", 1, "10.0"),
    ];
    for (text, decimals, expected) in cases {
        assert_eq!(
            number(text).to_fixed(decimals),
            expected,
            "{text} to {decimals}"
        );
    }
    assert_eq!(number("12345").to_scientific(3), ("123".to_string(), 4));
    assert_eq!(
        number("0.00099999").to_scientific(2),
        ("10".to_string(), -3)
    );
    assert_eq!(Number::ZERO.to_scientific(3), ("000".to_string(), 0));
}

#[test]
fn ties_go_to_the_even_mantissa() {
    // 2^512 + 1 and + 3 lie halfway between two numbers of 512 bits each.
    let base = BigInt::from(1) << 512;
    let rounded = |offset: u32| Number::from_bigint(&base + offset).expect("in range");
    assert_eq!(rounded(1), rounded(0));
    assert_eq!(rounded(3), rounded(4));
    assert_ne!(rounded(2), rounded(4));
    // Neighbours four apart: the tens between some of them are exactly halfway, so only an even mantissa may be printed
    // with the shorter text.
    let base = BigInt::from(1) << 513;
    for step in 0..100_u32 {
        let value = Number::from_bigint(&base + step * 4).expect("in range");
        assert_eq!(number(&value.to_string()), value, "2^513 + {}", step * 4);
    }
}

#[test]
fn powers_of_two_and_their_neighbours_read_back() {
    // The distance to the next number changes at a power of two, which is where printing goes wrong first.
    let two = Number::from(2);
    let (mut up, mut down) = (Number::ONE, Number::ONE);
    for power in 0..1_500 {
        for value in [&up, &down] {
            assert_eq!(&number(&value.to_string()), value, "2^±{power}");
            for factor in ["1.0000001", "0.9999999"] {
                let near = value.multiply(&number(factor)).expect("in range");
                assert_eq!(number(&near.to_string()), near, "2^±{power} * {factor}");
            }
        }
        up = up.multiply(&two).expect("in range");
        down = down.divide(&two).expect("in range");
    }
    // The numbers right before and after powers of two beyond the exact integers.
    for shift in 512..600_u32 {
        let power = BigInt::from(1) << shift;
        let (below, above) = (
            BigInt::from(1) << (shift - 512),
            BigInt::from(1) << (shift - 511),
        );
        for exact in [&power - below, power.clone(), &power + above] {
            let value = Number::from_bigint(exact.clone()).expect("in range");
            assert_eq!(value.to_bigint(), Some(exact));
            assert_eq!(number(&value.to_string()), value, "near 2^{shift}");
        }
    }
}
