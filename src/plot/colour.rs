//! Colours, and which is for what.

/// A colour on a screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour {
    pub(super) red: u8,
    pub(super) green: u8,
    pub(super) blue: u8,
    /// From 0, nothing, to 1, nothing seen through it.
    pub(super) alpha: f64,
}

pub(super) const WHITE: Colour = rgb(0xff_ff_ff);
pub(super) const BLACK: Colour = rgb(0x00_00_00);
/// Words and axes.
pub(super) const INK: Colour = rgb(0x26_26_26);
/// Lines behind the data.
pub(super) const GRID: Colour = rgb(0xdd_dd_dd);
/// Planes behind a picture in space.
pub(super) const WALL: Colour = rgb(0xf3_f3_f3);
/// What is not a number, and what belongs to no kind.
pub(super) const NEUTRAL: Colour = rgb(0x80_80_80);
/// matplotlib's `g` and `r`.
pub(super) const GREEN: Colour = rgb(0x00_80_00);
pub(super) const RED: Colour = rgb(0xff_00_00);

/// Kinds of bars: the notebook's green first.
const KINDS: [Colour; 5] =
    [GREEN, rgb(0x1f_77_b4), rgb(0xff_7f_0e), rgb(0x94_67_bd), rgb(0x8c_56_4b)];

/// Series, as different as can be, also for those who see red and green alike: Okabe and Ito's
/// colours, <https://jfly.uni-koeln.de/color/>, without their yellow, which is too light for lines.
const SERIES: [Colour; 8] = [
    rgb(0x00_72_b2),
    rgb(0xd5_5e_00),
    rgb(0x00_9e_73),
    rgb(0xcc_79_a7),
    rgb(0xe6_9f_00),
    rgb(0x56_b4_e9),
    rgb(0x5b_3a_8c),
    rgb(0x66_66_66),
];

/// matplotlib's viridis, at even distances.
const VIRIDIS: [Colour; 11] = [
    rgb(0x44_01_54),
    rgb(0x48_24_75),
    rgb(0x41_44_87),
    rgb(0x35_5f_8d),
    rgb(0x2a_78_8e),
    rgb(0x21_91_8c),
    rgb(0x22_a8_84),
    rgb(0x44_bf_70),
    rgb(0x7a_d1_51),
    rgb(0xbd_df_26),
    rgb(0xfd_e7_25),
];

/// The part of viridis whose lines can be seen on white.
const DARK: f64 = 0.9;

#[expect(clippy::cast_possible_truncation, reason = "a byte of the number is wanted")]
const fn rgb(hex: u32) -> Colour {
    Colour { red: (hex >> 16) as u8, green: (hex >> 8) as u8, blue: hex as u8, alpha: 1.0 }
}

impl Colour {
    pub(super) const fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
}

/// The colour of a kind of bars.
pub(super) fn kind(kind: Option<usize>) -> Colour {
    kind.map_or(NEUTRAL, |kind| KINDS[kind % KINDS.len()])
}

/// The colour of a series.
pub(super) fn series(idx: usize) -> Colour {
    SERIES[idx % SERIES.len()]
}

/// The colour of a line that has the number at `place` on its scale, from 0 to 1.
pub(super) fn level(place: f64) -> Colour {
    heat(place * DARK)
}

/// The colour of the number at `place` on its scale, from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the table and to bytes"
)]
pub(super) fn heat(place: f64) -> Colour {
    let position = place.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let idx = (position.floor() as usize).min(VIRIDIS.len() - 2);
    let share = position - idx as f64;
    let mix = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
    };
    let (from, to) = (VIRIDIS[idx], VIRIDIS[idx + 1]);
    Colour {
        red: mix(from.red, to.red),
        green: mix(from.green, to.green),
        blue: mix(from.blue, to.blue),
        alpha: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_goes_from_dark_to_light() {
        assert_eq!(heat(0.0), VIRIDIS[0]);
        assert_eq!(heat(0.5), VIRIDIS[5]);
        assert_eq!(heat(1.0), VIRIDIS[10]);
        assert_eq!(heat(7.0), VIRIDIS[10]);
        let between = heat(0.05);
        assert_eq!((between.red, between.green, between.blue), (0x46, 0x13, 0x65));
    }
}
