//! What processes send one another.

use std::borrow::Cow;

use parzen_worker::{
    TaskError,
    protocol::{
        Body, Control, Greeting, Invitation, ItemOutcome, JobHeader, JobId, ResultHeader, Token,
        WorkerId, codec,
    },
    samples::{Element, Order, Place, Source},
    shared::{Segment, Shared},
    tasks::density::{Inputs, Method, Part, Partial, Tile, compute},
};
use serde::Serialize;

use crate::fuzz;

fn encoded(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(value, &mut bytes).unwrap();
    bytes
}

fn invitation() -> Invitation {
    let (beacon, address) = ("/proc/7/fd/8".to_owned(), "/a/b".to_owned());
    Invitation { worker: WorkerId::new(3), token: Token::new(0xfeed), beacon, address }
}

#[test]
fn jobs() {
    let segment = Segment::from_bytes(&[1, 2, 3]).unwrap();
    let header = |body| JobHeader {
        job: JobId::new(7),
        task: Cow::Borrowed("demo.cube"),
        attempt: 1,
        items: 3,
        body,
    };
    let seeds = vec![
        codec::message(&header(Body::Inline), &[2, 4, 6]).unwrap(),
        encoded(&header(Body::Segment(segment.reference()))),
        encoded(&Control::Leave),
        encoded(&Control::Release(JobId::new(7), 2)),
    ];
    fuzz("jobs", seeds, |bytes| {
        let mut rest = bytes;
        let _ = codec::decode::<JobHeader<'_>>(&mut rest);
        assert!(rest.len() <= bytes.len());
        let _ = codec::decode::<Control>(&mut &*bytes);
    });
}

/// As the coordinator reads results: a header, then a duration and an outcome for each item.
#[test]
fn results() {
    let segment = Segment::from_bytes(&[1, 2, 3]).unwrap();
    let (job, started_ns) = (JobId::new(7), 1 << 40);
    let header = |items, body| ResultHeader { job, first: 0, items, last: true, started_ns, body };
    let outcomes = [
        ItemOutcome::Value(Partial::Counts(vec![1, 300, 70_000])),
        ItemOutcome::Value(Partial::NotFinite),
        ItemOutcome::Error(TaskError::new("no")),
        ItemOutcome::Refused("no such task".to_owned()),
    ];
    let mut seeds = vec![encoded(&header(1, Body::Segment(segment.reference())))];
    for outcome in &outcomes {
        let body = [encoded(&5_u64), encoded(outcome)].concat();
        seeds.push(codec::message(&header(1, Body::Inline), &body).unwrap());
        seeds.push(codec::message(&header(2, Body::Inline), &body.repeat(2)).unwrap());
    }
    fuzz("results", seeds, |mut bytes| {
        let Ok(header) = codec::decode::<ResultHeader>(&mut bytes) else { return };
        for _ in 0..header.items.min(1000) {
            let ran = codec::decode::<u64>(&mut bytes);
            let outcome = codec::decode::<ItemOutcome<Partial>>(&mut bytes);
            if ran.is_err() || outcome.is_err() {
                return;
            }
        }
    });
}

#[test]
fn greetings() {
    let text = invitation().to_env().into_bytes();
    let seeds = vec![encoded(&Greeting::new(&invitation())), text];
    fuzz("greetings", seeds, |bytes| {
        let _ = codec::decode::<Greeting>(&mut &*bytes);
        if let Ok(text) = str::from_utf8(bytes)
            && let Ok(invitation) = text.parse::<Invitation>()
        {
            assert_eq!(invitation.to_env().parse(), Ok(invitation));
        }
    });
}

/// A tile that names wrong parts, or memory that is not there, is refused by the worker.
#[test]
fn tiles() {
    let numbers = |numbers: &[f64]| Segment::from_bytes(bytemuck::cast_slice(numbers)).unwrap();
    let segments = [numbers(&[0.0, 0.5, 1.0, 2.0]), numbers(&[0.0, 0.75]), numbers(&[1.0, 2.0])];
    let [samples, points, widths] = &segments;
    let inputs = |n, d, element, order| Inputs {
        samples: Source {
            place: Place::Segment(samples.reference()),
            offset: 0,
            element,
            order,
            n,
            d,
        },
        points: Shared::new(points).unwrap(),
        widths: Shared::new(widths).unwrap(),
    };
    let part = |rows, points, widths| Part { rows, points, widths, check: true };
    let seeds = [
        Tile {
            inputs: inputs(4, 1, Element::F64, Order::RowMajor),
            method: Method::Shared,
            part: part(0..4, 0..2, 0..2),
        },
        Tile {
            inputs: inputs(2, 2, Element::F64, Order::ColumnMajor),
            method: Method::Direct,
            part: part(1..2, 0..1, 1..2),
        },
        Tile {
            inputs: inputs(8, 1, Element::F32, Order::RowMajor),
            method: Method::Shared,
            part: part(3..7, 1..2, 0..1),
        },
    ];
    fuzz("tiles", seeds.iter().map(encoded).collect(), |mut bytes| {
        let Ok(tile) = codec::decode::<Tile>(&mut bytes) else { return };
        let Ok(opened) = tile.inputs.open() else { return };
        if let Ok(Partial::Counts(counts)) = compute(&opened, tile.method, &tile.part) {
            let rows = tile.part.rows.len() as u64;
            assert!(counts.iter().all(|&count| count <= rows), "{tile:?}");
        }
    });
}
