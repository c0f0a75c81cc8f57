//! A decayed histogram on a logarithmic grid.

/// Grid steps: each is 10 % wider than the one before, the first holds 0 and 1, the last everything from about
/// 10⁶ tokens on.
pub(crate) const STEPS: usize = 146;
const RATIO_LN: f64 = 0.095_310_179_804_324_87; // ln 1.1

/// Weights by grid step; older answers weigh less by `decay` an answer.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    weights: Box<[f32; STEPS]>,
    /// Sum of `weights`.
    total: f32,
    /// What one new answer weighs: grows instead of shrinking all the others.
    unit: f32,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { weights: Box::new([0.0; STEPS]), total: 0.0, unit: 1.0 }
    }

    /// Counts one answer; `half_life` answers later it weighs half.
    pub(crate) fn learn(&mut self, tokens: u64, half_life: f32) {
        self.unit *= (std::f32::consts::LN_2 / half_life).exp();
        if let Some(weight) = self.weights.get_mut(step_of(tokens)) {
            *weight += self.unit;
        }
        self.total += self.unit;
        if self.unit > 1e12 {
            self.rescale();
        }
    }

    /// How many answers it rests on, older ones weighing less.
    pub(crate) fn evidence(&self) -> f32 {
        self.total / self.unit
    }

    /// Adds this histogram's shape to `into`, as if it were `evidence` answers at the most.
    pub(crate) fn blend(&self, into: &mut [f32; STEPS], evidence: f32) {
        if self.total <= 0.0 {
            return;
        }
        let scale = self.evidence().min(evidence) / self.total;
        for (sum, weight) in into.iter_mut().zip(self.weights.iter()) {
            *sum += weight * scale;
        }
    }

    fn rescale(&mut self) {
        for weight in self.weights.iter_mut() {
            *weight /= self.unit;
        }
        self.total /= self.unit;
        self.unit = 1.0;
    }
}

/// The grid step that holds a length.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // clamped to the grid
pub(crate) fn step_of(tokens: u64) -> usize {
    if tokens <= 1 {
        return 0;
    }
    // A length on an upper edge belongs below it; the small term forgives the last bit of the logarithm.
    let step = ((tokens as f64).ln() / RATIO_LN - 1e-9).ceil();
    (step as usize).min(STEPS - 1)
}

/// The longest length of a grid step, in tokens.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // below 1.1^146
pub(crate) fn upper_edge(step: usize) -> u64 {
    (RATIO_LN * step as f64 + 1e-9).exp().floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_its_own_upper_edge_and_no_more() {
        for tokens in (1..5_000).chain([100_000, 999_999]) {
            let step = step_of(tokens);
            assert!(upper_edge(step) >= tokens, "{tokens} in step {step}");
            assert!(step == 0 || upper_edge(step - 1) < tokens, "{tokens} in step {step}");
        }
        assert_eq!(step_of(u64::MAX), STEPS - 1);
    }

    #[test]
    fn an_answer_weighs_half_after_its_half_life() {
        let mut histogram = Histogram::new();
        histogram.learn(10, 100.0);
        let first = histogram.weights[step_of(10)] / histogram.unit;
        for _ in 0..100 {
            histogram.learn(500, 100.0);
        }
        let later = histogram.weights[step_of(10)] / histogram.unit;
        assert!((later / first - 0.5).abs() < 1e-3, "{later} of {first}");
    }

    #[test]
    fn evidence_is_bounded_by_the_half_life_and_survives_rescaling() {
        let mut histogram = Histogram::new();
        for _ in 0..100_000 {
            histogram.learn(100, 200.0);
        }
        // A geometric series: 1 / (1 - 2^(-1/200)) = 289.
        assert!((histogram.evidence() - 289.0).abs() < 3.0, "{}", histogram.evidence());
    }
}
