//! Servers under load, in turn: requests a second, how long answers take, and what each process spends on one.

use serde::Serialize;
use std::{collections::BTreeMap, rc::Rc, sync::atomic::AtomicBool, time::Duration};
use testkit::{
    load::{Outcome, Plan, Speech, Target, questions::Question, run_in},
    process::cpu_ns,
};

/// Someone who answers, at one of the places where it does.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: &'static str,
    /// Where it is asked, in words.
    pub way: &'static str,
    /// Where it is asked.
    pub target: Target,
    /// What it speaks there.
    pub speech: Speech,
    /// Its processes and what they are.
    pub processes: Vec<(&'static str, u32)>,
    /// What it is asked.
    pub questions: Rc<[Question]>,
}

/// What a server did under load.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// Right answers in a second.
    pub requests_per_second: f64,
    /// The median wait for an answer, in microseconds.
    pub p50_us: f64,
    /// 99 of a hundred answers came within this.
    pub p99_us: f64,
    /// 999 of a thousand answers came within this.
    pub p999_us: f64,
    /// Processor time of all processes for one request, in microseconds: the figure to trust on a busy machine.
    pub cpu_us: f64,
    /// The same, by what the processes are.
    pub cpu_us_by_process: BTreeMap<&'static str, f64>,
    /// Bytes of an answer, with all that is around it.
    pub bytes: f64,
}

impl Server {
    /// Puts load on it for a while, after a shorter while that does not count. A wrong answer is an error.
    pub fn measure(&self, connections: usize, time: Duration) -> Result<Measured, String> {
        self.load(connections, time / 5)?;
        let before = self.spent()?;
        let outcome = self.load(connections, time)?;
        let count = outcome.answered as f64;
        let mut measured = Measured {
            requests_per_second: count / outcome.took.as_secs_f64(),
            p50_us: outcome.latency.value_at_quantile(0.5) as f64,
            p99_us: outcome.latency.value_at_quantile(0.99) as f64,
            p999_us: outcome.latency.value_at_quantile(0.999) as f64,
            bytes: outcome.bytes as f64 / count,
            ..Measured::default()
        };
        for ((role, _), (before, after)) in self.processes.iter().zip(before.into_iter().zip(self.spent()?)) {
            let us = after.saturating_sub(before) as f64 / 1000.0 / count;
            *measured.cpu_us_by_process.entry(role).or_default() += us;
            measured.cpu_us += us;
        }
        Ok(measured)
    }

    fn load(&self, connections: usize, limit: Duration) -> Result<Outcome, String> {
        let plan = Plan {
            target: self.target.clone(),
            connections,
            pipeline: 1,
            keep_alive: true,
            requests: u64::MAX,
            limit,
        };
        let outcome = run_in(self.speech, &plan, &self.questions, &AtomicBool::new(false))
            .map_err(|error| format!("{}: not asked ({error})", self.name))?;
        if outcome.failed() > 0 || outcome.answered == 0 {
            return Err(format!("{} ({}): wrong answers: {:?}", self.name, self.way, outcome.failures));
        }
        Ok(outcome)
    }

    fn spent(&self) -> Result<Vec<u64>, String> {
        let spent = self.processes.iter().map(|(_, pid)| cpu_ns(*pid));
        spent.collect::<Result<_, _>>().map_err(|error| format!("{}: its processes: {error}", self.name))
    }
}

impl Measured {
    /// Of each figure its median.
    pub fn median(all: &[Measured]) -> Measured {
        let of = |figure: &dyn Fn(&Measured) -> f64| median(all.iter().map(figure));
        let roles = all.first().map(|first| first.cpu_us_by_process.keys().copied().collect::<Vec<_>>());
        let by_role = |role: &'static str| of(&|one| one.cpu_us_by_process.get(role).copied().unwrap_or(0.0));
        Measured {
            requests_per_second: of(&|one| one.requests_per_second),
            p50_us: of(&|one| one.p50_us),
            p99_us: of(&|one| one.p99_us),
            p999_us: of(&|one| one.p999_us),
            cpu_us: of(&|one| one.cpu_us),
            cpu_us_by_process: roles.into_iter().flatten().map(|role| (role, by_role(role))).collect(),
            bytes: of(&|one| one.bytes),
        }
    }
}

/// The middle one of some figures, or the mean of the middle two; 0 of none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => figures[middle],
        _ => (figures[middle - 1] + figures[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_the_mean_of_the_middle_two() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median([4.0, 1.0, 100.0, 2.0]), 3.0);
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let one = |cpu_us, p50_us| Measured {
            cpu_us,
            p50_us,
            cpu_us_by_process: BTreeMap::from([("worker", cpu_us)]),
            ..Measured::default()
        };
        let median = Measured::median(&[one(1.0, 30.0), one(2.0, 10.0), one(3.0, 20.0)]);
        assert_eq!((median.cpu_us, median.p50_us), (2.0, 20.0));
        assert_eq!(median.cpu_us_by_process, BTreeMap::from([("worker", 2.0)]));
    }
}
