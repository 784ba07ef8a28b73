//! Results for people and for other programs. Nothing here runs anything.

pub mod conclusion;

mod grid;

mod quantity;

pub mod table;

pub mod json;

pub mod csv;

pub mod timeline;

pub mod trace;

pub mod html;

mod width;
