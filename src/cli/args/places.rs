//! Where densities are asked for, in the order in which it was typed.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, error::ErrorKind};

use crate::{
    cli::output::Named,
    commands::estimate::Place,
    input::{Grid, Point},
};

/// All options that name points. [`Typed`] is what clap sees of it; it keeps each option's values
/// apart from the others', so their common order is found from their places on the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places(pub(crate) Vec<Place>);

impl Places {
    /// The files among them.
    pub(crate) fn files(&self) -> impl Iterator<Item = Named<'_>> {
        self.0.iter().filter_map(|place| match place {
            Place::File(path) => Some(Named { option: "--points", path }),
            Place::At(_) | Place::Grid(_) => None,
        })
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
struct Typed {
    /// A point. May be given again. Points are answered in the order they are given; without any,
    /// the origin is.
    #[arg(long, value_name = "X1,X2,..", allow_hyphen_values = true)]
    at: Vec<Point>,

    /// A file of points, a row each, of any kind that SAMPLES may be.
    #[arg(long, value_name = "FILE")]
    points: Vec<PathBuf>,

    /// A grid of points: for each axis its ends, both included, and how many points, such as
    /// `-1:1:5,0:1:3`; one axis serves all. The last one runs fastest.
    #[arg(long, value_name = "LO:HI:COUNT,..", allow_hyphen_values = true)]
    grid: Vec<Grid>,
}

impl Args for Places {
    fn augment_args(command: Command) -> Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Typed::augment_args_for_update(command)
    }
}

impl FromArgMatches for Places {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let typed = Typed::from_arg_matches(matches)?;
        let mut places: Vec<(usize, Place)> = Vec::new();
        let mut add = |id: &str, values: Vec<Place>| {
            places.extend(matches.indices_of(id).into_iter().flatten().zip(values));
        };
        add("at", typed.at.into_iter().map(Place::At).collect());
        add("points", typed.points.into_iter().map(Place::File).collect());
        add("grid", typed.grid.into_iter().map(Place::Grid).collect());
        places.sort_by_key(|(index, _)| *index);
        Ok(Self(places.into_iter().map(|(_, place)| place).collect()))
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), Error> {
        Err(Error::raw(ErrorKind::InvalidValue, "points cannot be updated"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        places: Places,
    }

    fn at(typed: &str) -> Place {
        Place::At(typed.parse().unwrap())
    }

    #[test]
    fn places_keep_the_order_typed() {
        let typed = "x --at -1,2 --points a --at=3,4 --grid -1:1:2,0:1:1 --at 5,6";
        let places = Whole::try_parse_from(typed.split(' ')).unwrap().places.0;
        let [first, second, third, fourth, fifth] = &places[..] else { panic!("{places:?}") };
        assert_eq!(first, &at("-1,2"));
        assert_eq!(second, &Place::File("a".into()));
        assert_eq!(third, &at("3,4"));
        assert_eq!(fourth, &Place::Grid("-1:1:2,0:1:1".parse().unwrap()));
        assert_eq!(fifth, &at("5,6"));
    }

    #[test]
    fn no_place_is_fine() {
        assert_eq!(Whole::try_parse_from(["x"]).unwrap().places, Places::default());
    }
}
