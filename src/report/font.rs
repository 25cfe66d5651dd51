//! The typeface of the plots.
//!
//! It is part of the program: a plot must not look different, or fail, because
//! of the fonts that a machine has. PNG files are drawn with it; SVG files name
//! the generic `sans-serif`, and it only measures their labels.

use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

/// Name under which the typeface is known to plotters, and to readers of an SVG.
pub(super) const FAMILY: &str = "sans-serif";

const REGULAR: &[u8] = include_bytes!("font/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold.ttf");

/// Makes the typeface known to plotters. Only the first call does anything.
/// Without it no text can be measured or drawn.
pub(super) fn register() -> Result<(), &'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = *REGISTERED.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, BOLD).is_ok()
    });
    if registered { Ok(()) } else { Err("the built-in typeface cannot be read") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::{IntoFont, TextStyle};

    #[test]
    fn the_built_in_typeface_has_the_signs_of_the_plots() {
        register().unwrap();
        for sign in ["½", "²", "₂", "·", "≤", "≥", "−", "×", "∞", "∝", "→", "–", "…", "ż", "µ"]
        {
            let style = TextStyle::from((FAMILY, 40).into_font());
            let ((left, _), (right, _)) = style.font.layout_box(sign).unwrap();
            assert!(right - left > 3, "no glyph for {sign}");
        }
    }
}
