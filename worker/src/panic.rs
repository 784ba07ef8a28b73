//! Panics as data: message, place and backtrace, as text that survives any wire.

use std::{
    backtrace::Backtrace,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::Once,
};

use serde::{Deserialize, Serialize};

/// What is known of a panic in a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicInfo {
    /// What it said.
    pub message: String,
    /// `file:line:column` of where.
    pub location: String,
    /// The stack at that moment.
    pub backtrace: String,
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static CAUGHT: RefCell<Option<PanicInfo>> = const { RefCell::new(None) };
}

/// Runs `f`, and gives its panic as data if it panics. Nothing is printed then.
///
/// # Errors
///
/// The panic, if there was one on this thread.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, PanicInfo> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                CAUGHT.set(Some(describe(info)));
            } else {
                print(info);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    // What `f` leaves half done dies with its job: nothing of it is looked at again.
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    result.map_err(|_| CAUGHT.take().unwrap_or_else(unknown))
}

fn describe(info: &PanicHookInfo<'_>) -> PanicInfo {
    PanicInfo {
        message: info.payload_as_str().unwrap_or("a payload that is not text").to_owned(),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        backtrace: Backtrace::force_capture().to_string(),
    }
}

/// For a panic that ran no hook, as `resume_unwind` does.
fn unknown() -> PanicInfo {
    PanicInfo {
        message: "unwound without a message".to_owned(),
        location: String::new(),
        backtrace: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_data() {
        let info = catch(|| panic!("no {}", 7)).unwrap_err();
        assert_eq!(info.message, "no 7");
        assert!(info.location.contains("panic.rs:"), "{}", info.location);
        assert!(info.backtrace.contains("a_panic_comes_back"), "{}", info.backtrace);
    }

    #[test]
    fn what_does_not_panic_comes_back_as_it_is() {
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn other_payloads_have_a_message_too() {
        assert!(catch(|| panic::panic_any(7_u8)).unwrap_err().message.contains("not text"));
        assert!(
            catch(|| panic::resume_unwind(Box::new(7_u8))).unwrap_err().message.contains("unwound")
        );
    }
}
