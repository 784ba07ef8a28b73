//! Runs one round of one case, and measures its parts.

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZeroU32,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parzen_worker::{clock, samples::Samples};

use super::{
    Backend, Case, Error, Meter, Parts, PoolState, Round, Runner, Sharing, Subject, Traffic,
    Worker,
    recorder::{Log, Recorder},
    subject::Shared,
};
use crate::{
    estimate::{self, Density, Executor, Plan, Processes, Serial, Stop, Threads},
    pool::{Builder, Usage},
};

/// Time that what disturbed a round has to go away before the next.
const CALM: Duration = Duration::from_millis(250);

/// Runs rounds on this machine.
pub struct Local<'a> {
    subject: &'a Subject,
    /// The samples, mapped here, to be copied from.
    samples: Samples,
    /// All rows, for those cases that copy them for every job.
    rows: Option<Arc<[f64]>>,
    plan: Plan,
    builder: Builder,
    stop: Stop,
    kill: Stop,
    meter: Option<Meter>,
    /// Workers that outlive their rounds.
    warm: BTreeMap<Case, Staff>,
    /// Bits of the densities, by width and point.
    results: Vec<u64>,
}

/// Workers and what they read.
struct Staff {
    executor: Box<dyn Executor>,
    shared: Shared,
}

/// Moments between the parts of a round.
#[derive(Clone, Copy, Debug)]
struct Marks {
    started_ns: u64,
    ready_ns: u64,
    shared_ns: u64,
    done_ns: u64,
    /// From `done_ns` to here the workers were asked what they used, which is no part of the round.
    asked_ns: u64,
    stopped_ns: u64,
}

impl<'a> Local<'a> {
    /// Runs rounds of `subject`, in pools as `builder` says but for the number of workers. `stop`
    /// is raised when no more jobs should be begun, `kill` when the program is about to end without
    /// dropping anything.
    ///
    /// # Errors
    ///
    /// Fails if samples, points or widths cannot be mapped or shared.
    pub fn new(
        subject: &'a Subject,
        builder: Builder,
        stop: Stop,
        kill: Stop,
    ) -> Result<Self, Error> {
        let prepared = subject.prepare()?;
        Ok(Self {
            subject,
            samples: subject.open()?,
            rows: None,
            plan: subject.problem(&prepared).plan(),
            builder,
            stop,
            kill,
            meter: Meter::start(&[]),
            warm: BTreeMap::new(),
            results: vec![0; subject.n_densities()],
        })
    }

    /// Starts the workers of `case`.
    fn start(&self, case: Case) -> Result<Box<dyn Executor>, Error> {
        let workers = NonZeroU32::new(case.workers).unwrap_or(NonZeroU32::MIN);
        match case.backend {
            Backend::Serial => Ok(Box::new(Serial)),
            Backend::Threads => Ok(Box::new(Threads::new(workers))),
            Backend::Processes => {
                let builder = self.builder.clone().workers(case.workers);
                let processes = Processes::start(builder, &self.stop, &self.kill)?;
                Ok(Box::new(match &self.rows {
                    Some(rows) if case.sharing == Sharing::PerJobCopy => {
                        processes.copying_per_job(Arc::clone(rows))
                    }
                    Some(_) | None => processes,
                }))
            }
        }
    }

    /// Puts what the workers of `case` read where they find it.
    fn share(&self, case: Case) -> Result<Shared, Error> {
        Ok(match (case.backend, case.sharing) {
            (Backend::Processes, Sharing::Once) => self.subject.share(&self.samples)?,
            (Backend::Processes, Sharing::PerJobCopy) | (Backend::Serial | Backend::Threads, _) => {
                self.subject.in_place()?
            }
        })
    }

    /// Runs all jobs, and keeps the results.
    fn estimate(&mut self, staff: &mut Staff, log: &mut Log) -> Result<(), Error> {
        let problem = self.subject.problem(&staff.shared.prepared);
        let n_points = staff.shared.prepared.shape().m;
        let results = &mut self.results;
        let mut keep = |density: Density| {
            let idx = density.width_idx * n_points + density.point_idx;
            if let Some(bits) = results.get_mut(idx) {
                *bits = density.density.to_bits();
            }
            Ok(())
        };
        let mut recorder = Recorder::new(&mut *staff.executor, log);
        estimate::run(&problem, &mut recorder, &self.stop, &mut keep)?;
        Ok(())
    }

    /// Workers of `case` that are there already, or are started now.
    fn staff(&mut self, case: Case) -> Result<Staff, Error> {
        match self.warm.remove(&case) {
            Some(staff) => Ok(staff),
            None => Ok(Staff { executor: self.start(case)?, shared: self.share(case)? }),
        }
    }

    /// Everything that is not to be measured.
    fn prepare(&mut self, case: Case) {
        // Touched, so that no page of it is first used while the clock runs.
        self.results.fill(0);
        if case.sharing == Sharing::PerJobCopy && self.rows.is_none() {
            let all = 0..self.samples.n();
            self.rows = Some(self.samples.rows(all, &mut Vec::new()).into());
        }
    }

    fn pids(&self) -> Vec<u32> {
        let usages = self.warm.values().filter_map(|staff| staff.executor.usage());
        usages.flat_map(|usage| usage.workers).map(|worker| worker.pid).collect()
    }

    /// Bytes sent besides messages.
    fn copied_bytes(&self, case: Case, shared: &Shared) -> u64 {
        let per_job = match (case.sharing, &self.rows) {
            (Sharing::PerJobCopy, Some(rows)) => size_of_val(&**rows) as u64,
            (Sharing::PerJobCopy, None) | (Sharing::Once, _) => 0,
        };
        let once = match case.pool {
            PoolState::Fresh => shared.bytes,
            PoolState::Warm => 0,
        };
        once + per_job * self.plan.n_jobs()
    }
}

impl Runner for Local<'_> {
    fn run(&mut self, case: Case) -> Result<Round, Error> {
        self.prepare(case);
        let mut log = Log::with_room(self.plan.n_jobs());
        let warm = match case.pool {
            PoolState::Warm => Some(self.staff(case)?),
            PoolState::Fresh => None,
        };
        let before = warm.as_ref().and_then(|staff| staff.executor.usage());

        let watch = Watch::start();
        let started_ns = clock::now_ns();
        let (mut staff, ready_ns, shared_ns) = match warm {
            Some(staff) => (staff, started_ns, started_ns),
            None => {
                let executor = self.start(case)?;
                let ready_ns = clock::now_ns();
                let shared = self.share(case)?;
                (Staff { executor, shared }, ready_ns, clock::now_ns())
            }
        };
        self.estimate(&mut staff, &mut log)?;
        let done_ns = clock::now_ns();
        let usage = staff.executor.usage();
        let asked_ns = clock::now_ns();
        let Staff { executor, shared } = staff;
        let kept = match case.pool {
            PoolState::Warm => Some(executor),
            PoolState::Fresh => {
                drop(executor);
                None
            }
        };
        let stopped_ns = clock::now_ns();
        let whole = watch.stop();

        let marks = Marks { started_ns, ready_ns, shared_ns, done_ns, asked_ns, stopped_ns };
        let mut round = round(case, &log, marks, whole);
        round.jobs = log.jobs(&self.plan, &shared.prepared);
        if let Some(usage) = usage {
            add_usage(&mut round, &usage, before.as_ref());
            let copied = self.copied_bytes(case, &shared);
            round.traffic.iter_mut().for_each(|traffic| traffic.bytes_sent += copied);
        }
        round.digest = digest(&self.results);
        if let Some(executor) = kept {
            self.warm.insert(case, Staff { executor, shared });
        }
        let pids = self.pids();
        let share = self.meter.as_mut().and_then(|meter| meter.foreign_share(started_ns, &pids));
        round.foreign_share = share.unwrap_or(0.0);
        Ok(round)
    }

    fn wait_for_calm(&mut self) {
        thread::sleep(CALM);
    }

    fn sees_others(&self) -> bool {
        self.meter.is_some()
    }
}

impl fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The clock that measures the whole, another one than that of the parts.
struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn stop(self) -> Duration {
        self.0.elapsed()
    }
}

/// The times of a round.
fn round(case: Case, log: &Log, marks: Marks, whole: Duration) -> Round {
    let Marks { started_ns, ready_ns, shared_ns, done_ns, asked_ns, stopped_ns } = marks;
    // Other processes' moments are of the same clock, but a part never ends before it begins.
    let first_ns = log.first_ns.unwrap_or(done_ns).clamp(shared_ns, done_ns);
    let last_ns = log.last_ns.unwrap_or(done_ns).clamp(first_ns, done_ns);
    let whole_ns = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
    let parts = Parts {
        start_ns: ready_ns - started_ns,
        share_ns: shared_ns - ready_ns,
        dispatch_ns: first_ns - shared_ns,
        work_ns: last_ns - first_ns,
        collect_ns: done_ns - last_ns,
        stop_ns: stopped_ns - asked_ns,
    };
    let compute_ns = log.compute_ns.iter().map(|&(_, ns)| ns).sum();
    let workers = log.compute_ns.iter();
    let mut workers: Vec<Worker> = workers
        .map(|&(worker, compute_ns)| Worker { worker, compute_ns, ..Worker::default() })
        .collect();
    workers.sort_by_key(|worker| worker.worker);
    Round {
        case,
        round: 0,
        order: 0,
        started_ns,
        wall_ns: whole_ns.saturating_sub(asked_ns - done_ns),
        parts,
        compute_ns,
        idle_ns: (u64::from(case.workers) * parts.work_ns).saturating_sub(compute_ns),
        merge_ns: log.merge_ns,
        traffic: None,
        workers,
        jobs: Vec::new(),
        foreign_share: 0.0,
        lost: 0,
        digest: 0,
    }
}

/// Adds what worker processes used in this round: of a warm pool, what was used `before` is not.
fn add_usage(round: &mut Round, usage: &Usage, before: Option<&Usage>) {
    let old = before.map(|before| before.traffic).unwrap_or_default();
    round.traffic = Some(Traffic {
        messages_sent: usage.traffic.messages_sent - old.messages_sent,
        bytes_sent: usage.traffic.bytes_sent - old.bytes_sent,
        messages_received: usage.traffic.messages_received - old.messages_received,
        bytes_received: usage.traffic.bytes_received - old.bytes_received,
    });
    round.lost = usage.lost - before.map_or(0, |before| before.lost);
    for used in &usage.workers {
        let old = before.and_then(|before| before.workers.iter().find(|old| old.pid == used.pid));
        let since = |now: Option<u64>, old: Option<Option<u64>>| {
            now.map(|now| now.saturating_sub(old.flatten().unwrap_or(0)))
        };
        let number = used.worker;
        let place = round.workers.iter().position(|worker| worker.worker == number);
        let place = place.unwrap_or_else(|| {
            round.workers.push(Worker { worker: number, ..Worker::default() });
            round.workers.len() - 1
        });
        let worker = &mut round.workers[place];
        worker.pid = Some(used.pid);
        worker.launched_ns = Some(used.launched_ns);
        worker.ready_ns = Some(used.ready_ns);
        worker.peak_memory = used.peak_memory;
        worker.voluntary_switches =
            since(used.voluntary_switches, old.map(|old| old.voluntary_switches));
        worker.involuntary_switches =
            since(used.involuntary_switches, old.map(|old| old.involuntary_switches));
    }
    round.workers.sort_by_key(|worker| worker.worker);
}

/// FNV-1a over all bits, in order: equal results have equal digests, others hardly ever.
fn digest(results: &[u64]) -> u64 {
    let bytes = results.iter().flat_map(|bits| bits.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Traffic as PoolTraffic, WorkerUsage};

    #[test]
    fn a_digest_sees_every_bit_and_the_order() {
        // The empty digest is FNV's offset basis; that of "a" is in its authors' table.
        assert_eq!(digest(&[]), 0xcbf2_9ce4_8422_2325);
        let bits = [1.0_f64.to_bits(), 2.0_f64.to_bits()];
        assert_ne!(digest(&bits), digest(&[bits[1], bits[0]]));
        assert_ne!(digest(&bits), digest(&[bits[0], bits[1] ^ 1]));
        assert_ne!(digest(&[0.0_f64.to_bits()]), digest(&[(-0.0_f64).to_bits()]));
    }

    #[test]
    fn parts_follow_one_another_and_leave_out_the_asking() {
        let mut log = Log::with_room(0);
        log.first_ns = Some(150);
        log.last_ns = Some(180);
        log.compute_ns = vec![(1, 20), (0, 25)];
        let marks = Marks {
            started_ns: 100,
            ready_ns: 120,
            shared_ns: 130,
            done_ns: 190,
            asked_ns: 290,
            stopped_ns: 300,
        };
        let case = Case::threads(2);
        let found = round(case, &log, marks, Duration::from_nanos(201));
        let expected = Parts {
            start_ns: 20,
            share_ns: 10,
            dispatch_ns: 20,
            work_ns: 30,
            collect_ns: 10,
            stop_ns: 10,
        };
        assert_eq!((found.parts, found.wall_ns), (expected, 101));
        assert_eq!((found.compute_ns, found.idle_ns), (45, 15));
        assert!((found.deviation() - 1.0 / 101.0).abs() < 1e-12);
        // A worker whose clock runs ahead must not make a part negative.
        log.first_ns = Some(90);
        log.last_ns = Some(1000);
        let parts = round(case, &log, marks, Duration::ZERO).parts;
        assert_eq!((parts.dispatch_ns, parts.work_ns, parts.collect_ns), (0, 60, 0));
    }

    #[test]
    fn a_warm_pool_has_used_only_what_it_used_since() {
        let usage = |sent, lost, switches| Usage {
            traffic: PoolTraffic { messages_sent: sent, ..PoolTraffic::default() },
            lost,
            workers: vec![WorkerUsage {
                worker: 3,
                pid: 77,
                launched_ns: 1,
                ready_ns: 2,
                peak_memory: Some(4096),
                voluntary_switches: Some(switches),
                involuntary_switches: None,
            }],
        };
        let marks = Marks {
            started_ns: 0,
            ready_ns: 0,
            shared_ns: 0,
            done_ns: 0,
            asked_ns: 0,
            stopped_ns: 0,
        };
        let case = Case::processes(1, PoolState::Warm, Sharing::Once);
        let mut found = round(case, &Log::default(), marks, Duration::ZERO);
        add_usage(&mut found, &usage(10, 3, 50), Some(&usage(4, 2, 20)));
        assert_eq!((found.traffic.unwrap().messages_sent, found.lost), (6, 1));
        let worker = &found.workers[0];
        assert_eq!((worker.worker, worker.pid), (3, Some(77)));
        assert_eq!((worker.voluntary_switches, worker.involuntary_switches), (Some(30), None));
    }
}
