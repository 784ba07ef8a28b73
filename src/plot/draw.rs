//! From a scene to a file, through plotters.

use std::fmt::Display;

use plotters::{
    backend::{BitMapBackend, DrawingBackend, SVGBackend},
    style::{
        Color, FontTransform, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Chart, Error, Format, Picture,
    colour::{Colour, WHITE},
    layout,
    scene::{Area, Scene, Shape, Spot, Text},
    text::{self, Align},
};

/// plotters knows whole pixels only, so all is drawn this much larger: a PNG's pixels are then the
/// mean of those drawn, and an SVG is shown that much smaller.
const FINE: u32 = 4;

/// Draws `chart`.
///
/// # Errors
///
/// Never because of what the chart has in it.
///
/// # Examples
///
/// ```
/// use parzen::plot::{Chart, Format, Lines, draw};
///
/// let picture = draw(&Chart::Lines(Lines::default()), Format::Png)?;
/// assert!(picture.as_bytes().starts_with(b"\x89PNG"));
/// # Ok::<(), parzen::plot::Error>(())
/// ```
pub fn draw(chart: &Chart, format: Format) -> Result<Picture, Error> {
    let scene = layout::scene(chart);
    match format {
        Format::Svg => svg(&scene).map(Picture::Svg),
        Format::Png => png(&scene).map(Picture::Png),
    }
}

fn svg(scene: &Scene) -> Result<String, Error> {
    let (width, height) = size(scene);
    let fine = (width * FINE, height * FINE);
    let mut text = String::new();
    let canvas = Canvas {
        backend: SVGBackend::with_string(&mut text, fine),
        font_height: SVG_FONT_HEIGHT,
        base_line: SVG_BASE_LINE,
        joins_lines: true,
    };
    canvas.draw(scene)?;
    let (large, small) = (tag_size(fine), tag_size((width, height)));
    Ok(text.replacen(&large, &small, 1))
}

/// How an SVG file begins to say its size, before the box of which it is a view.
fn tag_size((width, height): (u32, u32)) -> String {
    format!("width=\"{width}\" height=\"{height}\"")
}

fn png(scene: &Scene) -> Result<Vec<u8>, Error> {
    let (width, height) = size(scene);
    let fine = (width * FINE, height * FINE);
    let mut pixels = vec![255; 3 * fine.0 as usize * fine.1 as usize];
    let canvas = Canvas {
        backend: BitMapBackend::with_buffer(&mut pixels, fine),
        font_height: text::LINE_HEIGHT,
        base_line: BITMAP_BASE_LINE,
        joins_lines: false,
    };
    canvas.draw(scene)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&shrunk(&pixels, width))?;
    Ok(file)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "layouts are some thousand pixels large at most"
)]
fn size(scene: &Scene) -> (u32, u32) {
    (scene.width.ceil() as u32, scene.height.ceil() as u32)
}

/// The mean of each square of fine pixels.
fn shrunk(pixels: &[u8], width: u32) -> Vec<u8> {
    let fine = FINE as usize;
    let row_len = 3 * width as usize * fine;
    let mut small = Vec::with_capacity(pixels.len() / (fine * fine));
    for rows in pixels.chunks_exact(row_len * fine) {
        let mut sums = vec![0_usize; row_len / fine];
        for row in rows.chunks_exact(row_len) {
            for (sums, pixels) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * fine)) {
                for pixel in pixels.chunks_exact(3) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, &part)| *sum += usize::from(part));
                }
            }
        }
        let means = sums.iter().map(|sum| (sum + fine * fine / 2) / (fine * fine));
        small.extend(means.map(|mean| u8::try_from(mean).unwrap_or(u8::MAX)));
    }
    small
}

/// plotters' SVG font is this much smaller than it is told.
const SVG_FONT_HEIGHT: f64 = 1.24;

/// Where plotters puts the base line of a text that is aligned to its top, in font sizes.
const SVG_BASE_LINE: f64 = 0.76;
const BITMAP_BASE_LINE: f64 = text::LINE_HEIGHT / 2.0;

/// A backend, and what it makes of a font's size.
struct Canvas<B> {
    backend: B,
    /// What to ask for, in font sizes.
    font_height: f64,
    /// How far below its place a text's base line comes to be, in font sizes.
    base_line: f64,
    /// Whether a line with corners is drawn well. plotters' bitmaps have holes in sharp ones.
    joins_lines: bool,
}

impl<B: DrawingBackend> Canvas<B> {
    fn draw(mut self, scene: &Scene) -> Result<(), Error> {
        let all = Area { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
        self.shape(&Shape::Fill { area: all, colour: WHITE })?;
        scene.shapes.iter().try_for_each(|shape| self.shape(shape))?;
        self.backend.present().map_err(failed)
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), Error> {
        match shape {
            Shape::Fill { area, colour } => {
                let from = fine(Spot { x: area.left, y: area.top });
                let to = fine(Spot { x: area.right, y: area.bottom });
                self.backend.draw_rect(from, to, &style(*colour, 0.0), true).map_err(failed)
            }
            Shape::Path { spots, width, colour } => {
                let spots: Vec<(i32, i32)> = spots.iter().copied().map(fine).collect();
                self.path(&spots, &style(*colour, *width))
            }
            Shape::Polygon { spots, colour } => {
                let spots = spots.iter().copied().map(fine);
                self.backend.fill_polygon(spots, &style(*colour, 0.0)).map_err(failed)
            }
            Shape::Disc { centre, radius, colour } => {
                let style = style(*colour, 0.0);
                self.backend
                    .draw_circle(fine(*centre), length(*radius), &style, true)
                    .map_err(failed)
            }
            Shape::Text(text) => self.text(text),
        }
    }

    fn path(&mut self, spots: &[(i32, i32)], style: &ShapeStyle) -> Result<(), Error> {
        if self.joins_lines || spots.len() < 3 {
            return self.backend.draw_path(spots.iter().copied(), style).map_err(failed);
        }
        for pair in spots.windows(2) {
            self.backend.draw_path(pair.iter().copied(), style).map_err(failed)?;
        }
        let radius = style.stroke_width / 2;
        spots[1..spots.len() - 1]
            .iter()
            .try_for_each(|&spot| self.backend.draw_circle(spot, radius, style, true))
            .map_err(failed)
    }

    fn text(&mut self, text: &Text) -> Result<(), Error> {
        let transform =
            if text.is_upright { FontTransform::Rotate270 } else { FontTransform::None };
        let font = text::font(text.size * self.font_height * f64::from(FINE))?;
        let align = match text.align {
            Align::Begin => HPos::Left,
            Align::Middle => HPos::Center,
            Align::End => HPos::Right,
        };
        let colour = rgb(text.colour).mix(text.colour.alpha);
        let style = TextStyle::from(font.transform(transform))
            .pos(Pos::new(align, VPos::Top))
            .color(&colour);
        let above = text.size * self.base_line;
        let at = if text.is_upright {
            Spot { x: text.at.x - above, ..text.at }
        } else {
            Spot { y: text.at.y - above, ..text.at }
        };
        self.backend.draw_text(&text.text, &style, fine(at)).map_err(failed)
    }
}

fn rgb(colour: Colour) -> RGBColor {
    RGBColor(colour.red, colour.green, colour.blue)
}

fn style(colour: Colour, width: f64) -> ShapeStyle {
    ShapeStyle { color: rgb(colour).mix(colour.alpha), filled: true, stroke_width: length(width) }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn fine(spot: Spot) -> (i32, i32) {
    let scaled = |x: f64| (x * f64::from(FINE)).round() as i32;
    (scaled(spot.x), scaled(spot.y))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates, and a length is not negative"
)]
fn length(pixels: f64) -> u32 {
    (pixels * f64::from(FINE)).round() as u32
}

fn failed(error: impl Display) -> Error {
    Error::Draw(error.to_string())
}
