//! Median, percentile and average of durations in whole seconds.

use chrono::TimeDelta;

/// Durations in seconds, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sample(Vec<i64>);

impl FromIterator<TimeDelta> for Sample {
    /// A negative duration (clock skew) counts as zero.
    fn from_iter<I: IntoIterator<Item = TimeDelta>>(durations: I) -> Self {
        let mut seconds: Vec<i64> =
            durations.into_iter().map(|duration| duration.num_seconds().max(0)).collect();
        seconds.sort_unstable();
        Self(seconds)
    }
}

impl Sample {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn shortest(&self) -> Option<TimeDelta> {
        self.0.first().copied().map(TimeDelta::seconds)
    }

    pub(crate) fn longest(&self) -> Option<TimeDelta> {
        self.0.last().copied().map(TimeDelta::seconds)
    }

    /// The middle duration, or the average of the two in the middle.
    pub(crate) fn median(&self) -> Option<TimeDelta> {
        let upper = self.0.get(self.0.len() / 2)?;
        let lower = self.0.get(self.0.len().saturating_sub(1) / 2)?;
        Some(TimeDelta::seconds(lower + (upper - lower) / 2))
    }

    /// The percentile by the nearest-rank method; `percent` is 0 to 100.
    pub(crate) fn percentile(&self, percent: usize) -> Option<TimeDelta> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().map(TimeDelta::seconds)
    }

    /// The arithmetic mean of the durations.
    pub(crate) fn average(&self) -> Option<TimeDelta> {
        let sum: i128 = self.0.iter().copied().map(i128::from).sum();
        let mean = sum.checked_div(i128::try_from(self.0.len()).ok()?)?;
        i64::try_from(mean).ok().map(TimeDelta::seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn sample(seconds: &[i64]) -> Sample {
        seconds.iter().copied().map(TimeDelta::seconds).collect()
    }

    #[rstest]
    #[case::none(&[], None, None, None)]
    #[case::one(&[7], Some(7), Some(7), Some(7))]
    #[case::two(&[10, 4], Some(7), Some(10), Some(7))]
    #[case::odd(&[9, 1, 5], Some(5), Some(9), Some(5))]
    #[case::skewed(&[1, 1, 1, 1, 96], Some(1), Some(96), Some(20))]
    #[case::negative(&[-5, 5], Some(2), Some(5), Some(2))]
    fn of_a_few(
        #[case] seconds: &[i64],
        #[case] median: Option<i64>,
        #[case] p95: Option<i64>,
        #[case] average: Option<i64>,
    ) {
        let sample = sample(seconds);
        assert_eq!(sample.median(), median.map(TimeDelta::seconds));
        assert_eq!(sample.percentile(95), p95.map(TimeDelta::seconds));
        assert_eq!(sample.average(), average.map(TimeDelta::seconds));
    }

    #[test]
    fn the_95th_of_a_hundred() {
        let sample: Sample = (1..=100).map(TimeDelta::seconds).collect();
        assert_eq!(sample.percentile(95), Some(TimeDelta::seconds(95)));
        assert_eq!(sample.percentile(100), Some(TimeDelta::seconds(100)));
    }

    proptest! {
        #[test]
        fn all_lie_between_the_shortest_and_the_longest(seconds in prop::collection::vec(0i64..100_000, 1..200)) {
            let sample = sample(&seconds);
            let (least, most) = (seconds.iter().min().unwrap(), seconds.iter().max().unwrap());
            let range = TimeDelta::seconds(*least)..=TimeDelta::seconds(*most);
            let p95 = sample.percentile(95).unwrap();
            prop_assert!(range.contains(&sample.average().unwrap()));
            prop_assert!(range.contains(&p95));
            prop_assert!(sample.median().unwrap() <= p95);
            let within = seconds.iter().filter(|s| **s <= p95.num_seconds()).count();
            prop_assert!(within * 100 >= seconds.len() * 95);
        }
    }
}
