//! The one place that knows the byte format: bincode, variable-length integers, doubles as 8 bytes.

use std::io::{self, Write};

use bincode::config::{Configuration, Limit, LittleEndian, Varint, standard};
use serde::{Serialize, de::DeserializeOwned};

use super::{MAX_BODY, MAX_MESSAGE};

/// The limit is on the size of what is decoded, which is up to sixteen times that of its bytes: so
/// large is a `u128` that fits one byte. A length that bytes merely claim allocates no more.
fn config<const LIMIT: usize>() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    standard().with_limit::<LIMIT>()
}

/// What is decoded from a message, from a large body, and from the largest.
const LIMITS: [usize; 3] = [16 * MAX_MESSAGE, 256 << 20, 32 * MAX_BODY];

/// What could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It refuses, or asks for what the format cannot hold.
    #[error("failed to encode `{type_name}`")]
    Refused {
        /// Its type.
        type_name: &'static str,
        /// What it said.
        source: bincode::error::EncodeError,
    },
    /// It is larger than [`MAX_BODY`].
    #[error("`{type_name}` is too large: at most {MAX_BODY} bytes can be sent")]
    TooLarge {
        /// Its type.
        type_name: &'static str,
    },
    /// A message would be larger than [`MAX_MESSAGE`].
    #[error("a message of {0} bytes is too large: at most {MAX_MESSAGE} can be sent")]
    TooLong(usize),
}

/// Bytes that are not an encoding of what was expected.
#[derive(Debug, thiserror::Error)]
#[error("failed to decode `{type_name}`")]
pub struct DecodeError {
    type_name: &'static str,
    source: bincode::error::DecodeError,
}

/// Appends the encoding of `value` to `bytes`. On an error `bytes` is as before.
///
/// # Errors
///
/// Fails if `value`'s own `Serialize` does, if it asks for what the format cannot hold, or as soon as
/// it has more than [`MAX_BODY`] bytes.
pub fn encode<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_within(value, bytes, MAX_BODY)
}

fn encode_within<T: Serialize + ?Sized>(
    value: &T,
    bytes: &mut Vec<u8>,
    most: usize,
) -> Result<(), EncodeError> {
    let len = bytes.len();
    let mut bounded = Bounded { bytes, left: most, is_full: false };
    let encoded = bincode::serde::encode_into_std_write(value, &mut bounded, standard());
    let is_full = bounded.is_full;
    encoded.map(drop).map_err(|source| {
        bytes.truncate(len);
        let type_name = std::any::type_name::<T>();
        if is_full {
            // What it grew to is of no use any more.
            bytes.shrink_to(len);
            EncodeError::TooLarge { type_name }
        } else {
            EncodeError::Refused { type_name, source }
        }
    })
}

/// Appends to a vector, up to a number of bytes.
struct Bounded<'a> {
    bytes: &'a mut Vec<u8>,
    left: usize,
    is_full: bool,
}

impl Write for Bounded<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes one value from the front of `bytes`, and moves `bytes` behind it.
///
/// # Errors
///
/// Fails if `bytes` do not begin with an encoding of a `T`, or of one that is too large: for those of
/// a message that is 3 MiB, as the decoder counts. The memory it takes may be some times that: an
/// empty text counts as 8 bytes and takes 24. A length that is merely claimed takes no more than 3 MiB.
///
/// Whatever the bytes, it does not panic. But a type that contains itself, such as a tree of boxes,
/// may be nested deeper than the stack allows, and a sequence of items of no size may be so long that
/// it never ends.
pub fn decode<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, DecodeError> {
    const { assert!(LIMITS[0] == 3 << 20) };
    let decoded = if bytes.len() <= MAX_MESSAGE {
        bincode::serde::decode_from_slice(bytes, config::<{ LIMITS[0] }>())
    } else if bytes.len() <= LIMITS[1] / 16 {
        bincode::serde::decode_from_slice(bytes, config::<{ LIMITS[1] }>())
    } else {
        bincode::serde::decode_from_slice(bytes, config::<{ LIMITS[2] }>())
    };
    match decoded {
        Ok((value, used)) => {
            *bytes = bytes.get(used..).unwrap_or_default();
            Ok(value)
        }
        Err(source) => Err(DecodeError { type_name: std::any::type_name::<T>(), source }),
    }
}

/// A whole message: `header`, then `body`.
///
/// # Errors
///
/// Fails if the header cannot be encoded, or the message is larger than [`MAX_MESSAGE`]: whoever
/// builds one has put a large body into a segment before.
pub fn message<H: Serialize>(header: &H, body: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(body.len() + 128);
    encode(header, &mut bytes)?;
    bytes.extend_from_slice(body);
    if bytes.len() <= MAX_MESSAGE { Ok(bytes) } else { Err(EncodeError::TooLong(bytes.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_one_another() {
        let mut bytes = Vec::new();
        encode(&(7_u32, -0.0_f64), &mut bytes).unwrap();
        encode("next", &mut bytes).unwrap();
        let mut rest = bytes.as_slice();
        let (seven, zero): (u32, f64) = decode(&mut rest).unwrap();
        assert_eq!((seven, zero.to_bits()), (7, (-0.0_f64).to_bits()));
        assert_eq!(decode::<String>(&mut rest).unwrap(), "next");
        assert!(rest.is_empty());
        assert!(decode::<u8>(&mut rest).is_err(), "nothing is left");
    }

    #[test]
    fn a_length_that_is_only_claimed_is_an_error() {
        // 253 announces an eight-byte integer: a length of 2^60.
        let bytes = [253, 0, 0, 0, 0, 0, 0, 0, 16];
        assert!(decode::<Vec<f64>>(&mut bytes.as_slice()).is_err());
        assert!(decode::<String>(&mut bytes.as_slice()).is_err());
    }

    #[test]
    fn numbers_that_are_short_as_bytes_decode_whatever_their_size() {
        for len in [10, MAX_MESSAGE, 1 << 20] {
            let mut bytes = Vec::new();
            encode(&vec![1_u128; len - 8], &mut bytes).unwrap();
            assert_eq!(decode::<Vec<u128>>(&mut bytes.as_slice()).unwrap().len(), len - 8);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_an_error() {
        assert!(message(&0_u8, &vec![0; MAX_MESSAGE - 1]).is_ok());
        assert!(matches!(message(&0_u8, &vec![0; MAX_MESSAGE]), Err(EncodeError::TooLong(_))));
    }

    #[test]
    fn what_is_too_large_is_given_up() {
        let mut bytes = vec![9];
        let text = "x".repeat(100);
        assert!(encode_within(&text, &mut bytes, 101).is_ok(), "and one byte for its length");
        assert_eq!(bytes.len(), 102);
        let error = encode_within(&text, &mut bytes, 100).unwrap_err();
        assert!(matches!(error, EncodeError::TooLarge { .. }), "{error}");
        assert_eq!(bytes.len(), 102);
    }

    #[test]
    fn what_cannot_be_encoded_leaves_no_trace() {
        struct Fails;
        impl Serialize for Fails {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::{Error, SerializeTuple};
                let mut tuple = serializer.serialize_tuple(2)?;
                tuple.serialize_element(&1_u8)?;
                Err(S::Error::custom("no"))
            }
        }
        let mut bytes = vec![9];
        assert!(encode(&Fails, &mut bytes).is_err());
        assert_eq!(bytes, [9]);
    }
}
