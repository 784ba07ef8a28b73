//! `parzen generate`: from arguments to a recipe, and where its samples go.

use super::{
    Exit, Failure,
    args::{GenerateArgs, Shape},
    failure::{OutputError, is_closed_pipe},
    output::{Destination, Named, check_files},
    signals::Listener,
};
use crate::{
    commands::generate::{self, Format},
    input::generate::{Covariance, Distribution, Recipe},
};

pub(crate) fn run(typed: GenerateArgs, listener: &Listener) -> Result<Exit, Failure> {
    let covariance = Named::new("--cov", typed.cov.as_ref());
    check_files(Named::new("--output", Some(&typed.output)), covariance)?;
    let recipe = recipe(&typed)?;
    let destination = Destination::new(Some(typed.output));
    let format = format(&destination)?;
    let mut output = destination.open(&listener.control.kill)?;
    match generate::run(&recipe, format, &mut output).and_then(|()| output.commit()) {
        Err(error) if !is_closed_pipe(&error) => Err(destination.write_error(error).into()),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

fn recipe(typed: &GenerateArgs) -> Result<Recipe, Failure> {
    let d = typed.d;
    let distribution = match (typed.shape, &typed.cov, typed.rho) {
        (Shape::Gauss, Some(path), _) => Distribution::Gauss(
            Covariance::read(path, d).map_err(|error| Failure::new(Exit::Data, error))?,
        ),
        (Shape::Gauss, None, Some(rho)) => Distribution::Gauss(
            Covariance::equicorrelated(rho, d).map_err(|error| Failure::invalid("--rho", error))?,
        ),
        (Shape::Gauss, None, None) => Distribution::Gauss(Covariance::identity(d)),
        (Shape::Mixture, None, None) => Distribution::Mixture { d },
        (Shape::Uniform, None, None) => Distribution::Uniform { d },
        (Shape::Mixture | Shape::Uniform, Some(_), _) => return Err(only_for_gauss("--cov")),
        (Shape::Mixture | Shape::Uniform, _, Some(_)) => return Err(only_for_gauss("--rho")),
    };
    Recipe::new(distribution, typed.n, typed.seed).map_err(|error| Failure::invalid("--d", error))
}

fn only_for_gauss(option: &'static str) -> Failure {
    Failure::invalid(option, "only `gauss` samples have a covariance")
}

fn format(destination: &Destination) -> Result<Format, Failure> {
    let path = match destination {
        Destination::Stdout => return Ok(Format::Csv),
        Destination::File(path) => path,
    };
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Format::Npy),
        Some("csv") => Ok(Format::Csv),
        Some("tsv") => Ok(Format::Tsv),
        _ => Err(Failure::from(OutputError::UnknownExtension { name: destination.to_string() })
            .hint("name it `.npy`, `.csv` or `.tsv`")),
    }
}
