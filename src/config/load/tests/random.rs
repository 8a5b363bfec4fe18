//! Random and damaged files: always an answer, never a panic.

use proptest::prelude::*;

use super::*;

/// A good file with a few pieces cut out, doubled, or replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let texts: Vec<Vec<u8>> = testdata("good")
        .iter()
        .map(|p| fs::read(p).unwrap())
        .collect();
    let junk = prop_oneof![
        Just("${".to_owned()),
        Just("&a".to_owned()),
        Just("*a".to_owned()),
        Just("<<: ".to_owned()),
        Just("\n- ".to_owned()),
        Just(": ".to_owned()),
        Just("[".to_owned()),
        Just("!x ".to_owned()),
        Just("\"".to_owned()),
        Just("| ".to_owned()),
        Just("\t".to_owned()),
        Just("@".to_owned()),
        "\\PC{0,8}",
    ];
    let edit = (any::<prop::sample::Index>(), 0_usize..40, junk);
    (
        prop::sample::select(texts),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(mut text, edits)| {
            for (at, cut, junk) in edits {
                let from = at.index(text.len() + 1);
                let to = (from + cut).min(text.len());
                text.splice(from..to, junk.into_bytes());
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        drop(load_text(&bytes));
    }

    #[test]
    fn any_text_is_an_answer(text in "[\\-:&*\\[\\]{}<>|#!%@?,\"'$ a-c\n]{0,200}") {
        drop(load_text(text.as_bytes()));
    }

    #[test]
    fn a_damaged_file_is_refused_in_the_right_place_or_loads(text in mutated()) {
        if let Err(ConfigErrors(errors)) = load_text(&text) {
            let lines = text.iter().filter(|b| **b == b'\n' || **b == b'\r').count() as u64 + 2;
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.line.is_none_or(|line| line >= 1 && line <= lines), "{error}");
                prop_assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}
