//! The predictor: decayed histograms by ever narrower contexts, each leaning on the wider one, and an adaptive
//! correction so that a p90 holds nine of ten times whatever the stream does.
//!
//! The correction is adaptive conformal inference (Gibbs & Candès, NeurIPS 2021, arXiv 2106.00170): after each answer
//! the level that is asked for moves a little up if the answer was longer than foreseen, a little down if not.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use parking_lot::Mutex;

use crate::histogram::{Histogram, STEPS, step_of, upper_edge};

/// Contexts kept at the most: 10,000 × 0.6 kB. Beyond it no new one is made until those idle longest are dropped.
const CONTEXTS_MAX: usize = 10_000;
/// Answers after which one weighs half, by level: the whole house, model, app of a model, input size of an app.
const HALF_LIFE: [f32; 4] = [2_000.0, 1_000.0, 400.0, 300.0];
/// How many answers of a wider context count beside the narrower one's own.
const LEAN: f32 = 12.0;
/// How fast the level moves after a miss.
const GAIN: f64 = 0.005;
/// Answers of a model before its limit is replaced by what was learnt: below it a p99 is a guess.
const EVIDENCE_MIN: f32 = 50.0;
const LEVELS: [f64; 3] = [0.50, 0.90, 0.99];

/// What is known of a call before it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The model that will answer, by the provider's name.
    pub model: &'a str,
    /// The caller's app; where none is said, its key.
    pub app: &'a str,
    /// Input, in tokens.
    pub input_tokens: u64,
}

/// Quantiles of output tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Median.
    pub p50: u64,
    /// Nine of ten stay below.
    pub p90: u64,
    /// Ninety-nine of a hundred stay below.
    pub p99: u64,
}

/// Foresight of output length, shared by all calls. One short lock a look; see `docs/performance.md` for its cost.
#[derive(Debug, Default)]
pub struct Foresight {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    contexts: HashMap<u64, Place, BuildHasherDefault<DefaultHasher>>,
    tick: u64,
}

#[derive(Debug)]
struct Place {
    histogram: Histogram,
    /// Levels asked for, moved by the correction; kept at the model's place.
    levels: [f64; 3],
    used: u64,
}

impl Foresight {
    /// Foresees one call; `None` while too little was learnt of its model: the caller then takes the model's limit.
    pub fn foresee(&self, context: &Context<'_>) -> Option<Foreseen> {
        let mut state = self.state.lock();
        state.tick += 1;
        state.foresee(keys(context))
    }

    /// Learns how long the answer was. Call once per attempt that ended by itself: an answer that a client cut off
    /// says nothing of where it would have stopped. `foreseen`: what was foreseen of it, to be scored.
    pub fn learn(&self, context: &Context<'_>, foreseen: Option<Foreseen>, output_tokens: u64) {
        let mut state = self.state.lock();
        let keys = keys(context);
        if let Some(foreseen) = foreseen {
            state.correct(keys, foreseen, output_tokens);
        }
        for (key, half_life) in keys.into_iter().zip(HALF_LIFE) {
            state.place(key).histogram.learn(output_tokens, half_life);
        }
    }

    /// Contexts held now.
    pub fn contexts(&self) -> usize {
        self.state.lock().contexts.len()
    }
}

impl State {
    fn foresee(&mut self, keys: [u64; 4]) -> Option<Foreseen> {
        let [_, model, ..] = keys;
        let known = self.contexts.get(&model).filter(|place| place.histogram.evidence() >= EVIDENCE_MIN)?;
        let levels = known.levels;
        let mut blend = [0.0; STEPS];
        for (depth, key) in keys.into_iter().enumerate() {
            let tick = self.tick;
            let Some(place) = self.contexts.get_mut(&key) else { break };
            place.used = tick;
            // What the wider contexts said shrinks to a few answers' worth before the narrower one adds its own.
            let sum: f32 = blend.iter().sum();
            let lean = LEAN * if depth == 1 { 0.25 } else { 1.0 };
            if sum > lean {
                for weight in &mut blend {
                    *weight *= lean / sum;
                }
            }
            place.histogram.blend(&mut blend, f32::MAX);
        }
        let [p50, p90, p99] = levels.map(|level| quantile(&blend, level));
        Some(Foreseen { p50, p90: p90.max(p50), p99: p99.max(p90).max(p50) })
    }

    /// Moves the model's levels by whether this answer was foreseen.
    fn correct(&mut self, keys: [u64; 4], foreseen: Foreseen, output_tokens: u64) {
        let [_, model, ..] = keys;
        let Some(place) = self.contexts.get_mut(&model) else { return };
        let bounds = [foreseen.p50, foreseen.p90, foreseen.p99];
        for ((level, wanted), bound) in place.levels.iter_mut().zip(LEVELS).zip(bounds) {
            let missed = if step_of(output_tokens) > step_of(bound) { 1.0 } else { 0.0 };
            *level = (*level + GAIN * (missed - (1.0 - wanted))).clamp(wanted * 0.5, 0.9999);
        }
    }

    fn place(&mut self, key: u64) -> &mut Place {
        if self.contexts.len() >= CONTEXTS_MAX && !self.contexts.contains_key(&key) {
            self.forget_idle();
        }
        let tick = self.tick;
        let place = self.contexts.entry(key).or_insert_with(|| Place {
            histogram: Histogram::new(),
            levels: LEVELS,
            used: tick,
        });
        place.used = tick;
        place
    }

    /// Drops the half that was looked at longest ago: rare, and spread over as many new contexts.
    fn forget_idle(&mut self) {
        let mut ages: Vec<u64> = self.contexts.values().map(|place| place.used).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        self.contexts.retain(|_, place| place.used > median);
    }
}

/// House, model, app of the model, input size (octave) of the app.
fn keys(context: &Context<'_>) -> [u64; 4] {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let hash = |parts: &dyn Fn(&mut DefaultHasher)| {
        let mut state = hasher.build_hasher();
        parts(&mut state);
        std::hash::Hasher::finish(&state)
    };
    let octave = context.input_tokens.checked_ilog2().map_or(0, |log| log + 1);
    [
        0,
        hash(&|h| (1u8, context.model).hash(h)),
        hash(&|h| (2u8, context.model, context.app).hash(h)),
        hash(&|h| (3u8, context.model, context.app, octave).hash(h)),
    ]
}

#[allow(clippy::cast_possible_truncation)] // a level is between 0 and 1
fn quantile(weights: &[f32; STEPS], level: f64) -> u64 {
    let total: f32 = weights.iter().sum();
    let wanted = total * level as f32;
    let mut sum = 0.0;
    let mut last = 0;
    for (step, weight) in weights.iter().enumerate() {
        if *weight > 0.0 {
            last = step;
            sum += weight;
            if sum >= wanted {
                break;
            }
        }
    }
    upper_edge(last).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctx(app: &str) -> Context<'_> {
        Context { model: "m", app, input_tokens: 100 }
    }

    /// A small deterministic generator (Numerical Recipes' LCG) so that the test needs no crate.
    #[allow(clippy::cast_precision_loss)] // 31 bits
    fn rng(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 33) as f64) / f64::from(1u32 << 31)
    }

    #[test]
    fn little_learnt_is_nothing_foreseen() {
        let foresight = Foresight::default();
        for _ in 0..49 {
            assert_eq!(foresight.foresee(&ctx("a")), None);
            foresight.learn(&ctx("a"), None, 5);
        }
    }

    /// Lengths drawn from known laws that change half-way: coverage must hold over the whole and near the change.
    #[test]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // lengths of some thousands
    fn coverage_holds_under_drift() {
        let foresight = Foresight::default();
        let mut state = 7;
        let (mut scored, mut under90, mut under99) = (0.0, 0.0, 0.0);
        for call in 0..20_000 {
            let scale = if call < 10_000 { 100.0 } else { 700.0 };
            let output = (-(1.0 - rng(&mut state)).ln() * scale) as u64 + 1;
            let foreseen = foresight.foresee(&ctx("a"));
            if let (true, Some(foreseen)) = (call >= 500, foreseen) {
                scored += 1.0;
                under90 += f64::from(u8::from(output <= foreseen.p90));
                under99 += f64::from(u8::from(output <= foreseen.p99));
            }
            foresight.learn(&ctx("a"), foreseen, output);
        }
        let (c90, c99) = (under90 / scored, under99 / scored);
        assert!((0.88..=0.93).contains(&c90), "p90 covered {c90}");
        assert!((0.98..=0.998).contains(&c99), "p99 covered {c99}");
    }

    #[test]
    fn apps_of_one_model_are_told_apart() {
        let foresight = Foresight::default();
        for _ in 0..400 {
            foresight.learn(&ctx("short"), None, 10);
            foresight.learn(&ctx("long"), None, 2_000);
        }
        let (short, long) =
            (foresight.foresee(&ctx("short")).unwrap(), foresight.foresee(&ctx("long")).unwrap());
        assert!(short.p50 <= 11, "{short:?}");
        assert!(long.p50 >= 1_900, "{long:?}");
    }

    #[test]
    fn memory_is_bounded() {
        let foresight = Foresight::default();
        for app in 0..30_000 {
            let app = app.to_string();
            let foreseen = foresight.foresee(&ctx(&app));
            foresight.learn(&ctx(&app), foreseen, 5);
        }
        assert!(foresight.contexts() <= CONTEXTS_MAX + 3);
    }
}
