//! Which columns are read.

use std::str::FromStr;

use super::CsvError;
use crate::input::quote::Quoted;

/// Most names an error lists.
const LISTED: usize = 20;

/// Columns to read, typed as `a,b`: each a name in the header or a number from 1, names first.
/// Read in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<String>);

/// Why columns cannot be chosen so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} names a column by nothing; accepted are names and numbers from 1, like `x,y` or `1,3`", Quoted(.0))]
pub struct ColumnsError(String);

impl FromStr for Columns {
    type Err = ColumnsError;

    fn from_str(typed: &str) -> Result<Self, ColumnsError> {
        let columns: Vec<String> = typed.split(',').map(|text| text.trim().to_owned()).collect();
        if columns.iter().any(String::is_empty) {
            return Err(ColumnsError(typed.to_owned()));
        }
        Ok(Self(columns))
    }
}

impl Columns {
    /// Indices, from 0, of these columns among `width` columns, which are named `names` if there is
    /// a header.
    pub(super) fn find(
        &self,
        names: Option<&[String]>,
        width: usize,
    ) -> Result<Vec<usize>, CsvError> {
        self.0.iter().map(|wanted| find(wanted, names, width)).collect()
    }
}

fn find(wanted: &str, names: Option<&[String]>, width: usize) -> Result<usize, CsvError> {
    let all = names.unwrap_or_default().iter().enumerate();
    let named: Vec<usize> = all.filter(|(_, name)| *name == wanted).map(|(idx, _)| idx).collect();
    match (named.as_slice(), wanted.parse::<usize>()) {
        ([idx], _) => Ok(*idx),
        ([], Ok(number)) if (1..=width).contains(&number) => Ok(number - 1),
        ([], _) => {
            let available = available(names, width);
            Err(CsvError::NoSuchColumn { wanted: wanted.to_owned(), available })
        }
        (several, _) => {
            let numbers = several.iter().map(|idx| idx + 1).collect();
            Err(CsvError::AmbiguousColumn { wanted: wanted.to_owned(), numbers })
        }
    }
}

fn available(names: Option<&[String]>, width: usize) -> String {
    let Some(names) = names else {
        return format!("the columns have no names, and numbers from 1 to {width}");
    };
    let mut listed: Vec<String> =
        names.iter().take(LISTED).map(|name| Quoted(name).to_string()).collect();
    if LISTED < names.len() {
        listed.push(format!("and {} more", names.len() - LISTED));
    }
    format!("there are {}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find_all(typed: &str, names: Option<&[&str]>, width: usize) -> Result<Vec<usize>, String> {
        let names: Option<Vec<String>> =
            names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let columns: Columns = typed.parse().map_err(|error: ColumnsError| error.to_string())?;
        columns.find(names.as_deref(), width).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name_or_number_in_the_order_given() {
        let check = |typed: &str, names: Option<&[&str]>, expected: &[usize]| {
            assert_eq!(find_all(typed, names, 3).as_deref(), Ok(expected), "{typed}");
        };
        check("3,1", None, &[2, 0]);
        check("z, x", Some(&["x", "y", "z"]), &[2, 0]);
        check("2,z", Some(&["x", "y", "z"]), &[1, 2]);
        check("2", Some(&["2", "1", "z"]), &[0]);
        check("x,x", Some(&["x", "y", "z"]), &[0, 0]);
    }

    #[test]
    fn a_column_that_is_not_there_lists_what_is() {
        let check = |typed: &str, names: Option<&[&str]>, message: &str| {
            assert_eq!(find_all(typed, names, 3), Err(message.to_owned()), "{typed}");
        };
        let xyz: Option<&[&str]> = Some(&["x", "y", "z"]);
        check("w", xyz, "there is no column `w`: there are `x`, `y`, `z`");
        check("0", xyz, "there is no column `0`: there are `x`, `y`, `z`");
        check(
            "4",
            None,
            "there is no column `4`: the columns have no names, and numbers from 1 to 3",
        );
        check(
            "x",
            Some(&["x", "x", "z"]),
            "several columns are named `x`: choose one by its number, 1 or 2",
        );
        check(
            "x,,y",
            xyz,
            "`x,,y` names a column by nothing; accepted are names and numbers from 1, like `x,y` \
             or `1,3`",
        );
    }

    #[test]
    fn many_columns_are_not_all_listed() {
        let names: Vec<String> = (0..25).map(|idx| format!("c{idx}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = find_all("w", Some(&names), 25).unwrap_err();
        assert!(message.ends_with("`c19`, and 5 more"), "{message}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(typed in ".*", width in 0usize..5) {
            let _ = find_all(&typed, None, width);
        }
    }
}
