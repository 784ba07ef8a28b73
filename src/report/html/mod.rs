//! A page that shows a benchmark in a browser: one file, without the network.

mod arrival;
pub use arrival::{Arrival, arrivals};

mod benchmark;
pub use benchmark::of_benchmark;

mod data;

mod markup;

use crate::bench::Machine;

use super::{table, timeline::Group};

use markup::{escape, fill, words};

const TEMPLATE: &str = include_str!("template.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Everything that a page shows. What is empty is left out.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its name.
    pub title: &'a str,
    /// What was run, a sentence each. In sentences, names stand between backticks.
    pub about: &'a [String],
    /// What makes the figures doubtful, each in a sentence. They come first.
    pub warnings: &'a [String],
    /// What the figures say, a paragraph each.
    pub conclusion: &'a [String],
    /// The figures.
    pub tables: &'a [Table],
    /// Pictures of them.
    pub pictures: &'a [Picture<'a>],
    /// Who did what when, for each case.
    pub timeline: &'a [Group],
    /// Results in the order in which they arrived.
    pub arrivals: &'a [Arrival],
    /// From what run they are, in a sentence.
    pub arrivals_of: &'a str,
    /// Where all this was measured.
    pub machine: &'a Machine,
}

/// Figures in rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the figures are.
    pub caption: String,
    /// What each column is. The first names the rows.
    pub columns: Vec<Column>,
    /// The rows; each has a text for each column.
    pub rows: Vec<Vec<String>>,
    /// How to read it, if it does not go without saying.
    pub note: Option<String>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands at its top.
    pub name: String,
    /// How its texts are aligned.
    pub align: Align,
}

/// How texts are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// To the left.
    Text,
    /// To the right.
    Number,
}

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    /// What it shows, also for those who cannot see it.
    pub caption: &'a str,
    /// An SVG document, which must be one of our own: it becomes part of the page as it is.
    pub svg: &'a str,
}

/// The page as HTML.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let sections = [
        ("conclusion", "Conclusion", conclusion(page)),
        ("figures", "Figures", page.tables.iter().map(markup::table).collect()),
        ("pictures", "Pictures", page.pictures.iter().map(markup::picture).collect()),
        ("timeline", "Timeline", timeline(page.timeline)),
        ("order", "Order of results", arrival::markup(page.arrivals, page.arrivals_of)),
        ("system", "System", markup::facts(&table::facts(page.machine))),
    ];
    let shown = sections.iter().filter(|(_, _, content)| !content.is_empty());
    let links: String =
        shown.clone().map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>\n")).collect();
    let sections: String = shown.map(|(id, name, content)| section(id, name, content)).collect();
    let slots = [
        ("title", escape(page.title)),
        ("about", words(&page.about.join(" "))),
        ("links", links),
        ("sections", sections),
        ("version", escape(&page.machine.version)),
        ("data", data::json(page.timeline, page.arrivals)),
        ("style", STYLE.to_owned()),
        ("script", SCRIPT.to_owned()),
    ];
    fill(TEMPLATE, &slots)
}

fn section(id: &str, name: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-name\">\n<h2 id=\"{id}-name\">{name}</h2>\n\
         {content}</section>\n"
    )
}

fn conclusion(page: &Page<'_>) -> String {
    let item = |text: &String| format!("<li>{}</li>\n", words(text));
    let paragraph = |text: &String| format!("<p>{}</p>\n", words(text));
    let warnings: String = page.warnings.iter().map(item).collect();
    let warnings = match page.warnings {
        [] => warnings,
        _ => format!("<ul class=\"warning\" aria-label=\"Warnings\">\n{warnings}</ul>\n"),
    };
    warnings + &page.conclusion.iter().map(paragraph).collect::<String>()
}

/// What the script draws into.
fn timeline(groups: &[Group]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let option = |(index, group): (usize, &Group)| {
        format!("<option value=\"{index}\">{}</option>", escape(&group.name))
    };
    let options: String = groups.iter().enumerate().map(option).collect();
    fill(include_str!("timeline.html"), &[("options", options)])
}

#[cfg(test)]
mod tests;
