//! From numbers to places on an axis, and the round numbers that are its ticks.

use super::{Spacing, number};

/// Larger numbers are drawn at the axis' end, so that no sum or difference overflows.
const LARGEST: f64 = 1e250;

/// Smaller numbers are drawn as zero, or at a logarithmic axis' end.
const SMALLEST: f64 = 1e-250;

/// Shortest linear axis, relative to its numbers: ticks would need more digits than anyone reads.
const SHORTEST: f64 = 1e-9;

/// What part of an axis remains free at its end.
const MARGIN: f64 = 0.04;

/// A range of numbers, and how they are spaced: `lo < hi`, both finite, and both positive if they
/// are logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    spacing: Spacing,
    lo: f64,
    hi: f64,
}

/// A labelled place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// From 0 at the axis' begin to 1 at its end.
    pub(super) place: f64,
    pub(super) label: String,
}

impl Scale {
    /// The shortest range that has all finite ones of `values` that can be placed.
    pub(super) fn covering(spacing: Spacing, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let placed = finite.filter_map(|value| usable(spacing, value));
        let (lo, hi) = placed.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| {
            (lo.min(value), hi.max(value))
        });
        match spacing {
            _ if hi < lo => Self { spacing, lo: 1.0, hi: 10.0 }.unless_linear(0.0, 1.0),
            Spacing::Linear => Self { spacing, lo, hi }.widened(),
            Spacing::Log if hi < lo * (1.0 + SHORTEST) => {
                Self { spacing, lo: lo / 2.0, hi: hi * 2.0 }
            }
            Spacing::Log => Self { spacing, lo, hi },
        }
    }

    fn unless_linear(self, lo: f64, hi: f64) -> Self {
        match self.spacing {
            Spacing::Linear => Self { lo, hi, ..self },
            Spacing::Log => self,
        }
    }

    /// Gives a linear range of no length some.
    fn widened(self) -> Self {
        let size = self.lo.abs().max(self.hi.abs());
        if self.hi - self.lo > size * SHORTEST {
            return self;
        }
        match size {
            0.0 => Self { lo: 0.0, hi: 1.0, ..self },
            _ => Self { lo: self.lo - size / 10.0, hi: self.hi + size / 10.0, ..self },
        }
    }

    /// The same range, but from zero or to zero; logarithmic ones stay.
    pub(super) fn with_zero(self) -> Self {
        match self.spacing {
            Spacing::Linear => Self { lo: self.lo.min(0.0), hi: self.hi.max(0.0), ..self },
            Spacing::Log => self,
        }
    }

    /// A little more at either end, except where a linear range ends at zero.
    pub(super) fn padded(self) -> Self {
        match self.spacing {
            Spacing::Linear => {
                let more = (self.hi - self.lo) * MARGIN;
                let lo = if self.lo == 0.0 { 0.0 } else { self.lo - more };
                let hi = if self.hi == 0.0 { 0.0 } else { self.hi + more };
                Self { lo, hi, ..self }
            }
            Spacing::Log => {
                let more = (self.log_length() * MARGIN).exp();
                Self { lo: self.lo / more, hi: self.hi * more, ..self }
            }
        }
    }

    /// The same range, but up to `hi`, if that is more than its begin.
    pub(super) fn up_to(self, hi: f64) -> Self {
        if hi.is_finite() && self.lo < hi { Self { hi, ..self } } else { self }
    }

    pub(super) fn lo(self) -> f64 {
        self.lo
    }

    pub(super) fn hi(self) -> f64 {
        self.hi
    }

    /// Where `value` is: 0 is the begin, 1 the end. NaN is nowhere, and neither is what is not
    /// positive on a logarithmic axis; what is beyond an end is at it.
    pub(super) fn place(self, value: f64) -> Option<f64> {
        let value = usable(self.spacing, value)?;
        let share = match self.spacing {
            Spacing::Linear => (value - self.lo) / (self.hi - self.lo),
            Spacing::Log => (value.ln() - self.lo.ln()) / self.log_length(),
        };
        Some(share.clamp(0.0, 1.0))
    }

    /// The logarithm of `hi / lo`, which may be too large a number itself.
    fn log_length(self) -> f64 {
        self.hi.ln() - self.lo.ln()
    }

    /// Round numbers in the range, at most `most` of them.
    pub(super) fn ticks(self, most: usize) -> Vec<Tick> {
        match self.spacing {
            Spacing::Linear => {
                let (values, step) = round(self.lo, self.hi, most);
                self.labelled(&values, number::ticks(&values, step))
            }
            Spacing::Log => self.powers(most),
        }
    }

    /// Ticks at `values`, as far as they are in the range.
    pub(super) fn ticks_at(self, values: &[f64]) -> Vec<Tick> {
        let inside = values.iter().copied().filter(|value| (self.lo..=self.hi).contains(value));
        let inside: Vec<f64> = inside.collect();
        let labels = inside.iter().map(|&value| number::compact(value)).collect();
        self.labelled(&inside, labels)
    }

    /// As many of the multiples of powers of ten as there may be, or round numbers if the range has
    /// hardly one of these.
    fn powers(self, most: usize) -> Vec<Tick> {
        let [first, last] = [self.lo, self.hi].map(|end| whole(end.log10().floor()));
        let multiples = |digits: &[f64], stride: i32| -> Vec<f64> {
            let exponents = (first..=last).filter(|exponent| exponent % stride == 0);
            let powers = exponents.map(|exponent| 10f64.powi(exponent));
            let all = powers.flat_map(|power| digits.iter().map(move |digit| digit * power));
            all.filter(|value| (self.lo * (1.0 - 1e-12)..=self.hi * (1.0 + 1e-12)).contains(value))
                .collect()
        };
        let fitting = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]]
            .into_iter()
            .map(|digits| multiples(digits, 1))
            .chain((2..700).map(|stride| multiples(&[1.0], stride)))
            .find(|values| values.len() <= most.max(2));
        let values = fitting.filter(|values| values.len() > 2).unwrap_or_else(|| {
            let few = round(self.lo, self.hi, most.min(5)).0;
            few.into_iter().filter(|&value| value > 0.0).collect()
        });
        let labels = values.iter().map(|&value| number::power(value)).collect();
        self.labelled(&values, labels)
    }

    fn labelled(self, values: &[f64], labels: Vec<String>) -> Vec<Tick> {
        let places = values.iter().map(|&value| self.place(value));
        let ticks = places.zip(labels);
        ticks.filter_map(|(place, label)| Some(Tick { place: place?, label })).collect()
    }
}

fn usable(spacing: Spacing, value: f64) -> Option<f64> {
    match spacing {
        _ if value.is_nan() => None,
        Spacing::Linear if value.abs() < SMALLEST => Some(0.0),
        Spacing::Linear => Some(value.clamp(-LARGEST, LARGEST)),
        Spacing::Log if value <= 0.0 => None,
        Spacing::Log => Some(value.clamp(SMALLEST, LARGEST)),
    }
}

/// Multiples of a round step from `lo` to `hi`, at most `most`, and the step.
fn round(lo: f64, hi: f64, most: usize) -> (Vec<f64>, f64) {
    let rough = (hi - lo) / most.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0, 20.0].map(|digit| digit * power);
    let multiples = |step: f64| {
        let (first, last) = ((lo / step - 1e-9).ceil(), (hi / step + 1e-9).floor());
        (first, whole(last - first) + 1)
    };
    let fits = |step: &f64| usize::try_from(multiples(*step).1).is_ok_and(|n| n <= most.max(1));
    let step = steps.into_iter().find(fits).unwrap_or(steps[5]);
    let (first, n) = multiples(step);
    // Adding zero turns a negative zero into a positive one.
    let values = (0..n).map(|idx| (first + f64::from(idx)) * step + 0.0).collect();
    (values, step)
}

/// A whole number that is known to be small.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn whole(x: f64) -> i32 {
    x as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| &tick.label[..]).collect()
    }

    #[test]
    fn ticks_are_round() {
        let check = |spacing, ends: [f64; 2], most, expected: &[&str]| {
            let scale = Scale::covering(spacing, ends);
            assert_eq!(labels(&scale.ticks(most)), expected, "{ends:?}");
        };
        check(Spacing::Linear, [0.0, 1.0], 6, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(Spacing::Linear, [-3.0, 3.0], 7, &["−3", "−2", "−1", "0", "1", "2", "3"]);
        check(Spacing::Linear, [0.0, 0.9], 4, &["0.00", "0.25", "0.50", "0.75"]);
        check(Spacing::Linear, [0.0, 0.0], 3, &["0.0", "0.5", "1.0"]);
        check(Spacing::Linear, [f64::NAN; 2], 3, &["0.0", "0.5", "1.0"]);
        check(Spacing::Log, [1.0, 1000.0], 4, &["1", "10", "100", "1000"]);
        check(Spacing::Log, [1.0, 100.0], 9, &["1", "2", "5", "10", "20", "50", "100"]);
        check(Spacing::Log, [1e-9, 1e9], 4, &["10⁻⁵", "1", "10⁵"]);
        check(Spacing::Log, [0.0, -1.0], 4, &["1", "2", "5", "10"]);
    }

    #[test]
    fn numbers_without_a_place_have_none() {
        let scale = Scale::covering(Spacing::Log, [1.0, 100.0]);
        assert_eq!(scale.place(10.0), Some(0.5));
        assert_eq!(scale.place(f64::INFINITY), Some(1.0));
        assert_eq!(scale.place(0.0), None);
        assert_eq!(scale.place(f64::NAN), None);
    }

    #[test]
    fn zero_stays_at_the_end() {
        let scale = Scale::covering(Spacing::Linear, [1.0, 4.0]).with_zero().padded();
        assert_eq!(scale.place(0.0), Some(0.0));
        assert!(scale.place(4.0) < Some(1.0));
    }

    proptest! {
        #[test]
        fn any_numbers_have_a_scale(
            values in prop::collection::vec(any::<f64>(), 0..4),
            is_log: bool,
            most in 0_usize..12,
        ) {
            let spacing = if is_log { Spacing::Log } else { Spacing::Linear };
            let plain = Scale::covering(spacing, values.iter().copied());
            for scale in [plain, plain.with_zero(), plain.padded(), plain.with_zero().padded()] {
                prop_assert!(scale.lo < scale.hi && (scale.hi - scale.lo).is_finite());
                let ticks = scale.ticks(most);
                prop_assert!(ticks.len() <= most.max(5), "{ticks:?}");
                let places = ticks.iter().map(|tick| tick.place);
                prop_assert!(places.clone().all(|place| (0.0..=1.0).contains(&place)));
                prop_assert!(places.is_sorted());
                for &value in &values {
                    prop_assert!(scale.place(value).is_none_or(|place| (0.0..=1.0).contains(&place)));
                }
            }
        }
    }
}
