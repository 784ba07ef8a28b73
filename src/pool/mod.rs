//! Processes in general.
mod reorder;
mod scheduler;
#[cfg(test)]
mod sim;
