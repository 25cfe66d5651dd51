//! Tables for people, with aligned columns.

/// Lays out rows of cells under a header. Columns of numbers are aligned to the
/// right, others to the left.
pub(super) fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let is_numeric = |column: usize| {
        rows.iter().all(|row| {
            let cell = cell(row, column);
            let number = cell.trim_start_matches("< ").trim_end_matches(" %");
            matches!(number, "" | "–") || number.parse::<f64>().is_ok()
        })
    };
    let width = |column: usize| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or_default()
    };
    let layout: Vec<(usize, bool)> = (0..columns).map(|c| (width(c), is_numeric(c))).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = layout
            .iter()
            .enumerate()
            .map(|(column, &(width, right))| {
                let cell = cell(cells, column);
                if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    [line(&header)].into_iter().chain(rows.iter().map(|row| line(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["8", "iterative", ""], ["16384", "recursive", "1.5"]]
            .map(|r| r.map(str::to_owned).to_vec());
        insta::assert_snapshot!(aligned(&["nodes", "lookup", "x"], &rows), @r"
        nodes  lookup       x
            8  iterative
        16384  recursive  1.5
        ");
    }
}
