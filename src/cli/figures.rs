//! Figures in words for people: the same few digits everywhere.

/// A number of bytes, such as `312 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, [" B", " kB", " MB", " GB", " TB"])
}

/// A number of things, such as `85.9 M`.
pub(super) fn count(things: f64) -> String {
    scaled(things, ["", " k", " M", " G", " T"])
}

/// So many of something: `1 run`, `2 runs`.
pub(super) fn of(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A span of real time, such as `4.2 s`.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{} ms", digits(seconds * 1e3)) } else { digits(seconds) + " s" }
}

/// A number in thousands, millions … with these names.
fn scaled(number: f64, names: [&str; 5]) -> String {
    let (mut number, mut names) = (number, names.into_iter());
    let mut name = names.next().unwrap_or_default();
    // What would be rounded up to a thousand is one of the next.
    while number >= 999.5
        && let Some(next) = names.next()
    {
        (number, name) = (number / 1e3, next);
    }
    digits(number) + name
}

/// Three digits, or as many as stand before the point.
fn digits(number: f64) -> String {
    let decimals = match number {
        _ if number.fract() == 0.0 => 0,
        _ if number < 9.995 => 2,
        _ if number < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let shown = [0, 999, 1000, 1234, 99_949, 99_951, 999_499, 999_500, 312_345_678];
        insta::assert_snapshot!(
            shown.map(bytes).join(", "),
            @"0 B, 999 B, 1 kB, 1.23 kB, 99.9 kB, 100 kB, 999 kB, 1.00 MB, 312 MB"
        );
        assert_eq!(bytes(u64::MAX), "18446744 TB");
        assert_eq!([0.0, 85_943_210.0, 1e15].map(count).join(", "), "0, 85.9 M, 1000 T");
        let spans = [0.000_12, 0.25, 0.9994, 4.218, 61.0, 4000.2];
        assert_eq!(spans.map(seconds).join(", "), "0.12 ms, 250 ms, 999 ms, 4.22 s, 61 s, 4000 s");
    }
}
