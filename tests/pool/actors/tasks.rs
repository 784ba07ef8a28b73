//! Tasks that only tests need.

use std::{
    fs::{self, OpenOptions},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use parzen_worker::{
    Context, Registry, Task, TaskError,
    tasks::{self, demo::Echo},
};
use rustix::{
    process::{Signal, getpid, kill_process},
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser, ser::SerializeTuple};

pub(crate) fn registry() -> Registry {
    tasks::registry()
        .with::<Tell>()
        .with::<Remember>()
        .with::<Recall>()
        .with::<Gate>()
        .with::<Bulk>()
        .with::<BadInput>()
        .with::<BadOutput>()
        .with::<Mirror>()
        .with::<Trap>()
        .with::<Slip>()
        .with::<Endless>()
        .with::<Overflow>()
        .with::<Spend>()
        .with::<Fall>()
        .with::<Fuse>()
        .with::<Heavy>()
}

/// Writes a line to standard output and one to standard error.
pub(crate) enum Tell {}

impl Task for Tell {
    const NAME: &'static str = "test.tell";
    type Input = String;
    type Output = u32;

    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what it is for")]
    fn run(line: String, context: &Context) -> Result<u32, TaskError> {
        println!("out {line}");
        eprintln!("err {line}");
        Ok(context.worker())
    }
}

static REMEMBERED: AtomicU64 = AtomicU64::new(0);

/// Keeps a number in this process.
pub(crate) enum Remember {}

impl Task for Remember {
    const NAME: &'static str = "test.remember";
    type Input = u64;
    type Output = String;

    fn run(number: u64, _: &Context) -> Result<String, TaskError> {
        REMEMBERED.store(number, Ordering::Relaxed);
        Ok("a value that nobody wants".to_owned())
    }
}

/// Gives the number that this process keeps, and the process's id.
pub(crate) enum Recall {}

impl Task for Recall {
    const NAME: &'static str = "test.recall";
    type Input = ();
    type Output = (u64, u32);

    fn run((): (), _: &Context) -> Result<(u64, u32), TaskError> {
        Ok((REMEMBERED.load(Ordering::Relaxed), process::id()))
    }
}

/// Adds its process id as a line to the first file, then waits until the second is there. Gives the
/// id and how often it was begun before.
pub(crate) enum Gate {}

impl Task for Gate {
    const NAME: &'static str = "test.gate";
    type Input = (String, String);
    type Output = (u32, u32);

    fn run((begun, go): (String, String), context: &Context) -> Result<(u32, u32), TaskError> {
        use std::io::Write;
        let mut file = OpenOptions::new().create(true).append(true).open(begun)?;
        file.write_all(format!("{}\n", process::id()).as_bytes())?;
        while !Path::new(&go).exists() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok((process::id(), context.attempt()))
    }
}

/// Those who have begun [`Gate`] with this file.
pub(crate) fn begun(file: &Path) -> Vec<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until a file is there, if one is named. Gives so many bytes, whatever it was given.
pub(crate) enum Bulk {}

impl Task for Bulk {
    const NAME: &'static str = "test.bulk";
    type Input = (String, <Echo as Task>::Output, usize);
    type Output = <Echo as Task>::Output;

    fn run((go, _, n_bytes): Self::Input, _: &Context) -> Result<Self::Output, TaskError> {
        while !go.is_empty() && !Path::new(&go).exists() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(vec![0xAB; n_bytes].into())
    }
}

/// Can be sent, but not read.
#[derive(Debug, Serialize)]
pub(crate) struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("it cannot be read"))
    }
}

pub(crate) enum BadInput {}

impl Task for BadInput {
    const NAME: &'static str = "test.bad-input";
    type Input = Unreadable;
    type Output = ();

    fn run(_: Unreadable, _: &Context) -> Result<(), TaskError> {
        Ok(())
    }
}

/// Cannot be sent, if it says so.
#[derive(Debug, Deserialize)]
pub(crate) struct Unwritable(pub(crate) bool);

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 {
            return Err(ser::Error::custom("it cannot be written"));
        }
        serializer.serialize_newtype_struct("Unwritable", &self.0)
    }
}

/// Gives something that cannot be sent, if it is told so.
pub(crate) enum BadOutput {}

impl Task for BadOutput {
    const NAME: &'static str = "test.bad-output";
    type Input = bool;
    type Output = Unwritable;

    fn run(bad: bool, _: &Context) -> Result<Unwritable, TaskError> {
        Ok(Unwritable(bad))
    }
}

/// Is given something that cannot be sent, if it says so.
pub(crate) enum Mirror {}

impl Task for Mirror {
    const NAME: &'static str = "test.mirror";
    type Input = Unwritable;
    type Output = bool;

    fn run(Unwritable(bad): Unwritable, _: &Context) -> Result<bool, TaskError> {
        Ok(bad)
    }
}

/// A worker panics as it is `read`, or `written`, if that is what it says.
#[derive(Debug)]
pub(crate) struct Fused(pub(crate) String);

impl Fused {
    fn blow(&self, what: &str) {
        assert!(!is_worker() || self.0 != what, "it is {what}");
    }
}

impl Serialize for Fused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.blow("written");
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fused = Self(String::deserialize(deserializer)?);
        fused.blow("read");
        Ok(fused)
    }
}

/// Gives back what it is given.
pub(crate) enum Fuse {}

impl Task for Fuse {
    const NAME: &'static str = "test.fuse";
    type Input = Fused;
    type Output = Fused;

    fn run(fused: Fused, _: &Context) -> Result<Fused, TaskError> {
        Ok(fused)
    }
}

/// Kills its worker as often as it is told. Gives how often it had been begun before.
pub(crate) enum Fall {}

impl Task for Fall {
    const NAME: &'static str = "test.fall";
    type Input = u32;
    type Output = u32;

    fn run(times: u32, context: &Context) -> Result<u32, TaskError> {
        if context.attempt() < times {
            kill_process(getpid(), Signal::KILL)?;
        }
        Ok(context.attempt())
    }
}

/// Whoever reads 13 panics.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Trapped(pub(crate) u64);

impl<'de> Deserialize<'de> for Trapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        assert!(number != 13, "a number that brings bad luck");
        Ok(Self(number))
    }
}

pub(crate) enum Trap {}

impl Task for Trap {
    const NAME: &'static str = "test.trap";
    type Input = u64;
    type Output = Trapped;

    fn run(number: u64, _: &Context) -> Result<Trapped, TaskError> {
        Ok(Trapped(number))
    }
}

/// So many bytes. The first process to come to the middle of them, and to find no file of this
/// name, makes it and is killed.
#[derive(Debug)]
pub(crate) struct Slippery {
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

fn slip(file: &str) {
    if !file.is_empty() && OpenOptions::new().write(true).create_new(true).open(file).is_ok() {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
}

/// Bytes as one piece, for speed.
struct Piece<'a>(&'a [u8]);

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Slippery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, second) = self.bytes.split_at(self.bytes.len() / 2);
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&Piece(first))?;
        // In the coordinator, which writes arguments and reads results, there is none of it.
        if is_worker() {
            slip(&self.file);
        }
        tuple.serialize_element(&self.file)?;
        tuple.serialize_element(&Piece(second))?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Slippery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, file, second): (Bytes, SlipOn, Bytes) = Deserialize::deserialize(deserializer)?;
        Ok(Self { file: file.0, bytes: [first.0, second.0].concat() })
    }
}

/// A file's name, on which one may slip.
struct SlipOn(String);

impl<'de> Deserialize<'de> for SlipOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = String::deserialize(deserializer)?;
        if is_worker() {
            slip(&file);
        }
        Ok(Self(file))
    }
}

struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

fn is_worker() -> bool {
    std::env::var_os("PARZEN_ROLE").is_some()
}

/// Gives back the bytes, the first at the end; slips over the argument or the result once, if it is told so.
pub(crate) enum Slip {}

impl Task for Slip {
    const NAME: &'static str = "test.slip";
    type Input = (Slippery, String);
    type Output = Slippery;

    fn run((mut input, file): (Slippery, String), _: &Context) -> Result<Slippery, TaskError> {
        input.bytes.rotate_left(1);
        Ok(Slippery { file, bytes: input.bytes })
    }
}

/// Is encoded without end, a mebibyte at a time.
#[derive(Debug)]
pub(crate) struct Endless;

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let piece = vec![0; 1 << 20];
        let mut tuple = serializer.serialize_tuple(1 << 30)?;
        loop {
            tuple.serialize_element(&Piece(&piece))?;
        }
    }
}

impl<'de> Deserialize<'de> for Endless {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("nobody can have sent it"))
    }
}

/// Its argument has no end.
impl Task for Endless {
    const NAME: &'static str = "test.endless";
    type Input = Self;
    type Output = ();

    fn run(_: Self, _: &Context) -> Result<(), TaskError> {
        Ok(())
    }
}

/// Its result has no end.
pub(crate) enum Overflow {}

impl Task for Overflow {
    const NAME: &'static str = "test.overflow";
    type Input = ();
    type Output = Endless;

    fn run((): (), _: &Context) -> Result<Endless, TaskError> {
        Ok(Endless)
    }
}

/// Uses so much of the processor and so many bytes of memory, says its last words, and aborts.
pub(crate) enum Spend {}

impl Task for Spend {
    const NAME: &'static str = "test.spend";
    type Input = (Duration, usize, String);
    type Output = ();

    #[expect(clippy::print_stderr, reason = "this is what it is for")]
    fn run((time, bytes, words): (Duration, usize, String), _: &Context) -> Result<(), TaskError> {
        let used = || clock_gettime(ClockId::ProcessCPUTime);
        while Duration::try_from(used()).unwrap_or_default() < time {}
        std::mem::forget(vec![1_u8; bytes]);
        eprintln!("{words}");
        process::abort();
    }
}

/// Is not in the registry.
pub(crate) enum Unknown {}

impl Task for Unknown {
    const NAME: &'static str = "test.unknown";
    type Input = u64;
    type Output = u64;

    fn run(number: u64, _: &Context) -> Result<u64, TaskError> {
        Ok(number)
    }
}

/// Aborts if it is given a file, to which it adds a line before.
pub(crate) enum Heavy {}

impl Task for Heavy {
    const NAME: &'static str = "test.heavy";
    type Input = String;
    type Output = Weight;

    fn run(begun: String, _: &Context) -> Result<Weight, TaskError> {
        use std::io::Write;
        if begun.is_empty() {
            return Ok(Weight);
        }
        let mut file = OpenOptions::new().create(true).append(true).open(begun)?;
        file.write_all(format!("{}\n", process::id()).as_bytes())?;
        process::abort();
    }
}

/// To read it takes a second.
#[derive(Debug, Serialize)]
pub(crate) struct Weight;

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        thread::sleep(Duration::from_secs(1));
        <()>::deserialize(deserializer).map(|()| Self)
    }
}
