//! Every kind of chart.

use parzen::plot::{
    Chart, Format, Maps, Point, Series, Window, against_width, break_even, draw, speed_up, times,
};

use crate::file::{png, svg};

const GREEN: &str = "fill=\"#008000\"";
const BLUE: &str = "fill=\"#1F77B4\"";
const DASH: &str = "stroke=\"#000000\" stroke-width=\"6\"";

fn series(name: &str, points: &[(f64, f64)]) -> Series {
    Series::new(name, points.iter().map(|&point| point.into()).collect::<Vec<Point>>())
}

fn notebook() -> Chart {
    let processes = series("processes", &[(2.0, 38.2), (3.0, 33.9), (4.0, 37.05), (6.0, 43.1)]);
    times(10_000, (1.0, 70.07).into(), &[processes])
}

#[test]
fn the_notebooks_bars() {
    let picture = svg(&notebook());
    picture.check_words(&[
        "Serial vs. Multiprocessing via Parzen-window estimation",
        "time in seconds for n=10000",
        "number of processes",
        "serial",
        "2",
        "3",
        "4",
        "6",
        "100.00%",
        "183.43%",
        "206.70%",
        "189.12%",
        "162.58%",
        "70",
    ]);
    assert_eq!(picture.count("rect", &["opacity=\"0.4\"", GREEN]), 5);
    assert!(picture.count("polyline", &[DASH]) > 10, "no dashed line");
    // From the bottom to the top.
    let words = picture.words();
    let place = |word: &str| words.iter().position(|found| *found == word);
    assert!(place("serial") < place("2") && place("4") < place("6"));
}

#[test]
fn bars_in_groups() {
    let processes =
        vec![Point::from((2.0, 3.8)).between(3.6, 4.3), Point::from((4.0, 3.7)).between(3.5, 3.9)];
    let threads = series("threads", &[(2.0, 3.7), (4.0, 3.4), (8.0, 3.4)]);
    let chart = times(77, (1.0, 7.0).into(), &[Series::new("processes", processes), threads]);
    let picture = svg(&chart);
    picture.check_words(&["processes", "threads", "number of workers", "184.21%", "205.88%"]);
    let opacity = "opacity=\"0.4\"";
    // One of each colour is in the legend.
    assert_eq!(picture.count("rect", &[opacity, GREEN]), 2 + 1);
    assert_eq!(picture.count("rect", &[opacity, BLUE]), 3 + 1);
    assert_eq!(picture.count("rect", &[opacity, "fill=\"#808080\""]), 1);
}

#[test]
fn bars_as_pixels() {
    let picture = png(&notebook());
    assert_eq!(picture.size.0, 800);
    assert_eq!(picture.pixel(0, 0), [255; 3]);
    // 40 % of green on white.
    let green = picture.count([153, 204, 153]);
    assert!((60_000..120_000).contains(&green), "{green} pixels of bars");
}

#[test]
fn speed_up_has_an_ideal() {
    let processes = vec![
        Point::from((1.0, 0.98)).between(0.95, 1.0),
        Point::from((2.0, 1.9)).between(1.8, 2.0),
        Point::from((4.0, 3.6)).between(3.2, 3.9),
    ];
    let threads = series("threads", &[(1.0, 1.0), (4.0, 3.7)]);
    let picture = svg(&speed_up(10_000, vec![Series::new("processes", processes), threads]));
    picture.check_words(&["ideal", "processes", "threads", "number of workers", "1", "2", "4"]);
    assert_eq!(picture.count("polygon", &["opacity=\"0.2\""]), 1, "one band");
    // Three points and two, and one each in the legend.
    assert_eq!(picture.count("circle", &["fill=\"#0072B2\""]), 3 + 1);
    assert_eq!(picture.count("circle", &["fill=\"#D55E00\""]), 2 + 1);
}

#[test]
fn break_even_is_logarithmic() {
    let serial = series("serial", &[(1e2, 1e-5), (1e4, 1e-3), (1e7, 1.0)]);
    let processes = series("processes", &[(1e2, 1e-2), (1e4, 1e-2), (1e7, 0.5)]);
    let breaks = [("processes beat serial".to_owned(), 230_000.0)];
    let picture = svg(&break_even(vec![serial, processes], &breaks));
    picture.check_words(&["processes beat serial from n=230000", "100", "10⁷", "10⁻⁵", "1"]);
}

#[test]
fn density_against_width_has_the_truth() {
    let points: Vec<(f64, f64)> = (1..13).map(|idx| (f64::from(idx) / 10.0, 0.15)).collect();
    let picture = svg(&against_width("Title", vec![series("(0, 0)", &points)], Some(0.159)));
    picture.check_words(&["Title", "width h", "density", "true density 0.159"]);
    assert_eq!(picture.count("circle", &[]), 12);
}

#[test]
fn maps_have_a_colour_bar() {
    let chart = Chart::Maps(Maps {
        title: "Title".to_owned(),
        x_label: "x1".to_owned(),
        y_label: "x2".to_owned(),
        value_label: "density".to_owned(),
        x: vec![0.0, 1.0],
        y: vec![0.0, 1.0],
        maps: vec![("h=1".to_owned(), vec![0.0, 1.0, 1.0, f64::NAN])],
    });
    let picture = svg(&chart);
    picture.check_words(&["Title", "x1", "x2", "density", "h=1", "1.0"]);
    assert_eq!(picture.count("rect", &["fill=\"#808080\""]), 1, "one cell is not a number");

    let picture = png(&chart);
    let (yellow, dark) = (picture.count([0xfd, 0xe7, 0x25]), picture.count([0x44, 0x01, 0x54]));
    assert!(yellow > 100_000 && dark > 50_000, "{yellow} and {dark} pixels of a quarter each");
}

#[test]
fn a_window_has_a_cube() {
    let points = [[0.0; 3], [0.2; 3], [-1.2, 0.3, -0.3], [0.8, -0.82, -0.9], [0.7, 0.8, 0.9]];
    let chart = Chart::Window(Window::new("A window", 1.0, points));
    let picture = svg(&chart);
    picture.check_words(&["A window", "inside the window: 2", "outside the window: 3", "−1.5"]);
    // And one each in the legend.
    assert_eq!(picture.count("polygon", &["fill=\"#FF0000\""]), 2 + 1);
    assert_eq!(picture.count("circle", &["fill=\"#000000\""]), 3 + 1);
    assert_eq!(picture.count("polyline", &["stroke=\"#008000\""]) % 12, 0);
    assert_eq!(picture.count("polygon", &["fill=\"#F3F3F3\""]), 3, "three walls");
    let red = png(&chart).count([255, 0, 0]);
    assert!((60..200).contains(&red), "{red} pixels of three triangles");
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    for format in [Format::Svg, Format::Png] {
        assert_eq!(draw(&notebook(), format).unwrap(), draw(&notebook(), format).unwrap());
    }
}

#[test]
fn words_cannot_be_markup() {
    let chart = against_width("<a & \"b\">", vec![series("", &[(1.0, 1.0)])], None);
    svg(&chart).check_words(&["&lt;a &amp; &quot;b&quot;&gt;"]);
}
