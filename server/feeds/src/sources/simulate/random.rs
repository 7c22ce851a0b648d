//! The distributions that the simulation draws from, over one generator.

use fastrand::Rng;

/// The source of every random number of a simulation, in an order that is part of its contract: the same seed gives the
/// same events.
#[derive(Debug)]
pub(super) struct Random {
    rng: Rng,
    // Box and Muller make two at a time.
    spare: Option<f64>,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random {
            rng: Rng::with_seed(seed),
            spare: None,
        }
    }

    /// From 0 up to 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.rng.f64()
    }

    /// Between two numbers.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` up to and with `high`.
    pub(super) fn whole(&mut self, low: u32, high: u32) -> u32 {
        self.rng.u32(low..=high)
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.rng.usize(..list.len())]
    }

    /// A random index, by weights.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut rest = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (position, weight) in weights.enumerate() {
            if weight > 0.0 {
                last = position;
                rest -= weight;
                if rest < 0.0 {
                    break;
                }
            }
        }
        last
    }

    /// Normal, mean 0 and variance 1, after Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Above zero, so that its logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Mean 0, variance 1 and heavy tails (kurtosis 15): three in a hundred are drawn from a normal distribution that
    /// is more than four times as wide as the rest's.
    pub(super) fn heavy(&mut self) -> f64 {
        let width = if self.chance(0.03) { 3.5 } else { 0.807 };
        width * self.normal()
    }

    /// The number of events if `mean` are expected; for small means, after Knuth.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Geometric, from 1, with this probability of each further one.
    pub(super) fn geometric(&mut self, again: f64, most: u32) -> u32 {
        let mut count = 1;
        while count < most && self.chance(again) {
            count += 1;
        }
        count
    }
}
