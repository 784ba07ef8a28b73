//! Pictures of results.
//!
//! Results become a [`Chart`], which says in data what is shown; a layout turns it into a scene of
//! lines, areas and words; [`draw`] turns that into a [`Picture`], an SVG or PNG file in memory. The
//! same chart gives the same bytes, on any machine: the font is part of the program.
//!
//! Nothing here reads, writes or prints. No chart is refused: a value that cannot be placed, such as
//! NaN, or zero on a logarithmic axis, is left out of the picture.
//!
//! # Examples
//!
//! ```
//! use parzen::plot::{Format, Picture, Point, Series, draw, speed_up};
//!
//! let points = [(1.0, 0.98), (2.0, 1.9), (4.0, 3.6)].map(Point::from).to_vec();
//! let chart = speed_up(10_000, vec![Series::new("processes", points)]);
//! let Picture::Svg(text) = draw(&chart, Format::Svg)? else { unreachable!() };
//! assert!(text.contains("ideal"));
//! # Ok::<(), parzen::plot::Error>(())
//! ```

mod chart;
pub use chart::{
    Axis, Bar, BarGroup, Bars, Chart, Interval, Key, Lines, Maps, Point, Reference, Series, Side,
    Spacing, Stroke,
};

mod bench;
pub use bench::{break_even, speed_up, times};

mod benchmark;
pub use benchmark::{of_speed_up, of_times};

mod density;
pub use density::{DensityPlot, MAX_LINES, MAX_MAPS, MAX_POINTS, Unsuitable, against_width};

mod window;
pub use window::Window;

mod picture;
pub use picture::{Error, Format, Picture};

mod number;

mod scale;

mod colour;

mod scene;

mod text;

mod layout;

mod draw;
pub use draw::draw;
