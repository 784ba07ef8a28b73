//! HTML of what has a form of its own.

use std::fmt::Write;

use super::{Align, Picture, Table};

/// `template` with each `{{name}}` replaced by its slot. Slots are not looked through.
pub(super) fn fill(template: &str, slots: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, text) = part.split_once("}}").unwrap_or((part, ""));
        let slot = slots.iter().find(|(known, _)| *known == name);
        debug_assert!(slot.is_some(), "no slot `{name}`");
        page.push_str(slot.map_or("", |(_, value)| value));
        page.push_str(text);
    }
    page
}

/// `text` for between tags and within quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Sentences, with names between backticks.
pub(super) fn words(text: &str) -> String {
    let Some((before, rest)) = text.split_once('`') else { return escape(text) };
    let Some((name, after)) = rest.split_once('`') else { return escape(text) };
    format!("{}<code>{}</code>{}", escape(before), escape(name), words(after))
}

/// A table that can be scrolled to the side where it is too wide, also with the keyboard.
pub(super) fn table(table: &Table) -> String {
    let caption = escape(&table.caption);
    let mut html = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n\
         <table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for column in &table.columns {
        add(&mut html, "th", "scope=\"col\"", column.align, &column.name);
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        html.push_str("<tr>");
        for (index, (column, text)) in table.columns.iter().zip(row).enumerate() {
            let (tag, scope) = if index == 0 { ("th", "scope=\"row\"") } else { ("td", "") };
            add(&mut html, tag, scope, column.align, text);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    html.extend(table.note.iter().map(|note| format!("<p class=\"note\">{}</p>\n", escape(note))));
    html
}

fn add(html: &mut String, tag: &str, scope: &str, align: Align, text: &str) {
    let class = match align {
        Align::Text => "text",
        Align::Number => "number",
    };
    // Writing to a string cannot fail.
    let _ = write!(html, "<{tag} {scope} class=\"{class}\">{}</{tag}>", escape(text));
}

/// Names and what they are.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let fact = |(name, value): &(&str, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
    };
    let facts: String = facts.iter().map(fact).collect();
    format!("<dl>\n{facts}</dl>\n")
}

/// A picture on its own white ground, because its colours are made for that.
pub(super) fn picture(picture: &Picture<'_>) -> String {
    let caption = escape(picture.caption);
    // What precedes the element is for documents of their own.
    let svg = picture.svg.find("<svg").map_or("", |at| &picture.svg[at..]);
    format!(
        "<figure>\n<div class=\"picture\" role=\"img\" aria-label=\"{caption}\">{svg}</div>\n\
         <figcaption>{caption}</figcaption>\n</figure>\n"
    )
}
