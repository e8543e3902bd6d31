//! Attempts that a timetable plans.

use super::run::{Run, Step};

/// The run with the attempts that its timetable plans: one that was completed and goes on is
/// started again.
pub(super) fn with_restarts(mut run: Run) -> Run {
    let path = std::mem::take(&mut run.timetable.path);
    let mut attempts: Vec<Vec<Step>> = Vec::new();
    for step in path {
        let completed = |step: &Step| step.1 == "completed";
        let goes_on = |steps: &Vec<Step>| steps.last().is_some_and(completed) && !completed(&step);
        match attempts.last_mut() {
            Some(steps) if !goes_on(steps) => steps.push(step),
            _ => attempts.push(vec![step]),
        }
    }
    let mut attempts = attempts.into_iter();
    run.timetable.path = attempts.next().unwrap_or_default();
    for mut steps in attempts {
        let begins = steps[0].0;
        for step in &mut steps {
            step.0 -= begins;
        }
        let mut next = run.clone();
        next.attempt += 1;
        next.started = run.created + begins;
        next.timetable.path = steps;
        next.earlier = Some(Box::new(run));
        run = next;
    }
    run
}
