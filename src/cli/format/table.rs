//! Aligned columns.

use std::io::{self, Write};

use crate::number::Short;
use crate::{commands::estimate::Header, estimate::Density};

/// Rows kept until all are known, because only then the columns' widths are.
#[derive(Debug)]
pub(crate) struct Rows {
    show_point: bool,
    /// Cell by cell, the column names first.
    cells: Vec<String>,
    n_columns: usize,
}

impl Rows {
    pub(crate) fn new(header: &Header) -> Self {
        let show_point = header.explicit_points;
        let mut cells = vec!["h".to_owned()];
        if show_point {
            cells.extend((1..=header.d).map(|axis| format!("x{axis}")));
        }
        cells.extend(["count".to_owned(), "density".to_owned()]);
        Self { show_point, n_columns: cells.len(), cells }
    }

    pub(crate) fn push(&mut self, density: &Density, point: &[f64]) {
        self.cells.push(Short(density.h).to_string());
        if self.show_point {
            self.cells.extend(point.iter().map(|&x| Short(x).to_string()));
        }
        self.cells.push(density.count.to_string());
        self.cells.push(Short(density.density).to_string());
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut widths = vec![0; self.n_columns];
        for row in self.cells.chunks_exact(self.n_columns) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.len().max(*width);
            }
        }
        for row in self.cells.chunks_exact(self.n_columns) {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                write!(out, "{gap}{cell:>width$}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
