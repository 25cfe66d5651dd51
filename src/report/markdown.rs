//! The cells of Markdown tables.

/// Text that cannot end its cell.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// A number with so many decimals; a dash where there is none.
pub(super) fn number(value: f64, decimals: usize) -> String {
    if value.is_finite() { with_minus(&format!("{value:.decimals$}")) } else { "–".to_owned() }
}

/// A number with its sign replaced by the one of print.
pub(super) fn with_minus(text: &str) -> String {
    text.replace('-', "−")
}

/// Decimals that a measured number deserves: about three figures, and none for a
/// count.
pub(super) fn decimals_for(value: f64) -> usize {
    match value.abs() {
        whole if whole.fract() == 0.0 || whole >= 1000.0 || !whole.is_finite() => 0,
        large if large >= 100.0 => 1,
        medium if medium >= 1.0 => 2,
        small if small >= 0.1 => 3,
        _ => 4,
    }
}
