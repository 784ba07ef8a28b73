//! What is in a picture's file.

use parzen::plot::{Chart, Format, Picture, draw};

pub(crate) fn svg(chart: &Chart) -> Svg {
    match draw(chart, Format::Svg).unwrap() {
        Picture::Svg(text) => Svg(text),
        Picture::Png(_) => panic!("asked for SVG"),
    }
}

pub(crate) fn png(chart: &Chart) -> Png {
    match draw(chart, Format::Png).unwrap() {
        Picture::Png(bytes) => Png::read(&bytes),
        Picture::Svg(_) => panic!("asked for PNG"),
    }
}

/// An SVG file.
pub(crate) struct Svg(pub(crate) String);

impl Svg {
    /// All that is written in it, in order.
    pub(crate) fn words(&self) -> Vec<&str> {
        let texts = self.0.split("<text ").skip(1);
        texts
            .map(|text| text.split('>').nth(1).unwrap().split('<').next().unwrap().trim())
            .collect()
    }

    #[track_caller]
    pub(crate) fn check_words(&self, words: &[&str]) {
        let found = self.words();
        for word in words {
            assert!(found.contains(word), "`{word}` is not in {found:?}");
        }
    }

    /// Elements of this name that have all of `attributes`.
    pub(crate) fn count(&self, name: &str, attributes: &[&str]) -> usize {
        let begin = format!("<{name} ");
        let elements = self.0.lines().filter(|line| line.starts_with(&begin));
        elements.filter(|line| attributes.iter().all(|one| line.contains(one))).count()
    }
}

/// A PNG file.
pub(crate) struct Png {
    pub(crate) size: (u32, u32),
    pixels: Vec<u8>,
}

impl Png {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        Self { size: (info.width, info.height), pixels }
    }

    /// Red, green and blue.
    pub(crate) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let idx = 3 * (y * self.size.0 + x) as usize;
        self.pixels[idx..idx + 3].try_into().unwrap()
    }

    /// How many pixels are exactly of this colour.
    pub(crate) fn count(&self, colour: [u8; 3]) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| **pixel == colour).count()
    }
}
