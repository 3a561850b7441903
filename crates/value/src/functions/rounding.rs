//! Powers and logarithms, rounded where the language this one follows rounds them.
//!
//! What is rounded on the way is part of the result, so each of these takes the same steps: not the ones that come
//! nearest to the exact result, and not those of every other mathematical library.

/// By repeated squaring of the mantissa, with the exponent apart: what is rounded on the way is part of the result, and
/// has to be rounded in the same places as in the language this one follows.
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    let plain = base == 0.0 || !base.is_finite() || !exponent.is_finite() || exponent == 0.0;
    let whole = libm::trunc(libm::fabs(exponent));
    // The last two are far outside of what is finite.
    if plain || base == 1.0 || whole >= 9.2e18 {
        return libm::pow(base, exponent);
    }
    if exponent == 0.5 {
        return libm::sqrt(base);
    }
    if exponent == -0.5 {
        return 1.0 / libm::sqrt(base);
    }
    let mut left = whole as u64;
    let mut fraction = libm::fabs(exponent) - whole;
    if fraction != 0.0 && base < 0.0 {
        return f64::NAN;
    }
    let mut result = 1.0;
    let mut result_exponent = 0_i32;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            left += 1;
        }
        result = exponential(fraction * logarithm(base));
    }
    let (mut square, mut square_exponent) = libm::frexp(base);
    while left != 0 {
        if !(-4096..=4096).contains(&square_exponent) {
            result_exponent += square_exponent;
            break;
        }
        if left & 1 == 1 {
            result *= square;
            result_exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if exponent < 0.0 {
        result = 1.0 / result;
        result_exponent = -result_exponent;
    }
    libm::ldexp(result, result_exponent)
}

/// The natural logarithm: that of the mantissa by a polynomial in `(m - 1) / (m + 1)`, and the exponent times that of
/// two in two parts. The method and its coefficients are those of fdlibm (`e_log.c`).
#[expect(clippy::excessive_precision, reason = "as they are published")]
pub(super) fn logarithm(number: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
    const ODD: [f64; 4] = [
        1.479_819_860_511_658_591e-1,
        1.818_357_216_161_805_012e-1,
        2.857_142_874_366_239_149e-1,
        6.666_666_666_666_735_130e-1,
    ];
    const EVEN: [f64; 3] = [
        1.531_383_769_920_937_332e-1,
        2.222_219_843_214_978_396e-1,
        3.999_999_999_940_941_908e-1,
    ];
    if !number.is_finite() || number <= 0.0 {
        return libm::log(number);
    }
    let (mut mantissa, mut exponent) = libm::frexp(number);
    if mantissa < core::f64::consts::FRAC_1_SQRT_2 {
        mantissa *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (mantissa - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let (s2, s4) = (s * s, (s * s) * (s * s));
    let polynomial = |coefficients: &[f64]| {
        let sum = coefficients.iter().copied();
        sum.reduce(|sum, next| next + s4 * sum).unwrap_or_default()
    };
    let rest = s2 * polynomial(&ODD) + s4 * polynomial(&EVEN);
    let half = 0.5 * f * f;
    k * LN2_HIGH - ((half - (s * (half + rest) + k * LN2_LOW)) - f)
}

/// `e` to the power of a number, by a Taylor series of a sixteenth of what is left of it without multiples of `ln 2`,
/// and four doublings (N. Shibata, Efficient evaluation methods of elementary functions suitable for SIMD computation,
/// 2010), with multiplications and additions that are rounded once.
fn exponential(number: f64) -> f64 {
    const LN2_HIGH: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
    const LN2_LOW: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;
    const TAYLOR: [f64; 8] = [
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
        1.0,
    ];
    // Beyond, nothing but infinity, nothing, or what has lost its precision.
    if !(-700.0..=700.0).contains(&number) {
        return libm::exp(number);
    }
    let multiples = libm::rint(number * core::f64::consts::LOG2_E);
    let left = libm::fma(-multiples, LN2_HIGH, number);
    let left = libm::fma(-multiples, LN2_LOW, left) * 0.0625;
    let series = TAYLOR.into_iter();
    let sum = series.reduce(|sum, next| libm::fma(sum, left, next));
    // `e` to the power of it, less one: squaring that needs no one to be subtracted.
    let mut less_one = left * sum.unwrap_or_default();
    for _ in 0..3 {
        less_one *= less_one + 2.0;
    }
    let result = libm::fma(less_one, less_one + 2.0, 1.0);
    libm::ldexp(result, multiples as i32)
}
