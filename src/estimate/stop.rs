//! Asking an estimate to stop.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use crate::pool::Stopper;

/// Time that killed workers have to be gone before the program ends without them.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// Why an estimate is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Ctrl-C, SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

type Hook = Box<dyn FnOnce(Reason) + Send>;

/// A flag that, once raised, stays raised: no more jobs should be begun. Clones are the same flag.
///
/// ```
/// use parzen::estimate::{Reason, Stop};
///
/// let stop = Stop::new();
/// let _hook = stop.on_raise(|reason| assert_eq!(reason, Reason::Interrupted));
/// assert!(!stop.is_raised());
/// stop.clone().raise(Reason::Interrupted);
/// assert!(stop.is_raised());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    reason: OnceLock<Reason>,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next_id: u64,
    waiting: Vec<(u64, Hook)>,
}

impl Stop {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it, and runs on this thread all hooks that are registered. Returns whether it was not
    /// raised before: the first reason stays, later ones change nothing.
    pub fn raise(&self, reason: Reason) -> bool {
        let hooks = {
            let mut hooks = self.0.hooks();
            if self.0.reason.set(reason).is_err() {
                return false;
            }
            std::mem::take(&mut hooks.waiting)
        };
        for (_, hook) in hooks {
            hook(reason);
        }
        true
    }

    /// Whether it is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.reason().is_some()
    }

    /// Why it is raised, if it is.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.reason.get().copied()
    }

    /// Has `hook` run when the flag is raised: on the thread that raises it, or right here if it is
    /// raised already. It must not block. Dropping what is returned takes the hook back.
    pub fn on_raise(&self, hook: impl FnOnce(Reason) + Send + 'static) -> Registration {
        let mut hooks = self.0.hooks();
        let id = hooks.next_id;
        hooks.next_id += 1;
        match self.reason() {
            None => hooks.waiting.push((id, Box::new(hook))),
            Some(reason) => {
                drop(hooks);
                hook(reason);
            }
        }
        Registration { id, shared: Arc::downgrade(&self.0) }
    }

    /// Has the workers of a pool killed when the flag is raised, and awaited for a moment: for a
    /// program that is about to end without dropping the pool.
    pub fn kills(&self, stopper: Stopper) -> Registration {
        self.on_raise(move |_| {
            stopper.kill();
            stopper.wait(KILL_GRACE);
        })
    }
}

impl Shared {
    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// A hook that waits for a [`Stop`] to be raised; dropping this takes it back.
#[derive(Debug)]
#[must_use = "dropping it takes the hook back"]
pub struct Registration {
    id: u64,
    shared: Weak<Shared>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Taken out under the lock but dropped after it: a hook may own what itself uses the flag.
        let hook = self.shared.upgrade().and_then(|shared| {
            let mut hooks = shared.hooks();
            let found = hooks.waiting.iter().position(|(id, _)| *id == self.id)?;
            Some(hooks.waiting.swap_remove(found))
        });
        drop(hook);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let stop = Stop::new();
        assert_eq!(stop.reason(), None);
        assert!(stop.raise(Reason::Terminated));
        assert!(!stop.clone().raise(Reason::Interrupted));
        assert_eq!(stop.reason(), Some(Reason::Terminated));
    }

    #[test]
    fn hooks_run_once_when_raised_or_at_once_if_it_was() {
        let (sender, receiver) = mpsc::channel();
        let stop = Stop::new();
        let early = sender.clone();
        let _early = stop.on_raise(move |reason| early.send(("early", reason)).unwrap());
        assert!(receiver.try_recv().is_err());
        stop.raise(Reason::Interrupted);
        stop.raise(Reason::Terminated);
        let _late = stop.on_raise(move |reason| sender.send(("late", reason)).unwrap());
        let seen: Vec<_> = receiver.iter().collect();
        assert_eq!(seen, [("early", Reason::Interrupted), ("late", Reason::Interrupted)]);
    }

    #[test]
    fn a_hook_that_was_taken_back_does_not_run() {
        let (sender, receiver) = mpsc::channel();
        let stop = Stop::new();
        let other = sender.clone();
        let _other = stop.on_raise(move |_| other.send("other").unwrap());
        drop(stop.on_raise(move |_| sender.send("taken back").unwrap()));
        stop.raise(Reason::Interrupted);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn a_hook_may_use_the_flag_it_waits_for() {
        let stop = Stop::new();
        let inner = stop.clone();
        let _hook = stop.on_raise(move |_| {
            let _nested = inner.on_raise(|_| ());
            assert!(!inner.raise(Reason::Terminated));
        });
        assert!(stop.raise(Reason::Interrupted));
    }
}
