//! The long table of metrics as Parquet, for tools that read columns.
//!
//! The same rows as `metrics.csv`, with types: a swept parameter is a number where all its
//! values are, else a text.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use serde_json::Value;

use super::tables::{field, finite_metrics};
use crate::measure::summary::{Outcome, Run};

/// Runs that are written together: enough for tools to skip over, and little to hold.
const RUNS_PER_GROUP: usize = 4096;

/// A swept parameter.
struct Param<'o> {
    path: &'o str,
    kind: Kind,
}

/// What all its values are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Whole,
    Number,
    Text,
}

/// The bytes of the file.
pub(super) fn metrics(outcome: &Outcome) -> Result<Vec<u8>, ParquetError> {
    let sweep = &outcome.summary.sweep;
    let params: Vec<Param<'_>> =
        sweep.iter().map(|path| Param { path, kind: kind(&outcome.runs, path) }).collect();
    // The version of the crate must not reach a result.
    let properties = WriterProperties::builder().set_created_by("dhtsim".to_owned()).build();
    let mut bytes = Vec::new();
    let schema = Arc::new(schema(&params)?);
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    for runs in outcome.runs.chunks(RUNS_PER_GROUP) {
        let mut group = writer.next_row_group()?;
        write_group(&mut group, outcome, &params, runs)?;
        group.close()?;
    }
    writer.close()?;
    Ok(bytes)
}

/// What all values of a parameter are.
fn kind(runs: &[Run], path: &str) -> Kind {
    let kinds = runs.iter().map(|run| match run.point.params.get(path) {
        Some(Value::Number(number)) if number.is_i64() => Kind::Whole,
        Some(Value::Number(_)) => Kind::Number,
        _ => Kind::Text,
    });
    let wider = |one: Kind, other: Kind| match (one, other) {
        _ if one == other => one,
        (Kind::Text, _) | (_, Kind::Text) => Kind::Text,
        _ => Kind::Number,
    };
    kinds.reduce(wider).unwrap_or(Kind::Text)
}

fn schema(params: &[Param<'_>]) -> Result<Type, ParquetError> {
    let column = |name: &str, physical, logical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let text = |name: &str| column(name, Physical::BYTE_ARRAY, Some(LogicalType::String));
    let mut columns = vec![text("scenario")?];
    for param in params {
        columns.push(match param.kind {
            Kind::Whole => column(param.path, Physical::INT64, None)?,
            Kind::Number => column(param.path, Physical::DOUBLE, None)?,
            Kind::Text => text(param.path)?,
        });
    }
    columns.push(column("repeat", Physical::INT32, None)?);
    let seed = LogicalType::integer(64, false);
    columns.push(column("seed", Physical::INT64, Some(seed))?);
    columns.push(text("metric")?);
    columns.push(column("value", Physical::DOUBLE, None)?);
    Type::group_type_builder("metrics").with_fields(columns).build()
}

fn write_group(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    outcome: &Outcome,
    params: &[Param<'_>],
    runs: &[Run],
) -> Result<(), ParquetError> {
    let rows: Vec<usize> = runs.iter().map(|run| finite_metrics(&run.point).count()).collect();
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let scenario = text(&outcome.summary.scenario);
    write::<ByteArrayType>(group, &repeated(&rows, runs, |_| scenario.clone()))?;
    for Param { path, kind } in params {
        let value = |run: &Run| run.point.params.get(*path).cloned().unwrap_or_default();
        match kind {
            Kind::Whole => {
                let whole = |run: &Run| value(run).as_i64().unwrap_or_default();
                write::<Int64Type>(group, &repeated(&rows, runs, whole))?;
            }
            Kind::Number => {
                let number = |run: &Run| value(run).as_f64().unwrap_or(f64::NAN);
                write::<DoubleType>(group, &repeated(&rows, runs, number))?;
            }
            Kind::Text => {
                let words = |run: &Run| text(&field(&run.point.params, path));
                write::<ByteArrayType>(group, &repeated(&rows, runs, words))?;
            }
        }
    }
    write::<Int32Type>(group, &repeated(&rows, runs, |run| run.repeat.cast_signed()))?;
    let seed = outcome.summary.seed.cast_signed();
    write::<Int64Type>(group, &repeated(&rows, runs, |_| seed))?;
    let all = || runs.iter().flat_map(|run| finite_metrics(&run.point));
    let names: Vec<ByteArray> = all().map(|(metric, _)| text(metric.name)).collect();
    write::<ByteArrayType>(group, &names)?;
    let values: Vec<f64> = all().map(|(_, value)| value).collect();
    write::<DoubleType>(group, &values)
}

/// What each run says, once for each of its rows.
fn repeated<T: Clone>(rows: &[usize], runs: &[Run], value: impl Fn(&Run) -> T) -> Vec<T> {
    let each = rows.iter().zip(runs);
    each.flat_map(|(rows, run)| std::iter::repeat_n(value(run), *rows)).collect()
}

/// Writes the next column.
fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("there are more columns than in the schema".to_owned()));
    };
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::super::{sample, tables};
    use super::*;

    /// The rows of the file with fields as CSV has them.
    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        assert_eq!(reader.metadata().file_metadata().created_by(), Some("dhtsim"));
        let text = |field: &Field| match field {
            Field::Str(text) => text.clone(),
            Field::Int(number) => number.to_string(),
            Field::Long(number) => number.to_string(),
            Field::ULong(number) => number.to_string(),
            Field::Double(number) => number.to_string(),
            other => panic!("{other:?}"),
        };
        let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
        let mut all: Vec<Vec<String>> = Vec::new();
        for row in rows {
            if all.is_empty() {
                all.push(row.get_column_iter().map(|(name, _)| name.clone()).collect());
            }
            all.push(row.get_column_iter().map(|(_, field)| text(field)).collect());
        }
        all
    }

    #[test]
    fn it_says_the_same_as_metrics_csv() {
        for outcome in [
            sample::hops(),
            sample::with_and_without_fingers(),
            sample::systems(),
            sample::single(),
        ] {
            let bytes = metrics(&outcome).unwrap();
            assert!(bytes == metrics(&outcome).unwrap(), "the same bytes every time");
            let (_, table) =
                tables::all(&outcome, &[]).into_iter().find(|(n, _)| n == "metrics.csv").unwrap();
            let csv = table.to_csv().unwrap();
            let mut csv = csv::ReaderBuilder::new().has_headers(false).from_reader(&csv[..]);
            let csv: Vec<Vec<String>> =
                csv.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            assert!(csv.len() > 100);
            assert_eq!(read(&bytes), csv, "{}", outcome.summary.scenario);
        }
    }

    #[test]
    fn parameters_have_the_narrowest_type_of_all_their_values() {
        let of = |values: &[Value]| {
            let point = |value: &Value| sample::at(&[("x", value.clone())]);
            let outcome = sample::outcome("x", &["x"], values.iter().map(point).collect());
            kind(&outcome.runs, "x")
        };
        assert_eq!(of(&[1.into(), 2.into()]), Kind::Whole);
        assert_eq!(of(&[1.into(), 0.5.into()]), Kind::Number);
        assert_eq!(of(&[1.into(), u64::MAX.into()]), Kind::Number);
        assert_eq!(of(&[1.into(), "many".into(), 0.5.into()]), Kind::Text);
        assert_eq!(of(&[Value::Null]), Kind::Text);
    }
}
