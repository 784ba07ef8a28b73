//! Results for other programs and for people: timelines, traces, pages. Nothing here runs anything.

pub mod html;
pub mod timeline;
pub mod trace;

mod width;
