//! Names and numbers from somebody who means no good.

use proptest::prelude::*;

use super::examples::{ago, curve, hours};
use super::xml;
use crate::chart::{
    Band, Chart, Limit, Look, Mark, Series, Side, Theme, Unit, alt_text, render_png, render_svg,
};

const NAMES: [&str; 9] = [
    "</text><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "<![CDATA[ & ]]> <!-- &bogus; -->",
    "\u{202e}gnp.exe\u{2066}\u{200f}",
    "שלום مرحبا",
    "👩\u{200d}💻 cache 🚀",
    "\u{0}\u{1}\u{fffe}\u{ffff}\r\n\t",
    "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "",
];

fn chart(name: &str) -> Chart {
    let six = hours(6);
    let points = curve(six, 50, |x, n| Some(x + n));
    Chart {
        series: (0..3).map(|_| Series::new(name, points.clone())).collect(),
        limit: Some(Limit {
            name: name.to_owned(),
            value: 0.5,
            side: Side::Below,
        }),
        ..Chart::miss_ratio(name, six, Vec::new(), None)
    }
    .with_bands([Band {
        from: ago(9000),
        to: None,
        label: name.to_owned(),
    }])
    .with_marks([Mark {
        at: ago(15_000),
        until: Some(ago(9_000)),
        label: name.to_owned(),
    }])
}

#[test]
fn names_stay_names() {
    let long = "x".repeat(300);
    let huge = "\u{202e}".repeat(1_000_000);
    for name in NAMES.into_iter().chain([long.as_str(), huge.as_str()]) {
        for look in [Look::new(320, 120), Look::new(960, 300).themed(Theme::Dark)] {
            let svg = render_svg(&chart(name), &look).unwrap();
            xml::check(&svg).unwrap();
            assert!(svg.len() < 60_000, "{} bytes", svg.len());
            let plain = svg.split("<desc>").next().unwrap_or_default().len();
            assert!(plain < 1000);
            assert!(!svg.contains("<script") && !svg.contains("\" onload"));
            assert!(!svg.chars().any(|c| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')));
            render_png(&chart(name), &look).unwrap();
            assert!(alt_text(&chart(name)).len() < 3000);
        }
    }
}

#[test]
fn hostile_names_are_drawn_as_agreed() {
    let six = hours(6);
    let series = NAMES.map(|name| Series::new(name, curve(six, 20, |x, n| Some(x + 0.1 * n))));
    let chart = Chart {
        series: series.into(),
        ..chart(NAMES[0])
    };
    let svg = render_svg(&chart, &Look::new(720, 260)).unwrap();
    super::golden("hostile-light", &svg);
    let folder = format!("{}/target/screenshots/charts", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        format!("{folder}/hostile-light.png"),
        render_png(&chart, &Look::new(720, 260)).unwrap(),
    )
    .unwrap();
}

#[test]
fn whatever_is_cut_is_told() {
    let six = hours(6);
    let mut chart = Chart::lookups("c", six, Vec::new());
    chart.series = (0..15)
        .map(|i| Series::new(format!("s{i}"), curve(six, 5, |x, _| Some(x))))
        .collect();
    chart.bands = (0..60)
        .map(|i| Band {
            from: ago(i * 100 + 50),
            to: Some(ago(i * 100)),
            label: "i".to_owned(),
        })
        .collect();
    chart.marks = (0..70)
        .map(|i| Mark {
            at: ago(i * 100),
            until: None,
            label: "m".to_owned(),
        })
        .collect();
    let alt = alt_text(&chart);
    assert!(
        alt.ends_with("Not drawn: 3 of 15 series, 10 of 60 shaded spans, 20 of 70 marks."),
        "{alt}"
    );
    let svg = render_svg(&chart, &Look::new(960, 300)).unwrap();
    assert!(
        svg.contains(">\n12 more\n") || !svg.contains("s12"),
        "{svg}"
    );
    assert!(svg.len() < 60_000);
    chart.series = vec![Series::new("many", curve(six, 200_000, |x, n| Some(x + n)))];
    let svg = render_svg(&chart, &Look::new(2000, 300)).unwrap();
    assert!(svg.len() < 120_000, "{} bytes", svg.len());
}

fn number() -> impl Strategy<Value = Option<f64>> {
    let odd = prop::sample::select(vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        1e300,
        -1e300,
        1e-300,
        0.0,
        -0.0,
        1.0,
        1e15,
    ]);
    prop_oneof![
        Just(None),
        odd.prop_map(Some),
        (0.0..1.0_f64).prop_map(Some),
        (-1e6..1e6_f64).prop_map(Some),
        any::<f64>().prop_map(Some),
    ]
}

fn moment() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0_i64),
        -100..30_000_i64,
        any::<i32>().prop_map(i64::from)
    ]
}

prop_compose! {
    fn any_chart()(
        name in ".{0,40}",
        unit in prop::sample::select(vec![Unit::Ratio, Unit::PerSecond, Unit::Bytes, Unit::Count, Unit::Seconds]),
        (from, to) in (moment(), moment()),
        series in prop::collection::vec(prop::collection::vec((moment(), number()), 0..40), 0..4),
        flat in prop::option::of(number()),
        limit in number(),
        notes in prop::collection::vec((moment(), prop::option::of(moment())), 0..4),
        stacked in any::<bool>(),
    ) -> Chart {
        let points = |points: Vec<(i64, Option<f64>)>| {
            points.into_iter().map(|(at, v)| (ago(at), flat.unwrap_or(v))).collect()
        };
        Chart {
            title: name.clone(),
            unit,
            from: ago(from),
            to: ago(to),
            step: None,
            series: series.into_iter().map(|p| Series::new(name.clone(), points(p))).collect(),
            limit: limit.map(|value| Limit { name: name.clone(), value, side: Side::Above }),
            bands: notes.iter().map(|(a, b)| Band { from: ago(*a), to: b.map(ago), label: name.clone() }).collect(),
            marks: notes.iter().map(|(a, b)| Mark { at: ago(*a), until: b.map(ago), label: name.clone() }).collect(),
            stacked,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_input_gives_a_picture(chart in any_chart(), width in 0..1000_u32, height in 0..400_u32) {
        let look = Look::new(width, height);
        let svg = render_svg(&chart, &look).unwrap();
        prop_assert_eq!(xml::check(&svg), Ok(()));
        prop_assert!(!svg.contains("NaN") || chart.title.contains("NaN"));
        let far = |part: &str| part.parse::<i64>().is_ok_and(|v| v.abs() > 10_000 * 4);
        prop_assert!(!svg.lines().filter(|l| l.starts_with("<pol")).any(|l| l.split([' ', ',', '"']).any(far)));
        render_png(&chart, &Look::new(width.min(300), height.min(150))).unwrap();
        prop_assert!(alt_text(&chart).len() < 4000);
    }
}
