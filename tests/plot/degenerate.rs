//! Charts of nothing, of one thing, and of what is no number.

use parzen::plot::{
    Axis, Bar, BarGroup, Bars, Chart, Format, Interval, Key, Lines, Maps, Point, Reference, Series,
    Side, Stroke, Window, draw,
};
use proptest::prelude::*;

/// Numbers that charts are not made for.
const BAD: [f64; 10] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![prop::sample::select(&BAD[..]), any::<f64>(), -3.0..3.0]
}

fn numbers(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), 0..n)
}

fn interval() -> impl Strategy<Value = Option<Interval>> {
    prop::option::of((number(), number()).prop_map(|(lo, hi)| Interval { lo, hi }))
}

fn bars() -> impl Strategy<Value = Chart> {
    let bar = (number(), interval(), prop::option::of(0..99_usize), ".{0,60}");
    let bar = bar.prop_map(|(value, interval, kind, note)| Bar { value, interval, kind, note });
    let group = (".{0,60}", prop::collection::vec(bar, 0..4));
    let group = group.prop_map(|(label, bars)| BarGroup { label, bars });
    let groups = prop::collection::vec(group, 0..5);
    (groups, prop::option::of(number()), prop::collection::vec(".{0,9}", 0..4), ".{0,200}")
        .prop_map(|(groups, mark, kinds, title)| {
            let [x_label, y_label] = [title.clone(), title.clone()];
            Chart::Bars(Bars { title, x_label, y_label, kinds, groups, mark })
        })
}

fn axis() -> impl Strategy<Value = Axis> {
    (any::<bool>(), any::<bool>(), numbers(4)).prop_map(|(is_log, from_zero, ticks)| {
        let axis = if is_log { Axis::log("x") } else { Axis::linear("x") };
        Axis { from_zero, ticks, ..axis }
    })
}

fn lines() -> impl Strategy<Value = Chart> {
    let point = (number(), number(), interval());
    let point = point.prop_map(|(x, y, interval)| Point { x, y, interval });
    let series = (".{0,60}", prop::collection::vec(point, 0..6), any::<bool>());
    let series = series.prop_map(|(name, points, is_dashed)| {
        let stroke = if is_dashed { Stroke::Dashed } else { Stroke::Solid };
        Series { name, points, stroke }
    });
    let reference = (".{0,60}", number(), any::<bool>()).prop_map(|(name, at, is_x)| {
        let side = if is_x { Side::X } else { Side::Y };
        Reference { name, side, at }
    });
    let key = prop::option::of(numbers(20));
    let series = prop::collection::vec(series, 0..16);
    (axis(), axis(), series, prop::collection::vec(reference, 0..3), key).prop_map(
        |(x, y, series, references, levels)| {
            let levels = levels.map(|values| Key::Levels { label: "width h".to_owned(), values });
            let key = levels.unwrap_or_default();
            Chart::Lines(Lines { title: "Title".to_owned(), x, y, series, references, key })
        },
    )
}

fn maps() -> impl Strategy<Value = Chart> {
    let map = (".{0,60}", numbers(20));
    (numbers(5), numbers(5), prop::collection::vec(map, 0..7)).prop_map(|(mut x, mut y, maps)| {
        x.sort_by(f64::total_cmp);
        y.sort_by(f64::total_cmp);
        Chart::Maps(Maps { x, y, maps, ..Maps::default() })
    })
}

fn window() -> impl Strategy<Value = Chart> {
    let points = || prop::collection::vec([number(), number(), number()], 0..5);
    (points(), points(), number(), number()).prop_map(|(inside, outside, width, limit)| {
        Chart::Window(Window { title: String::new(), inside, outside, width, limit })
    })
}

fn check(chart: &Chart) {
    draw(chart, Format::Svg).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bars_are_drawn(chart in bars()) {
        check(&chart);
    }

    #[test]
    fn any_lines_are_drawn(chart in lines()) {
        check(&chart);
    }

    #[test]
    fn any_maps_are_drawn(chart in maps()) {
        check(&chart);
    }

    #[test]
    fn any_window_is_drawn(chart in window()) {
        check(&chart);
    }
}

proptest! {
    // Pixels take longer.
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    #[test]
    fn any_chart_has_pixels(chart in prop_oneof![bars(), lines(), maps(), window()]) {
        draw(&chart, Format::Png).unwrap();
    }
}

#[test]
fn many_bars_and_lines_stay_a_picture() {
    let bar = Bar { value: 1.0, ..Bar::default() };
    let groups = vec![BarGroup { label: "2".to_owned(), bars: vec![bar; 3] }; 2_000];
    let Ok(picture) = draw(&Chart::Bars(Bars { groups, ..Bars::default() }), Format::Svg) else {
        panic!()
    };
    let text = String::from_utf8(picture.as_bytes().to_vec()).unwrap();
    let height: u32 =
        text.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(height < 3_000, "{height} pixels high");

    let points: Vec<Point> =
        (0..1_000_000).map(|idx| (f64::from(idx), f64::from(idx % 7)).into()).collect();
    let lines = Lines { series: vec![Series::new("", points)], ..Lines::default() };
    let size = draw(&Chart::Lines(lines), Format::Svg).unwrap().as_bytes().len();
    assert!(size < 200_000, "{size} bytes");
}
