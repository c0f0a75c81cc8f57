//! Laws that hold for any text.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{GOOD, house, load};
use crate::values;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is written, the answer is a configuration or a list of mistakes that stand in the file.
    #[test]
    fn a_spoilt_file_is_a_list_of_mistakes(from in any::<Index>(), length in 0_usize..40, patch in "[\\[\\]{}=\",.a-z0-9\n# -]{0,12}") {
        let from = from.index(GOOD.len());
        let to = (from + length).min(GOOD.len());
        let text = format!("{}{patch}{}", &GOOD[..from], &GOOD[to..]);
        if let Err(problems) = load(&text, &house()) {
            prop_assert!(!problems.is_empty());
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            for problem in problems {
                prop_assert!((1..=lines).contains(&problem.line) && problem.column > 0, "{problem:?}");
                prop_assert!(!problem.message.is_empty() && !problem.fix.is_empty(), "{problem:?}");
            }
        }
    }

    /// Every whole number of milliseconds reads back as itself.
    #[test]
    fn durations_read_back(milliseconds in any::<u64>()) {
        let read = values::duration(&format!("{milliseconds}ms")).unwrap();
        prop_assert_eq!(read.as_millis(), u128::from(milliseconds));
    }
}
