//! What somebody does to runs on GitHub's pages.

use super::{run::Timetable, standin::Github};

impl Github {
    /// Somebody starts a run again on GitHub's pages; none: by the scenario's next timetable, or
    /// that of the attempt before. Returns the new attempt's number.
    ///
    /// # Panics
    /// When there is no such run.
    pub fn rerun(&self, id: u64, by: &str, timetable: Option<Timetable>) -> u64 {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.start_again(id, by, timetable, 0, now);
        state.run_mut(id).expect("there is such a run").attempt
    }

    /// Somebody cancels a run on GitHub's pages.
    pub fn cancel(&self, id: u64) {
        let now = self.shared.clock.now();
        self.shared.state().end_early(id, false, now);
    }

    /// Somebody deletes a run on GitHub's pages: it is answered 404 from now on.
    pub fn delete_run(&self, id: u64) {
        let mut state = self.shared.state();
        state.runs.retain(|run| run.id != id);
        state.outbox.forget(id);
        state.line_up(self.shared.clock.now());
    }
}
