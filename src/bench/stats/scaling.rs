//! How much of the work cannot be shared out.

use rand::{SeedableRng, rngs::ChaCha12Rng};
use serde::Serialize;

use super::{
    Estimate, Interval,
    bootstrap::{DRAWS, draw, pick},
    median,
};

/// Karp and Flatt's serial fraction `(1/S - 1/p) / (1 - 1/p)`, where S is the speed-up that was
/// reached with p workers: 0 if all was shared out without loss, 1 if nothing was gained, more if
/// it became slower, and negative if the speed-up was more than p.
///
/// If it grows with p, the loss is overhead; if it does not, it is work that stays serial. `None`
/// for one worker or a speed-up of 0. Source: Karp and Flatt, "Measuring parallel processor
/// performance", Communications of the ACM 33(5), 1990.
#[must_use]
pub fn karp_flatt(speedup: &Estimate, workers: u32) -> Option<Estimate> {
    let share = 1.0 / f64::from(workers);
    let fraction = |speedup: f64| (1.0 / speedup - share) / (1.0 - share);
    if workers < 2 || speedup.point <= 0.0 {
        return None;
    }
    // It falls as the speed-up grows, so the ends change places.
    let interval = speedup.interval.filter(|interval| 0.0 < interval.low);
    let turned = |Interval { low, high }| Interval { low: fraction(high), high: fraction(low) };
    // To first order, as the slope is -1 / (S^2 (1 - 1/p)).
    let slope = 1.0 / (speedup.point.powi(2) * (1.0 - share));
    Some(Estimate {
        point: fraction(speedup.point),
        interval: interval.map(turned),
        standard_error: speedup.standard_error.map(|error| error * slope),
    })
}

/// What Amdahl's law says about times measured with several numbers of workers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Amdahl {
    /// The share s of the work that stays serial, from 0 to 1.
    pub serial_fraction: Estimate,
    /// The time with one worker, as fitted.
    pub one_worker: f64,
    /// The largest distance between a measured median and the fit, as a share of the median.
    pub worst_residual: f64,
}

/// Fits Amdahl's law `T(p) = T1 (s + (1-s)/p)` to `times`: pairs of p and all times measured with
/// p workers.
///
/// Least squares on the medians, linear in `T1 s` and `T1 (1-s)`, neither of which may be negative.
/// The interval is a percentile bootstrap: times are drawn again for each p, the same rounds for
/// all where there are equally many, and fitted again. `None` unless there are two different p.
#[must_use]
pub fn amdahl(times: &[(u32, Vec<f64>)], seed: u64) -> Option<Amdahl> {
    let medians = |times: &[(u32, Vec<f64>)]| -> Option<Vec<(f64, f64)>> {
        times.iter().map(|(p, values)| Some((1.0 / f64::from(*p), median(values)?))).collect()
    };
    let measured = medians(times)?;
    let fitted = Line::fit(&measured)?;
    let point = fitted.serial_fraction()?;
    let n_rounds = times.iter().map(|(_, values)| values.len()).min()?;
    let is_paired = times.iter().all(|(_, values)| values.len() == n_rounds);
    let mut generator = ChaCha12Rng::seed_from_u64(seed);
    let mut again = || {
        let common = draw(n_rounds, &mut generator);
        let drawn: Vec<(u32, Vec<f64>)> = times
            .iter()
            .map(|(p, values)| match is_paired {
                true => (*p, pick(values, &common)),
                false => (*p, pick(values, &draw(values.len(), &mut generator))),
            })
            .collect();
        Line::fit(&medians(&drawn)?)?.serial_fraction()
    };
    let resampled =
        if n_rounds < 2 { Vec::new() } else { (0..DRAWS).filter_map(|_| again()).collect() };
    let residual = |&(share, time): &(f64, f64)| {
        if 0.0 < time { (fitted.at(share) - time).abs() / time } else { 0.0 }
    };
    Some(Amdahl {
        serial_fraction: Estimate::of_resampled(point, resampled),
        one_worker: fitted.at(1.0),
        worst_residual: measured.iter().map(residual).fold(0.0, f64::max),
    })
}

/// `constant + slope x`, neither negative.
#[derive(Clone, Copy, Debug)]
struct Line {
    constant: f64,
    slope: f64,
}

impl Line {
    /// Least squares; where one of both would be negative, it is 0 and the other is fitted alone.
    fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
        let xx: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let xy: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        if points.len() < 2 || xx <= f64::EPSILON {
            return None;
        }
        let slope = xy / xx;
        let constant = mean_y - slope * mean_x;
        if slope < 0.0 {
            return Some(Self { constant: mean_y, slope: 0.0 });
        }
        if constant < 0.0 {
            let through_origin = points.iter().map(|(x, y)| x * y).sum::<f64>()
                / points.iter().map(|(x, _)| x * x).sum::<f64>();
            return Some(Self { constant: 0.0, slope: through_origin });
        }
        Some(Self { constant, slope })
    }

    fn at(self, x: f64) -> f64 {
        self.constant + self.slope * x
    }

    fn serial_fraction(self) -> Option<f64> {
        let fraction = self.constant / self.at(1.0);
        fraction.is_finite().then_some(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speedup(point: f64, low: f64, high: f64) -> Estimate {
        Estimate { point, interval: Some(Interval { low, high }), standard_error: Some(0.1) }
    }

    #[test]
    fn karp_flatt_of_known_speedups() {
        let check = |s: f64, workers: u32, expected: f64| {
            let found = karp_flatt(&Estimate::alone(s), workers).unwrap().point;
            assert!((found - expected).abs() < 1e-12, "{s} {workers}: {found}");
        };
        check(2.0, 2, 0.0);
        check(1.0, 4, 1.0);
        check(0.5, 2, 3.0);
        check(4.0, 2, -0.5);
        check(1.6, 2, 0.25);
        let turned = karp_flatt(&speedup(1.5, 1.2, 1.8), 2).unwrap();
        let interval = turned.interval.unwrap();
        assert!(interval.low < turned.point && turned.point < interval.high, "{turned:?}");
    }

    #[test]
    fn karp_flatt_needs_workers_and_a_speedup() {
        assert_eq!(karp_flatt(&Estimate::alone(1.0), 1), None);
        assert_eq!(karp_flatt(&Estimate::alone(0.0), 2), None);
        assert_eq!(karp_flatt(&speedup(1.0, 0.0, 2.0), 2).unwrap().interval, None);
    }

    fn times(t1: f64, s: f64, workers: &[u32]) -> Vec<(u32, Vec<f64>)> {
        let time = |p: u32| t1 * (s + (1.0 - s) / f64::from(p));
        workers
            .iter()
            .map(|&p| (p, [0.99, 1.0, 1.01].map(|noise| noise * time(p)).into()))
            .collect()
    }

    #[test]
    fn the_fit_finds_what_made_the_times() {
        for s in [0.0, 0.05, 0.5, 1.0] {
            let fit = amdahl(&times(80.0, s, &[1, 2, 4, 8]), 1).unwrap();
            let estimate = fit.serial_fraction;
            assert!((estimate.point - s).abs() < 1e-9, "{s}: {fit:?}");
            assert!((fit.one_worker - 80.0).abs() < 1e-9 && fit.worst_residual < 1e-9);
            let interval = estimate.interval.unwrap();
            assert!(interval.low - 1e-9 <= s && s <= interval.high + 1e-9, "{s}: {fit:?}");
        }
    }

    #[test]
    fn the_fraction_stays_within_zero_and_one() {
        let slower = [(1, vec![10.0, 10.0]), (2, vec![12.0, 12.0])];
        assert_eq!(amdahl(&slower, 0).unwrap().serial_fraction.point, 1.0);
        let faster = [(1, vec![10.0, 10.0]), (2, vec![3.0, 3.0])];
        let fit = amdahl(&faster, 0).unwrap();
        assert_eq!(fit.serial_fraction.point, 0.0);
        assert!(0.1 < fit.worst_residual);
    }

    #[test]
    fn degenerate_fits() {
        assert_eq!(amdahl(&[], 0), None);
        assert_eq!(amdahl(&times(1.0, 0.1, &[2]), 0), None);
        assert_eq!(amdahl(&times(1.0, 0.1, &[2, 2]), 0), None);
        assert_eq!(amdahl(&[(1, vec![]), (2, vec![1.0])], 0), None);
        assert_eq!(amdahl(&[(1, vec![0.0]), (2, vec![0.0])], 0), None, "a zero time");
        let once = amdahl(&[(1, vec![10.0]), (2, vec![6.0])], 0).unwrap().serial_fraction;
        assert!((once.point - 0.2).abs() < 1e-12 && once.interval.is_none());
    }
}
