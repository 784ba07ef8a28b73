//! Comma-separated values. No field ever needs quotes.

use std::io::{self, Write};

use crate::estimate::Density;
use crate::number::Exact;

pub(crate) fn write_header(out: &mut impl Write, d: usize) -> io::Result<()> {
    write!(out, "h")?;
    for axis in 1..=d {
        write!(out, ",x{axis}")?;
    }
    writeln!(out, ",count,density")
}

pub(crate) fn write_row(out: &mut impl Write, density: &Density, point: &[f64]) -> io::Result<()> {
    write!(out, "{}", Exact(density.h))?;
    for &x in point {
        write!(out, ",{}", Exact(x))?;
    }
    writeln!(out, ",{},{}", density.count, Exact(density.density))
}
