//! The only door to floating-point functions.
//!
//! Addition, multiplication, division and square root are exact in IEEE 754, so
//! every platform agrees on them. `ln`, `exp` and their kin are not: each
//! platform's library rounds the last digits its own way, and a latency drawn
//! through them would differ from machine to machine. Everything here goes
//! through the pure-Rust `libm` crate, which gives the same bits everywhere.
//!
//! Architecture invariant: no other module calls such a function of `f64`
//! (`.clippy.toml` forbids them).

/// Natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Logarithm to base two.
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// Logarithm to base ten.
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// *e* to the power of `x`.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// `base` to the power of `exponent`.
pub fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// Cosine of an angle in radians.
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Sine of an angle in radians.
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// The gamma function, (x − 1)! for whole numbers.
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}

/// The natural logarithm of the gamma function, where that itself would be too large.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

#[cfg(test)]
mod tests {
    /// Bits, not tolerances: a change of the library that moves a last digit
    /// would change published results and must be seen.
    #[test]
    fn functions_give_the_same_bits_for_ever() {
        assert_eq!(super::ln(10.0).to_bits(), 0x4002_6bb1_bbb5_5516);
        assert_eq!(super::log2(10.0).to_bits(), 0x400a_934f_0979_a371);
        assert_eq!(super::exp(1.0).to_bits(), 0x4005_bf0a_8b14_576a);
        assert_eq!(super::pow(2.0, 0.5).to_bits(), 2f64.sqrt().to_bits());
        assert!((super::cos(1.0) - 0.540_302_305_868_139_8).abs() < 1e-16);
        assert!((super::sin(1.0) - 0.841_470_984_807_896_5).abs() < 1e-16);
        assert_eq!(super::gamma(5.0).to_bits(), 24f64.to_bits());
        assert!((super::gamma(0.5) - std::f64::consts::PI.sqrt()).abs() < 1e-15);
        assert!((super::ln_gamma(5.0) - super::ln(24.0)).abs() < 1e-15);
        assert!((super::log10(1000.0) - 3.0).abs() < 1e-15);
    }
}
