//! Widths as they are typed.

use std::str::FromStr;

use parzen_worker::kernel::{Width, WidthError};

use super::{
    quote::Quoted,
    spacing::{arange, arange_len, geomspace, linspace},
};

/// Most widths one specification may ask for.
pub const MAX_WIDTHS: usize = 1_000_000;

/// Window widths: at least one, ascending.
///
/// Read from `0.1,0.2,0.5`, `arange:START:STOP:STEP`, `linspace:START:STOP:COUNT` or
/// `geomspace:START:STOP:COUNT`. The last three give the very numbers that NumPy's functions of
/// these names give: `arange` is `start + i*step` with STOP left out, and `linspace` and
/// `geomspace` have both ends. Inside a `geomspace`, numbers may differ from NumPy's in their last
/// bit, as NumPy's own do between processors.
///
/// Equal widths are kept, and a descending sequence is turned round.
///
/// # Examples
///
/// ```
/// use parzen::input::Widths;
///
/// let widths: Widths = "arange:0.1:0.5:0.1".parse()?;
/// let h: Vec<f64> = widths.as_slice().iter().map(|width| width.h()).collect();
/// assert_eq!(h, [0.1, 0.2, 0.30000000000000004, 0.4]);
/// # Ok::<(), parzen::input::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Widths(Vec<Width>);

impl Widths {
    /// The widths, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[Width] {
        &self.0
    }

    /// The widths, ascending.
    #[must_use]
    pub fn into_vec(self) -> Vec<Width> {
        self.0
    }
}

impl Default for Widths {
    /// The notebook's: `arange:0.1:1.3:0.1`.
    fn default() -> Self {
        "arange:0.1:1.3:0.1".parse().expect("the default is a valid specification")
    }
}

/// Why a specification of widths is not one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Nothing was typed.
    #[error("there are no widths; {ACCEPTED}")]
    Empty,
    /// A word, a NaN or an infinity where a number belongs.
    #[error("{} in {} is not a finite number; {ACCEPTED}", Quoted(text), Quoted(spec))]
    NotANumber {
        /// The word.
        text: String,
        /// All that was typed.
        spec: String,
    },
    /// A number that no width can be.
    #[error("{} asks for the width {h}, but a width is finite and greater than 0", Quoted(spec))]
    NotAWidth {
        /// The number.
        h: f64,
        /// All that was typed.
        spec: String,
    },
    /// The word before the first `:` is not known.
    #[error("{} is no way to space widths; {ACCEPTED}", Quoted(form))]
    UnknownForm {
        /// The word.
        form: String,
    },
    /// Too few or too many `:`.
    #[error("{} is not of the form `{form}`", Quoted(spec))]
    WrongFields {
        /// What it should look like.
        form: &'static str,
        /// All that was typed.
        spec: String,
    },
    /// COUNT is 0 or no whole number.
    #[error(
        "COUNT {} in {} is not a whole number from 1 to {MAX_WIDTHS}",
        Quoted(text),
        Quoted(spec)
    )]
    BadCount {
        /// What stands for COUNT.
        text: String,
        /// All that was typed.
        spec: String,
    },
    /// STEP is 0 or leads away from STOP.
    #[error(
        "{} is empty: STEP should not be 0, and lead from START towards STOP, which is left out",
        Quoted(spec)
    )]
    EmptyRange {
        /// All that was typed.
        spec: String,
    },
    /// More than [`MAX_WIDTHS`].
    #[error("{} asks for too many widths; at most {MAX_WIDTHS} are accepted", Quoted(spec))]
    TooMany {
        /// All that was typed.
        spec: String,
    },
}

const ACCEPTED: &str = "accepted are numbers like `0.1,0.2,0.5`, `arange:START:STOP:STEP`, \
                        `linspace:START:STOP:COUNT` and `geomspace:START:STOP:COUNT`";

impl FromStr for Widths {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let mut widths = Spec(spec).widths()?;
        widths.sort_by(|left, right| left.h().total_cmp(&right.h()));
        Ok(Self(widths))
    }
}

/// What was typed.
#[derive(Clone, Copy)]
struct Spec<'a>(&'a str);

impl Spec<'_> {
    fn widths(self) -> Result<Vec<Width>, SpecError> {
        if self.0.trim().is_empty() {
            return Err(SpecError::Empty);
        }
        let Some((form, fields)) = self.0.split_once(':') else {
            return self.list();
        };
        match form.trim() {
            "arange" => self.arange(self.fields(fields, "arange:START:STOP:STEP")?),
            "linspace" => self.linspace(self.fields(fields, "linspace:START:STOP:COUNT")?),
            "geomspace" => self.geomspace(self.fields(fields, "geomspace:START:STOP:COUNT")?),
            form => Err(SpecError::UnknownForm { form: form.to_owned() }),
        }
    }

    fn list(self) -> Result<Vec<Width>, SpecError> {
        if MAX_WIDTHS <= self.0.bytes().filter(|&byte| byte == b',').count() {
            return Err(SpecError::TooMany { spec: self.typed() });
        }
        self.0.split(',').map(|text| self.number(text).and_then(|h| self.width(h))).collect()
    }

    fn arange(self, [start, stop, step]: [&str; 3]) -> Result<Vec<Width>, SpecError> {
        let (start, stop, step) = (self.number(start)?, self.number(stop)?, self.number(step)?);
        let len = arange_len(start, stop, step);
        if step == 0.0 || len <= 0.0 {
            return Err(SpecError::EmptyRange { spec: self.typed() });
        }
        if MAX_WIDTHS as f64 <= len - 1.0 {
            return Err(SpecError::TooMany { spec: self.typed() });
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number from 1 to MAX_WIDTHS")]
        self.all(arange(start, step, len as usize))
    }

    fn linspace(self, [start, stop, count]: [&str; 3]) -> Result<Vec<Width>, SpecError> {
        self.all(linspace(self.number(start)?, self.number(stop)?, self.count(count)?))
    }

    fn geomspace(self, [start, stop, count]: [&str; 3]) -> Result<Vec<Width>, SpecError> {
        // Checked before, because a logarithm of something else is NaN.
        let start = self.width(self.number(start)?)?;
        let stop = self.width(self.number(stop)?)?;
        self.all(geomspace(start.h(), stop.h(), self.count(count)?))
    }

    fn fields<'b>(self, text: &'b str, form: &'static str) -> Result<[&'b str; 3], SpecError> {
        let mut fields = text.split(':');
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some(start), Some(stop), Some(last), None) => Ok([start, stop, last]),
            _ => Err(SpecError::WrongFields { form, spec: self.typed() }),
        }
    }

    fn number(self, text: &str) -> Result<f64, SpecError> {
        let text = text.trim();
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| SpecError::NotANumber { text: text.to_owned(), spec: self.typed() })
    }

    fn count(self, text: &str) -> Result<usize, SpecError> {
        let text = text.trim();
        match text.parse() {
            Ok(count) if (1..=MAX_WIDTHS).contains(&count) => Ok(count),
            Ok(_) | Err(_) => {
                Err(SpecError::BadCount { text: text.to_owned(), spec: self.typed() })
            }
        }
    }

    fn all(self, numbers: impl Iterator<Item = f64>) -> Result<Vec<Width>, SpecError> {
        numbers.map(|h| self.width(h)).collect()
    }

    fn width(self, h: f64) -> Result<Width, SpecError> {
        Width::try_from(h).map_err(|WidthError(h)| SpecError::NotAWidth { h, spec: self.typed() })
    }

    fn typed(self) -> String {
        self.0.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(spec: &str) -> Result<Vec<f64>, String> {
        let widths: Widths = spec.parse().map_err(|error: SpecError| error.to_string())?;
        Ok(widths.into_vec().into_iter().map(Width::h).collect())
    }

    #[test]
    fn widths_are_read_and_sorted() {
        let check = |spec: &str, expected: &[f64]| {
            assert_eq!(parse(spec).as_deref(), Ok(expected), "{spec}");
        };
        check("0.5", &[0.5]);
        check("0.5,0.1,0.2", &[0.1, 0.2, 0.5]);
        check(" 1e-3 , +.5 ,1,1", &[0.001, 0.5, 1.0, 1.0]);
        check("5e-324", &[5e-324]);
        check("arange:0.1:0.55:0.1", &[0.1, 0.2, 0.30000000000000004, 0.4, 0.5]);
        check(
            "arange:0.4:0.1:-0.1",
            &[0.10000000000000009, 0.20000000000000007, 0.30000000000000004, 0.4],
        );
        check("arange: 1 : 2 : 9", &[1.0]);
        check("linspace:1:1.2:4", &[1.0, 1.0666666666666667, 1.1333333333333333, 1.2]);
        check("linspace:2:1:2", &[1.0, 2.0]);
        check("linspace:2:1:1", &[2.0]);
        check("geomspace:1:0.01:3", &[0.01, 0.1, 1.0]);
    }

    #[test]
    fn the_default_is_the_notebooks() {
        let widths = Widths::default();
        assert_eq!(widths.as_slice().len(), 12);
        assert_eq!(widths.as_slice()[11].h(), 1.2000000000000002);
    }

    #[test]
    fn the_limit_itself_is_accepted() {
        assert_eq!(parse("linspace:1:2:1000000").map(|widths| widths.len()), Ok(MAX_WIDTHS));
        assert_eq!(parse("arange:1:1000001:1").map(|widths| widths.len()), Ok(MAX_WIDTHS));
        assert_eq!(parse(&vec!["1"; MAX_WIDTHS].join(",")).map(|w| w.len()), Ok(MAX_WIDTHS));
    }

    #[test]
    fn a_bad_specification_says_what_was_typed_and_what_is_accepted() {
        let check = |spec: &str, begin: &str| {
            let message = parse(spec).unwrap_err();
            assert!(message.starts_with(begin), "{spec}: {message}");
            assert!(!message.contains('\n'), "{message}");
        };
        check("", "there are no widths; accepted are numbers like `0.1,0.2,0.5`, `arange:");
        check(" ", "there are no widths");
        check("abc", "`abc` in `abc` is not a finite number; accepted are");
        check("0.1,,0.2", "`` in `0.1,,0.2` is not a finite number");
        check("0.1,nan", "`nan` in `0.1,nan` is not a finite number");
        check("1e400", "`1e400` in `1e400` is not a finite number");
        check("0.1,0", "`0.1,0` asks for the width 0, but a width is finite and greater than 0");
        check("-1", "`-1` asks for the width -1");
        check("linspace:0:1:5", "`linspace:0:1:5` asks for the width 0");
        check("linspace:-1e308:1e308:3", "`linspace:-1e308:1e308:3` asks for the width NaN");
        check("geomspace:-1:1:5", "`geomspace:-1:1:5` asks for the width -1");
        check("geomspace:1:0:1", "`geomspace:1:0:1` asks for the width 0");
        check("arange:1:2", "`arange:1:2` is not of the form `arange:START:STOP:STEP`");
        check("linspace:1:2:3:4", "`linspace:1:2:3:4` is not of the form `linspace:START:STOP:CO");
        check("arange:1:b:1", "`b` in `arange:1:b:1` is not a finite number");
        check("arange:1:2:inf", "`inf` in `arange:1:2:inf` is not a finite number");
        check("logspace:1:2:3", "`logspace` is no way to space widths; accepted are");
        check("linspace:1:2:0", "COUNT `0` in `linspace:1:2:0` is not a whole number from 1 to 10");
        check("linspace:1:2:2.5", "COUNT `2.5`");
        check("geomspace:1:2:1000001", "COUNT `1000001`");
        check("linspace:1:2:99999999999999999999999", "COUNT `99999999999999999999999`");
        check("arange:1:2:0", "`arange:1:2:0` is empty: STEP should not be 0");
        check("arange:1:1:0", "`arange:1:1:0` is empty");
        check("arange:1:1:1", "`arange:1:1:1` is empty");
        check("arange:2:1:0.1", "`arange:2:1:0.1` is empty");
        check("arange:1:1000002:1", "`arange:1:1000002:1` asks for too many widths; at most 1000");
        check("arange:0:1e300:1e-300", "`arange:0:1e300:1e-300` asks for too many widths");
        check(&vec!["1"; MAX_WIDTHS + 1].join(","), "`1,1,1,");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(spec in ".*") {
            let _ = parse(&spec);
        }

        #[test]
        fn any_form_is_read_or_refused(
            spec in "(arange|linspace|geomspace)(:-?[0-9]{0,3}(\\.[0-9])?(e-?[0-9]{1,3})?){2,4}"
        ) {
            if let Ok(widths) = parse(&spec) {
                prop_assert!(!widths.is_empty() && widths.len() <= MAX_WIDTHS);
                prop_assert!(widths.is_sorted());
            }
        }
    }
}
