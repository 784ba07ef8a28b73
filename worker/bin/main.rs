//! The worker program that ships with parzen.

fn main() {}
