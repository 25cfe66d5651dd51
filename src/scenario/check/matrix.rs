//! Measured round-trip times: from the text of a file to a matrix of delays.

use crate::network::latency::Matrix;
use crate::sim::Duration;

use super::super::error::Fault;
use super::super::format::{MatrixLatency, MissingEntries, TimeUnit};
use super::Checked;

/// The most rows: a million entries are eight megabytes.
const MAX_ROWS: usize = 4096;
/// The longest round-trip time. Longer ones are microseconds taken for milliseconds.
const LONGEST: Duration = Duration::from_secs(60);

/// The delays of a file with this text; faults are those of the field at `place`.
pub(super) fn matrix(place: &str, given: &MatrixLatency, text: &str) -> Checked<Matrix> {
    let wrong = |at: &str, problem: String, mend: &str| {
        Fault::new(place, format!("{}{at}: {problem}", given.file), mend)
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let counts = |line: &str| !line.trim_matches(' ').is_empty() && !line.starts_with('#');
    let lines = || text.lines().zip(1..).filter(|(line, _)| counts(line));
    let rows = lines().count();
    if !(1..=MAX_ROWS).contains(&rows) {
        let mend = format!("give 1 to {MAX_ROWS} lines of round-trip times");
        return Err(wrong("", format!("{rows} lines of numbers"), &mend));
    }
    let mut trips = Vec::new();
    for (line, number) in lines() {
        let before = trips.len();
        for (entry, column) in entries(line).zip(1..) {
            let trip = round_trip(entry, given.unit).and_then(|trip| match trip {
                None if given.missing == MissingEntries::Refuse => Err((
                    "the round-trip time is missing".to_owned(),
                    "put a number there, or give `missing` as \"median\"",
                )),
                trip => Ok(trip),
            });
            let at = || format!(", line {number}, column {column}");
            trips.push(trip.map_err(|(problem, mend)| wrong(&at(), problem, mend))?);
        }
        let found = trips.len() - before;
        if found != rows {
            let problem = format!("{found} entries, but there are {rows} such lines");
            let mend = "give a square: as many numbers in every line as there are lines";
            return Err(wrong(&format!(", line {number}"), problem, mend));
        }
    }
    let Some(median) = median_beside_the_diagonal(rows, &trips) else {
        let mend = "give a file with numbers in it";
        return Err(wrong("", "every entry beside the diagonal is missing".to_owned(), mend));
    };
    let one_way = |(index, trip): (usize, Option<Duration>)| {
        let is_diagonal = index / rows == index % rows;
        let trip = trip.unwrap_or(if is_diagonal { Duration::ZERO } else { median });
        Duration::from_nanos(trip.as_nanos() / 2)
    };
    Ok(Matrix::new(rows, trips.into_iter().enumerate().map(one_way).collect()))
}

/// The entries of a line: between commas, or between tabs, or between blanks.
fn entries(line: &str) -> Box<dyn Iterator<Item = &str> + '_> {
    match [',', '\t'].into_iter().find(|separator| line.contains(*separator)) {
        Some(separator) => Box::new(line.split(separator).map(str::trim)),
        None => Box::new(line.split_whitespace()),
    }
}

/// A round-trip time, if there is one; otherwise what is wrong with it, and the mend.
fn round_trip(entry: &str, unit: TimeUnit) -> Result<Option<Duration>, (String, &'static str)> {
    if entry.is_empty() || entry == "-" {
        return Ok(None);
    }
    let Ok(number) = entry.parse::<f64>() else {
        let mend = "give numbers only; lines with other words begin with `#`";
        return Err((format!("{entry:?} is not a round-trip time"), mend));
    };
    if number.is_nan() || number + 1.0 == 0.0 {
        return Ok(None);
    }
    let nanos = match unit {
        TimeUnit::Milliseconds => number * 1e6,
        TimeUnit::Microseconds => number * 1e3,
    };
    if number < 0.0 {
        return Err((format!("{entry} is below zero"), "give -1 for what is missing"));
    }
    if nanos > LONGEST.as_nanos() as f64 {
        let mend = "give shorter ones, or `unit` as \"us\" if they are microseconds";
        return Err((format!("{entry} is a round-trip time of more than {LONGEST}"), mend));
    }
    Ok(Some(Duration::from_nanos_f64(nanos)))
}

/// The median of what is given beside the diagonal. A single place has nothing there, and
/// needs nothing.
fn median_beside_the_diagonal(rows: usize, trips: &[Option<Duration>]) -> Option<Duration> {
    if rows == 1 {
        return Some(Duration::ZERO);
    }
    let beside = trips.iter().enumerate().filter(|(index, _)| index / rows != index % rows);
    let mut given: Vec<Duration> = beside.filter_map(|(_, trip)| *trip).collect();
    given.sort_unstable();
    let middle = given.get(given.len() / 2)?;
    let before = given[(given.len() - 1) / 2];
    Some(Duration::from_nanos(before.as_nanos().midpoint(middle.as_nanos())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, unit: TimeUnit, missing: MissingEntries) -> Result<Matrix, String> {
        let given = MatrixLatency { file: "rtt.tsv".to_owned(), unit, missing };
        matrix("file", &given, text)
            .map_err(|Fault { place, problem, mend }| format!("{place}: {problem}; {mend}"))
    }

    fn millis(text: &str, missing: MissingEntries) -> Vec<Vec<f64>> {
        let matrix = read(text, TimeUnit::Milliseconds, missing).unwrap();
        let delay = |from, to| matrix.delay(from, to).as_millis_f64();
        let row = |from| (0..matrix.rows()).map(|to| delay(from, to)).collect();
        (0..matrix.rows()).map(row).collect()
    }

    #[test]
    fn a_delay_is_half_a_round_trip_whatever_stands_between_the_numbers() {
        let expected = [[0.0, 10.5, 1.0], [15.0, 0.25, 2.0], [3e-3, 4.0, 0.0]];
        for text in [
            "0\t21\t2\n30\t0.5\t4\n6e-3\t8\t0\n",
            "0,21,2\r\n30, 0.5 ,4\r\n\r\n0.006,8,0",
            "\u{feff}# three places\n 0   21 2\n30 .5 4 \n   \n+6e-3 8 0",
        ] {
            assert_eq!(millis(text, MissingEntries::Refuse), expected, "{text:?}");
        }
        let micros = read("0 21\n30 500", TimeUnit::Microseconds, MissingEntries::Refuse).unwrap();
        assert_eq!(micros.delay(0, 1), Duration::from_nanos(10_500));
        assert_eq!(micros.delay(1, 1), Duration::from_nanos(250_000));
    }

    #[test]
    fn missing_entries_are_the_median_of_the_others() {
        let text = "-\t\t2\n30\t\tnan\n-1\t8\t90";
        let expected = [[0.0, 4.0, 1.0], [15.0, 0.0, 4.0], [4.0, 4.0, 45.0]];
        assert_eq!(millis(text, MissingEntries::Median), expected, "the middle one of three");
        let even = [[0.0, 5.0, 1.0], [15.0, 0.0, 5.0], [4.0, 6.0, 0.0]];
        assert_eq!(millis("0,,2\n30,0,NaN\n8,12,0", MissingEntries::Median), even);
        assert_eq!(millis("-1", MissingEntries::Median), [[0.0]]);
    }

    #[test]
    fn every_refusal_names_line_and_column() {
        let texts = [
            "",
            "# nothing but words\n\n",
            "0 1\n1 0 3",
            "0 1\n\n1",
            "0\t1\t\n1\t0\t\n",
            "a b\n0 1\n1 0",
            "0 1\n1;0 0",
            "0 -2\n1 0",
            "0 inf\n1 0",
            "0 1\n60000.1 0",
            "# first\n0 1\n-1 0",
            "0,1\n,0",
            "0 1\nnan 0",
            &"1\n".repeat(4097),
        ];
        let refused = texts
            .map(|text| read(text, TimeUnit::Milliseconds, MissingEntries::Refuse).unwrap_err());
        let nothing = read("0 -\n- 0", TimeUnit::Milliseconds, MissingEntries::Median).unwrap_err();
        insta::assert_snapshot!(format!("{}\n{nothing}", refused.join("\n")));
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9a-n.,\t \n#]{0,40}") {
            let _ = read(&text, TimeUnit::Milliseconds, MissingEntries::Median);
        }
    }
}
