//! How a worker finds its coordinator and says who it is.

use std::{env, fmt, str::FromStr};

use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender};
use serde::{Deserialize, Serialize};

use super::{BUILD, MAGIC, VERSION, WorkerId};

/// A random number that only the coordinator and the process it started know.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token(u128);

impl Token {
    /// Wraps a number drawn at random.
    #[must_use]
    pub const fn new(secret: u128) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What a coordinator tells a process it starts: who it is, and where to say so.
///
/// It travels in the environment, which only processes of the same user can read; the arguments of
/// a process can be read by everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The id it has from now on.
    pub worker: WorkerId,
    /// What it must show.
    pub token: Token,
    /// The path of its [`Beacon`](crate::beacon::Beacon).
    pub beacon: String,
    /// The path of the socket where it says so.
    pub address: String,
}

/// Why there is no usable invitation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// The variable is not set.
    #[error("`{variable}` is not set: a worker is started by a coordinator, not by hand")]
    Missing {
        /// The environment variable.
        variable: &'static str,
    },
    /// It is not one of this version's.
    #[error("`{variable}` is not an invitation of protocol version {VERSION}")]
    Malformed {
        /// The environment variable.
        variable: &'static str,
    },
}

impl Invitation {
    /// The environment variable it travels in.
    pub const VARIABLE: &'static str = "PARZEN_INVITATION";

    /// Reads this process's own invitation.
    ///
    /// # Errors
    ///
    /// Fails if the variable is not set, or was set by another version.
    pub fn from_env() -> Result<Self, InvitationError> {
        let variable = Self::VARIABLE;
        let value = env::var(variable).map_err(|_| InvitationError::Missing { variable })?;
        value.parse().map_err(|()| InvitationError::Malformed { variable })
    }

    /// Whether this process was started as a worker.
    #[must_use]
    pub fn is_set() -> bool {
        env::var_os(Self::VARIABLE).is_some()
    }

    /// The value of the variable.
    #[must_use]
    pub fn to_env(&self) -> String {
        let Self { worker, token, beacon, address } = self;
        format!("{VERSION}:{worker}:{:032x}:{beacon}:{address}", token.0)
    }
}

impl FromStr for Invitation {
    type Err = ();

    fn from_str(value: &str) -> Result<Self, ()> {
        let mut fields = value.splitn(5, ':');
        let mut field = || fields.next().ok_or(());
        if field()?.parse() != Ok(VERSION) {
            return Err(());
        }
        let worker = WorkerId::new(field()?.parse().map_err(|_| ())?);
        let token = Token::new(u128::from_str_radix(field()?, 16).map_err(|_| ())?);
        Ok(Self { worker, token, beacon: field()?.to_owned(), address: field()?.to_owned() })
    }
}

/// The first message of a worker: its [`Greeting`], encoded, and the coordinator's ends of the
/// worker's three channels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Encoded apart, so that a greeting of another version can still be told as one.
    pub greeting: Vec<u8>,
    /// Jobs, to the worker.
    pub jobs: IpcBytesSender,
    /// Results, from the worker.
    pub results: IpcBytesReceiver,
    /// The lifeline, to the worker.
    pub lifeline: IpcBytesSender,
}

/// Who a worker says it is. The first two fields never change place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`VERSION`].
    pub version: u32,
    /// [`BUILD`].
    pub build: String,
    /// From the invitation.
    pub worker: WorkerId,
    /// Its own process id.
    pub pid: u32,
    /// From the invitation.
    pub token: Token,
}

impl Greeting {
    /// This process's answer to `invitation`.
    #[must_use]
    pub fn new(invitation: &Invitation) -> Self {
        Self {
            magic: MAGIC,
            version: VERSION,
            build: BUILD.to_owned(),
            worker: invitation.worker,
            pid: std::process::id(),
            token: invitation.token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_survives_the_environment() {
        let invitation = Invitation {
            worker: WorkerId::new(3),
            token: Token::new(0xfeed),
            beacon: "/proc/7/fd/8".to_owned(),
            address: "/a:b/socket".to_owned(),
        };
        assert_eq!(invitation.to_env().parse(), Ok(invitation));
    }

    #[test]
    fn what_is_no_invitation_is_refused() {
        for value in [
            "",
            "2",
            "2:2",
            "2:2:3",
            "2:2:3:x",
            "1:2:3:x:y",
            "2:x:3:x:y",
            "2:2:z:x:y",
            "two:2:3:x:y",
        ] {
            assert_eq!(value.parse::<Invitation>(), Err(()), "{value:?}");
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", Token::new(0xfeed)), "Token(..)");
    }
}
