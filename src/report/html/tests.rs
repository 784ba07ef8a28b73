use super::*;
use crate::report::timeline::{Phase, Place, Slice, Track, What};

fn column(name: &str, align: Align) -> Column {
    Column { name: name.to_owned(), align }
}

fn table() -> Table {
    Table {
        caption: "Times <of> all".to_owned(),
        columns: vec![column("Case", Align::Text), column("Median", Align::Number)],
        rows: vec![vec!["a & b".to_owned(), "1.5 ms".to_owned()]],
        note: Some("it's so".to_owned()),
    }
}

const EMPTY: Page<'static> = Page {
    title: "",
    about: &[],
    warnings: &[],
    conclusion: &[],
    tables: &[],
    pictures: &[],
    timeline: &[],
    arrivals: &[],
    arrivals_of: "",
    machine: &Machine {
        system: String::new(),
        kernel: String::new(),
        host: String::new(),
        architecture: String::new(),
        processor: String::new(),
        logical_cores: 2,
        physical_cores: None,
        affinity: Vec::new(),
        quota: None,
        available: 2,
        memory: 0,
        memory_available: 0,
        memory_limit: None,
        version: String::new(),
        compiler: String::new(),
        profile: String::new(),
        protocol: 1,
    },
};

#[test]
fn texts_are_never_markup() {
    let warnings = ["<script>alert(1)</script>".to_owned()];
    let html = render(&Page {
        title: "</title><b>{{data}}",
        warnings: &warnings,
        tables: &[table()],
        ..EMPTY
    });
    assert!(!html.contains("<b>") && !html.contains("<script>alert"));
    assert!(html.contains("&lt;/title&gt;&lt;b&gt;{{data}}"));
    assert!(html.contains("<caption>Times &lt;of&gt; all</caption>"));
    assert!(html.contains("a &amp; b") && html.contains("it&#39;s so"));
}

#[test]
fn names_in_sentences_stand_out() {
    for (text, expected) in [
        ("no name", "no name"),
        ("`a<b` is `c`", "<code>a&lt;b</code> is <code>c</code>"),
        ("one `tick", "one `tick"),
        ("`a` and `b", "<code>a</code> and `b"),
    ] {
        assert_eq!(markup::words(text), expected);
    }
}

#[test]
fn rows_and_columns_have_heads() {
    let html = markup::table(&table());
    assert!(html.contains("<th scope=\"col\" class=\"number\">Median</th>"), "{html}");
    assert!(html.contains("<th scope=\"row\" class=\"text\">a &amp; b</th>"), "{html}");
    assert!(html.contains("<td  class=\"number\">1.5 ms</td>"), "{html}");
}

#[test]
fn what_is_empty_is_left_out() {
    let html = render(&EMPTY);
    assert!(html.contains("<section id=\"system\""));
    assert!(!html.contains("<section id=\"figures\"") && !html.contains("<canvas"));
}

#[test]
fn an_svg_loses_its_prologue() {
    let svg = "<?xml version=\"1.0\"?>\n<svg><path/></svg>";
    let html = render(&Page { pictures: &[Picture { caption: "\"x\"", svg }], ..EMPTY });
    assert!(html.contains("aria-label=\"&quot;x&quot;\"><svg><path/></svg></div>"));
    assert!(!html.contains("<?xml"));
}

#[test]
fn nothing_is_loaded() {
    let start = Slice { what: What::Phase(Phase::Start), start_ns: 5, end_ns: 9 };
    let track = Track::new("coordinator", Place::Process(Some(1)), vec![start]);
    let groups = [Group { name: "serial".to_owned(), tracks: vec![track] }];
    let arrivals = [Arrival { h: 0.1, worker: 0, after_ns: 5 }];
    let html = render(&Page { timeline: &groups, arrivals: &arrivals, ..EMPTY });
    // The name of a vocabulary is not an address that is asked.
    let html = html.replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["http:", "https:", " src=", "url(", "@import", "fetch("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("default-src 'none'"));
}
