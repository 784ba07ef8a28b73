//! The font, and how much room words take.

use std::sync::LazyLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

use super::Error;

/// What the font is called in an SVG file. The first is the one in the program, with which all is
/// measured; Verdana's letters are as wide.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of the font, from its ascent to its descent, in font sizes. The font of plotters' bitmaps
/// is as high as they are told, not as large.
pub(super) const LINE_HEIGHT: f64 = 2384.0 / 2048.0;

/// Height of a digit or a capital letter, in font sizes.
const CAPITAL: f64 = 0.73;

/// Widths are measured at this size, because they come as whole pixels.
const MEASURED: f64 = 1000.0;

/// What takes the place of what is left out.
const ELLIPSIS: char = '…';

/// Which part of a text is where it is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Begin,
    Middle,
    End,
}

static IS_REGISTERED: LazyLock<bool> =
    LazyLock::new(|| register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular()).is_ok());

/// The font, `height` pixels high.
pub(super) fn font(height: f64) -> Result<FontDesc<'static>, Error> {
    if !*IS_REGISTERED {
        return Err(Error::Font);
    }
    Ok(FontDesc::new(FontFamily::Name(FAMILY), height, FontStyle::Normal))
}

/// How wide `text` is, in pixels; 0 if there is no font, which whoever draws will find out.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let font = font(MEASURED * LINE_HEIGHT).ok();
    let layout = font.and_then(|font| font.layout_box(text).ok());
    layout.map_or(0.0, |((left, _), (right, _))| f64::from(right - left) * size / MEASURED)
}

/// How far below the middle of a line its base line is, in pixels.
pub(super) fn below_middle(size: f64) -> f64 {
    size * CAPITAL / 2.0
}

/// As much of the begin of `text` as fits into `room` pixels.
pub(super) fn shortened(text: &str, size: f64, room: f64) -> String {
    let text = line(text);
    // A pixel more or less is the font's rounding.
    if width(&text, size) <= room + 1.0 {
        return text;
    }
    let chars: Vec<char> = text.chars().collect();
    let first = |n: usize| chars[..n].iter().collect::<String>().trim_end().to_owned();
    let fits = |n: &usize| width(&format!("{}{ELLIPSIS}", first(*n)), size) <= room + 1.0;
    let lengths: Vec<usize> = (1..chars.len()).collect();
    match lengths.partition_point(fits) {
        0 => String::new(),
        n => format!("{}{ELLIPSIS}", first(n)),
    }
}

/// `text` with all on one line, and no more of it than anyone could read.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_fonts() {
        // A digit is 1303 of 2048 units wide.
        assert!((width("0", 16.0) - 16.0 * 1303.0 / 2048.0).abs() < 0.1);
        assert!((width("00", 16.0) / width("0", 16.0) - 2.0).abs() < 0.01);
        assert_eq!(width("", 16.0), 0.0);
    }

    #[test]
    fn long_text_is_shortened() {
        let text = "number of\nprocesses";
        assert_eq!(shortened(text, 10.0, 500.0), "number of processes");
        let short = shortened(text, 10.0, 60.0);
        assert!(short.ends_with('…') && short.starts_with("numb"), "{short}");
        assert!(width(&short, 10.0) <= 61.0);
        assert_eq!(shortened(text, 10.0, 1.0), "");
        assert_eq!(shortened(&"x".repeat(1_000_000), 10.0, 30.0).chars().count(), 4);
    }
}
