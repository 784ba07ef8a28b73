//! Results as text.

mod csv;
mod json;
mod table;

use std::{
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;

use super::output::FileFormat;
use crate::{
    commands::estimate::{Header, Timing},
    estimate::Density,
};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people.
    Table,
    /// Comma-separated values under a header.
    Csv,
    /// One object with everything.
    Json,
    /// One object a line, each as soon as its result is there.
    Jsonl,
}

impl FileFormat for Format {
    const TABLE: Self = Self::Table;
    const EXTENSIONS: &'static str = "`.txt`, `.csv`, `.json` or `.jsonl`";

    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

impl Format {
    /// Whether rows are written while the run goes on.
    pub(crate) fn is_streamed(self) -> bool {
        match self {
            Self::Table => false,
            Self::Csv | Self::Json | Self::Jsonl => true,
        }
    }
}

/// Writes the results of one run, in the order they are given.
///
/// Nothing is written before the first result, so that a run that fails before it prints nothing.
#[derive(Debug)]
pub(crate) struct Report {
    header: Header,
    layout: Layout,
    n_rows: u64,
}

#[derive(Debug)]
enum Layout {
    Table(table::Rows),
    Csv,
    Json,
    Jsonl,
}

impl Report {
    pub(crate) fn new(format: Format, header: Header) -> Self {
        let layout = match format {
            Format::Table => Layout::Table(table::Rows::new(&header)),
            Format::Csv => Layout::Csv,
            Format::Json => Layout::Json,
            Format::Jsonl => Layout::Jsonl,
        };
        Self { header, layout, n_rows: 0 }
    }

    /// Takes the next result.
    pub(crate) fn row(&mut self, out: &mut impl Write, density: &Density) -> io::Result<()> {
        if self.n_rows == 0 {
            self.begin(out)?;
        }
        self.n_rows += 1;
        let point = self.header.point(density);
        match &mut self.layout {
            Layout::Table(rows) => {
                rows.push(density, point);
                Ok(())
            }
            Layout::Csv => csv::write_row(out, density, point),
            Layout::Json => {
                out.write_all(if self.n_rows == 1 { b"\n" } else { b",\n" })?;
                json::write_result(out, density, point)
            }
            Layout::Jsonl => {
                json::write_line(out, density, point, self.header.started_ns)?;
                out.flush()
            }
        }
    }

    /// Writes what comes after the last result, if there was any.
    pub(crate) fn end(mut self, out: &mut impl Write, timing: &Timing) -> io::Result<()> {
        if self.n_rows == 0 {
            return Ok(());
        }
        match &mut self.layout {
            Layout::Table(rows) => rows.write(out)?,
            Layout::Csv | Layout::Jsonl => {}
            Layout::Json => json::write_end(out, timing)?,
        }
        out.flush()
    }

    fn begin(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.layout {
            Layout::Table(_) | Layout::Jsonl => Ok(()),
            Layout::Csv => csv::write_header(out, self.header.d),
            Layout::Json => json::write_begin(out, &self.header),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::{
        commands::estimate::{Backend, Kernel, Order},
        estimate::Volume,
        input::Points,
    };

    fn header(explicit_points: bool) -> Header {
        Header {
            n: 10_000,
            d: 2,
            points: Points::new(vec![0.0, 0.0, -1.5, 2e-7], NonZeroUsize::new(2).unwrap()).unwrap(),
            explicit_points,
            kernel: Kernel::Hypercube,
            volume: Volume::Cube,
            backend: Backend::Threads,
            workers: 2,
            order: Order::Width,
            n_jobs: 3,
            n_resumed: 0,
            started_ns: 1_000,
        }
    }

    fn densities() -> [Density; 2] {
        [
            Density {
                h: 0.1,
                width_idx: 0,
                point_idx: 0,
                count: 16,
                density: 0.15999999999999998,
                seq: 1,
                worker: 1,
                started_ns: 1_500,
                finished_ns: 2_500,
            },
            Density {
                h: 0.30000000000000004,
                width_idx: 1,
                point_idx: 1,
                count: 0,
                density: 0.0,
                seq: 0,
                worker: 0,
                started_ns: 1_400,
                finished_ns: 1_900,
            },
        ]
    }

    fn check(format: Format, header: Header, densities: &[Density], expected: &str) {
        let mut out = Vec::new();
        let mut report = Report::new(format, header);
        for density in densities {
            report.row(&mut out, density).unwrap();
        }
        let timing =
            Timing { read_s: 0.25, start_s: 0.125, run_s: 0.5, total_s: 0.875, resumed_jobs: None };
        report.end(&mut out, &timing).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_table_is_aligned_to_the_right() {
        let expected = "  h    x1     x2  count  density\n\
                        0.1     0      0     16     0.16\n\
                        0.3  -1.5  2e-07      0        0\n";
        check(Format::Table, header(true), &densities(), expected);
    }

    #[test]
    fn a_table_leaves_out_the_point_that_nobody_asked_for() {
        let expected = "  h  count  density\n\
                        0.1     16     0.16\n";
        check(Format::Table, header(false), &densities()[..1], expected);
    }

    #[test]
    fn csv_has_a_header_and_exact_numbers() {
        let expected = "h,x1,x2,count,density\n\
                        0.1,0.0,0.0,16,0.15999999999999998\n\
                        0.30000000000000004,-1.5,2e-7,0,0.0\n";
        check(Format::Csv, header(false), &densities(), expected);
    }

    #[test]
    fn json_is_one_object() {
        let expected = concat!(
            r#"{"n":10000,"d":2,"kernel":"hypercube","volume":"cube","backend":"threads","#,
            r#""workers":2,"order":"width","results":["#,
            "\n",
            r#"{"h":0.1,"point":[0.0,0.0],"count":16,"density":0.15999999999999998},"#,
            "\n",
            r#"{"h":0.30000000000000004,"point":[-1.5,2e-7],"count":0,"density":0.0}"#,
            "\n",
            r#"],"timing":{"read_s":0.25,"start_s":0.125,"run_s":0.5,"total_s":0.875}}"#,
            "\n",
        );
        check(Format::Json, header(false), &densities(), expected);
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    #[test]
    fn nothing_is_written_without_results() {
        for format in [Format::Table, Format::Csv, Format::Json, Format::Jsonl] {
            check(format, header(true), &[], "");
        }
    }

    #[test]
    fn jsonl_tells_when_and_by_whom() {
        let expected = concat!(
            r#"{"h":0.1,"point":[0.0,0.0],"count":16,"density":0.15999999999999998,"#,
            r#""seq":1,"worker":1,"started_ns":500,"finished_ns":1500}"#,
            "\n",
            r#"{"h":0.30000000000000004,"point":[-1.5,2e-7],"count":0,"density":0.0,"#,
            r#""seq":0,"worker":0,"started_ns":400,"finished_ns":900}"#,
            "\n",
        );
        check(Format::Jsonl, header(false), &densities(), expected);
    }

    #[test]
    fn the_extension_says_the_format() {
        for (name, expected) in [
            ("x.csv", Some(Format::Csv)),
            ("dir.json/x.JSON", Some(Format::Json)),
            ("x.jsonl", Some(Format::Jsonl)),
            ("x.txt", Some(Format::Table)),
            ("x.xml", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of_file(Path::new(name)), expected, "{name}");
        }
    }
}
