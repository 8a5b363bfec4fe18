//! Golden SVGs of every kind of chart, hostile input, and pictures to look at.

mod examples;
mod hostile;
mod xml;

use super::*;

/// Compares with `testdata/<name>.svg`, or writes it with `UPDATE_GOLDEN=1`.
fn golden(name: &str, svg: &str) {
    let path = format!(
        "{}/src/chart/testdata/{name}.svg",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, svg).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        want == svg,
        "{path} is not what is drawn now; look at it and run with UPDATE_GOLDEN=1"
    );
}

#[test]
fn every_kind_of_chart_is_drawn_as_agreed() {
    for (name, chart) in examples::all() {
        for (suffix, look) in examples::looks() {
            let svg = render_svg(&chart, &look).unwrap();
            xml::check(&svg).unwrap();
            assert_eq!(
                svg,
                render_svg(&chart, &look).unwrap(),
                "the same every time"
            );
            if suffix == "light" || name == "hit_ratio" {
                golden(&format!("{name}-{suffix}"), &svg);
            }
        }
    }
}

/// Pictures for people, in `target/screenshots/charts/`.
#[test]
fn png_is_drawn_for_every_kind_of_chart() {
    let folder = format!("{}/target/screenshots/charts", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, chart) in examples::all() {
        for (suffix, look) in examples::looks() {
            // One of them in full size is enough for a test.
            if look.scale > 1 && name != "hit_ratio" {
                continue;
            }
            let png = render_png(&chart, &look).unwrap();
            std::fs::write(format!("{folder}/{name}-{suffix}.png"), &png).unwrap();
            let decoder = png::Decoder::new(std::io::Cursor::new(&png));
            let mut reader = decoder.read_info().unwrap();
            let size = (reader.info().width, reader.info().height);
            assert_eq!(size, (look.width * look.scale, look.height * look.scale));
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            let ground = [pixels[0], pixels[1], pixels[2]];
            let drawn = pixels.chunks(3).filter(|p| *p != ground).count();
            assert!(drawn > 500, "{name}-{suffix}: {drawn} pixels");
        }
    }
}

#[test]
fn svg_says_what_it_is_and_asks_for_nothing() {
    let (_, chart) = examples::all()
        .into_iter()
        .find(|(n, _)| *n == "hit_ratio")
        .unwrap();
    let svg = render_svg(&chart, &Look::new(720, 260)).unwrap();
    assert!(svg.starts_with(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"720\" height=\"260\""
    ));
    assert!(svg.contains("<title>Hit ratio of sessions</title>\n<desc>Hit ratio of sessions over 6 h to 23 Nov 14:00 UTC: "));
    assert!(svg.contains("font-family=\"DejaVu Sans, Verdana, sans-serif\""));
    for word in [
        "href", "url(", "<style", "style=", "<script", "<image", " on", " id=",
    ] {
        let tags: String = svg.split('<').filter_map(|t| t.split('>').next()).collect();
        assert!(!tags.contains(word), "{word}");
    }
    assert!(svg.contains(" stroke-dasharray=\""));
}

#[test]
fn alt_text_says_what_is_to_be_seen() {
    let alt = |name: &str| {
        let charts = examples::all();
        let (_, chart) = charts.iter().find(|(n, _)| *n == name).unwrap();
        alt_text(chart).replace('\u{a0}', " ")
    };
    assert_eq!(
        alt("empty"),
        "Lookups of sessions over 6 h to 23 Nov 14:00 UTC: no data."
    );
    assert_eq!(
        alt("single_point"),
        "Evictions of sessions over 6 h to 23 Nov 14:00 UTC: now 12/s."
    );
    assert_eq!(
        alt("hit_ratio"),
        "Hit ratio of sessions over 6 h to 23 Nov 14:00 UTC: now 94.6 %, lowest 62.5 % at 12:20, limit 80 %. \
         Shaded: too many misses from 11:50 to 12:50. Marked: deploy 4.2 at 11:45."
    );
    let annotated = alt("annotated");
    let marked = "Marked: warm_up: after the move from 05:40 to 09:16, deploy 4.2 at 11:45, \
                  import: all prices of the autumn from 12:20 to 13:20, warm_up from 13:40 to 15:00.";
    assert!(annotated.ends_with(marked), "{annotated}");
    assert_eq!(
        alt("causes"),
        "Misses of sessions by cause over 6 h to 23 Nov 14:00 UTC: expired now 30.2/s, highest 72.4/s at 12:14; \
         evicted now 2.01/s, highest 162/s at 12:12; deleted now 8.06/s, highest 8.78/s at 10:12; flushed now 0/s; \
         never seen now 24.2/s, highest 29.1/s at 12:14; unknown now 3.02/s, highest 8.24/s at 12:14. \
         Shaded: too many misses from 11:50 to 12:50."
    );
}

#[test]
fn what_lasted_is_shaded_and_what_ended_before_it_began_is_a_moment() {
    let charts = examples::all();
    let (_, chart) = charts.iter().find(|(n, _)| *n == "annotated").unwrap();
    let rects = |chart: &Chart| {
        let svg = render_svg(chart, &Look::new(720, 260)).unwrap();
        svg.matches("<rect").count()
    };
    let all = rects(chart);
    let mut moments = chart.clone();
    for mark in &mut moments.marks {
        mark.until = mark.until.map(|_| mark.at);
    }
    assert_eq!(
        all - rects(&moments),
        6,
        "a shade and a bar for each of three"
    );
    moments.marks.retain(|mark| mark.at >= chart.from);
    let alt = alt_text(&moments);
    assert!(
        alt.contains("import: all prices of the autumn at 12:20"),
        "{alt}"
    );
    let mut over = chart.clone();
    for mark in &mut over.marks {
        mark.at = examples::ago(90_000);
        mark.until = Some(examples::ago(80_000));
    }
    assert!(
        !alt_text(&over).contains("Marked"),
        "none of it is to be seen"
    );
}

#[test]
fn gaps_stay_gaps() {
    let (_, chart) = examples::all()
        .into_iter()
        .find(|(n, _)| *n == "lookups_gaps")
        .unwrap();
    let svg = render_svg(&chart, &Look::new(720, 260)).unwrap();
    let lines = svg.matches("stroke-width=\"8\"").count();
    assert_eq!(lines, 3, "two gaps make three lines");
    assert!(alt_text(&chart).contains("2 gaps"), "{}", alt_text(&chart));
}

#[test]
fn sizes_are_bounded() {
    let (_, chart) = examples::all().remove(0);
    let svg = render_svg(&chart, &Look::new(0, u32::MAX)).unwrap();
    assert!(svg.contains(" width=\"200\" height=\"1200\""));
    let look = Look {
        scale: 1000,
        ..Look::new(u32::MAX, 0)
    };
    let png = render_png(&chart, &look).unwrap();
    let info = png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .unwrap();
    assert_eq!((info.info().width, info.info().height), (4000, 160));
}
