//! Makes bytes that are nearly right, which go deeper into a decoder than noise does.

use rand::{RngExt, rngs::ChaCha12Rng, seq::IndexedRandom};

/// Most changes to one input.
const MOST_CHANGES: u32 = 6;

/// Most bytes of an input. Longer ones take longer and find no more.
const MOST_BYTES: usize = 16 << 10;

/// Bytes at which formats change their mind: signs, and the marks of bincode's long integers.
const BYTES: [u8; 10] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/// Words that texts react to.
const WORDS: [&str; 24] = [
    ",",
    ":",
    "\n",
    "\r\n",
    "\"",
    "\t",
    "-",
    "nan",
    "inf",
    "1e308",
    "1e-320",
    "-0",
    "0",
    "1e999",
    "18446744073709551616",
    "arange:",
    "linspace:",
    "geomspace:",
    "\u{feff}",
    "(",
    ")",
    "'",
    "é",
    "\0",
];

/// One of `seeds`, changed in a few places.
pub(crate) fn mutate(seeds: &[Vec<u8>], rng: &mut ChaCha12Rng) -> Vec<u8> {
    let mut bytes = seeds.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(0..=MOST_CHANGES) {
        change(&mut bytes, seeds, rng);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut ChaCha12Rng) {
    let at = rng.random_range(0..=bytes.len());
    let len = rng.random_range(0..=16.min(bytes.len() - at));
    match rng.random_range(0..8) {
        0 => {
            let bit = 1 << rng.random_range(0..8);
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bit);
        }
        1 => {
            let new = BYTES.choose(rng).copied().unwrap_or(0);
            bytes.get_mut(at).into_iter().for_each(|byte| *byte = new);
        }
        2 => drop(bytes.drain(at..at + len)),
        3 => {
            let copy = bytes[at..at + len].to_vec();
            insert(bytes, rng.random_range(0..=bytes.len()), &copy);
        }
        4 => insert(bytes, at, &rng.random::<[u8; 8]>()[..len.min(8)]),
        5 => insert(bytes, at, WORDS.choose(rng).copied().unwrap_or("").as_bytes()),
        6 => bytes.truncate(at),
        _ => {
            let other = seeds.choose(rng).map_or(&[][..], Vec::as_slice);
            let from = rng.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    drop(bytes.splice(at..at, new.iter().copied()));
}
