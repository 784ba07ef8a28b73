//! Points in space and a cube, seen from where matplotlib sees them.

use super::{
    EDGE, LABEL, SMALL, TITLE_ROOM,
    legend::{self, Legend, Sample},
    title, write,
};
use crate::plot::{
    Spacing, Window,
    colour::{BLACK, GREEN, GRID, INK, RED, WALL},
    scale::Scale,
    scene::{Scene, Spot},
    text::{self, Align},
};

const SIZE: f64 = 600.0;

/// Where the eye is, in degrees: matplotlib's defaults.
const ELEVATION: f64 = 30.0;
const AZIMUTH: f64 = -60.0;

/// How far away it is, in half edges of the space: less makes what is near larger.
const DISTANCE: f64 = 9.0;

/// How many pixels half an edge of the space is where it is as far as the origin.
const ZOOM: f64 = 148.0;

/// From the origin's place down to the middle of the picture, because labels are below.
const RISE: f64 = 8.0;

const MARK: f64 = 6.0;
const DOT: f64 = 4.5;

/// How far the space goes beyond its last ticks, so that those of two axes do not meet in a corner.
const MARGIN: f64 = 1.08;

/// Most ticks of an axis.
const TICKS: usize = 7;

pub(super) fn scene(window: &Window) -> Scene {
    let limit = if window.limit.is_finite() && window.limit > 0.0 { window.limit } else { 1.5 };
    let reach = limit * MARGIN;
    let eye = Eye::new(Spot { x: SIZE / 2.0, y: TITLE_ROOM + (SIZE - 90.0) / 2.0 - RISE });
    let mut scene = Scene::new(SIZE, TITLE_ROOM + SIZE - 40.0);
    title(&mut scene, &window.title, SIZE / 2.0);
    walls(&mut scene, &eye, limit, reach);
    let mut things = things(window, reach);
    things.sort_by(|left, right| eye.depth(left.at).total_cmp(&eye.depth(right.at)));
    things.iter().for_each(|thing| thing.draw(&mut scene, &eye));
    let bottom = Spot { x: SIZE / 2.0, y: scene.height - EDGE - SMALL / 2.0 };
    legend(window).draw_beside(&mut scene, bottom);
    scene
}

fn legend(window: &Window) -> Legend {
    let name = |word: &str, n: usize| format!("{word} the window: {n}");
    let entries = vec![
        (Sample::Triangle(RED), name("inside", window.inside.len())),
        (Sample::Dot(BLACK), name("outside", window.outside.len())),
    ];
    Legend { title: String::new(), entries }
}

/// A place in space: −1 to 1 along each axis.
type Place = [f64; 3];

/// Something in space.
struct Thing {
    /// Its middle.
    at: Place,
    kind: Kind,
}

enum Kind {
    Edge(Place, Place),
    Inside,
    Outside,
}

/// The window's edges and all points in range.
fn things(window: &Window, reach: f64) -> Vec<Thing> {
    let half = (window.width / 2.0 / reach).clamp(0.0, 1.0);
    let mut things: Vec<Thing> = Vec::new();
    if half > 0.0 {
        // Cut, so that a part of an edge can be before a point and another behind it.
        const PARTS: u8 = 12;
        // Parts overlap, because between two that only meet, what is behind them shines through.
        const OVERLAP: f64 = 0.2;
        for (from, to) in edges(half) {
            let at = |part: f64| mix(from, to, (part / f64::from(PARTS)).clamp(0.0, 1.0));
            things.extend((0..PARTS).map(f64::from).map(|part| Thing {
                at: at(part + 0.5),
                kind: Kind::Edge(at(part - OVERLAP), at(part + 1.0 + OVERLAP)),
            }));
        }
    }
    let mut add = |points: &[[f64; 3]], kind: fn() -> Kind| {
        let places = points.iter().map(|point| point.map(|x| x / reach));
        let inside = places.filter(|place| place.iter().all(|x| x.abs() <= 1.0));
        things.extend(inside.map(|at| Thing { at, kind: kind() }));
    };
    add(&window.outside, || Kind::Outside);
    add(&window.inside, || Kind::Inside);
    things
}

impl Thing {
    fn draw(&self, scene: &mut Scene, eye: &Eye) {
        let spot = eye.spot(self.at);
        let size = eye.nearness(self.at);
        match self.kind {
            Kind::Edge(from, to) => scene.line(eye.spot(from), eye.spot(to), 2.0, GREEN),
            Kind::Inside => scene.polygon(legend::triangle(spot, MARK * size), RED),
            Kind::Outside => scene.disc(spot, DOT * size, BLACK),
        }
    }
}

/// The twelve edges of a cube.
fn edges(half: f64) -> Vec<(Place, Place)> {
    let mut edges = Vec::new();
    for axis in 0..3 {
        for (second, third) in [(-half, -half), (-half, half), (half, -half), (half, half)] {
            let end = |first: f64| {
                let mut place = [0.0; 3];
                place[axis] = first;
                place[(axis + 1) % 3] = second;
                place[(axis + 2) % 3] = third;
                place
            };
            edges.push((end(-half), end(half)));
        }
    }
    edges
}

fn mix(from: Place, to: Place, share: f64) -> Place {
    [0, 1, 2].map(|axis| from[axis] + (to[axis] - from[axis]) * share)
}

/// The three sides of the space that are behind everything, with grid, ticks and labels.
fn walls(scene: &mut Scene, eye: &Eye, limit: f64, reach: f64) {
    // The eye sees the left wall, the far wall and the floor from inside.
    let wall = |axis: usize, side: f64| {
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        corners.map(|(second, third)| {
            let mut place = [side; 3];
            place[(axis + 1) % 3] = second;
            place[(axis + 2) % 3] = third;
            place
        })
    };
    for corners in [wall(0, -1.0), wall(1, 1.0), wall(2, -1.0)] {
        scene.polygon(corners.map(|corner| eye.spot(corner)).to_vec(), WALL);
    }
    let scale = Scale::covering(Spacing::Linear, [-limit, limit]);
    for tick in scale.ticks(TICKS) {
        let t = (2.0 * tick.place - 1.0) * limit / reach;
        for path in [
            [[t, -1.0, -1.0], [t, 1.0, -1.0], [t, 1.0, 1.0]],
            [[1.0, t, -1.0], [-1.0, t, -1.0], [-1.0, t, 1.0]],
            [[-1.0, -1.0, t], [-1.0, 1.0, t], [1.0, 1.0, t]],
        ] {
            scene.path(path.map(|place| eye.spot(place)).to_vec(), 1.0, GRID);
        }
        let past = 1.06;
        label(scene, eye, [[t, -1.0, -1.0], [t, -past, -1.0]], &tick.label);
        label(scene, eye, [[1.0, t, -1.0], [past, t, -1.0]], &tick.label);
        label(scene, eye, [[1.0, 1.0, t], [past, past, t]], &tick.label);
    }
    for (from, to) in [
        ([-1.0, -1.0, -1.0], [1.0, -1.0, -1.0]),
        ([1.0, -1.0, -1.0], [1.0, 1.0, -1.0]),
        ([1.0, 1.0, -1.0], [1.0, 1.0, 1.0]),
    ] {
        scene.line(eye.spot(from), eye.spot(to), 1.0, INK);
    }
    for (name, at) in
        [("x", [0.0, -1.42, -1.0]), ("y", [1.42, 0.0, -1.0]), ("z", [1.32, 1.32, 0.0])]
    {
        let spot = eye.spot(at);
        let at = Spot { y: spot.y + text::below_middle(LABEL), ..spot };
        write(scene, name, at, Align::Middle, LABEL, SIZE);
    }
}

/// Draws a tick's line from its first place to its second, and its label beyond.
fn label(scene: &mut Scene, eye: &Eye, ends: [Place; 2], label: &str) {
    let [from, to] = ends.map(|end| eye.spot(end));
    scene.line(from, to, 1.0, INK);
    let length = (to.x - from.x).hypot(to.y - from.y).max(1.0);
    let away = 6.0
        + text::width(label, SMALL) / 2.0 * ((to.x - from.x) / length).abs()
        + SMALL / 2.0 * ((to.y - from.y) / length).abs();
    let at = Spot {
        x: to.x + (to.x - from.x) / length * away,
        y: to.y + (to.y - from.y) / length * away + text::below_middle(SMALL),
    };
    write(scene, label, at, Align::Middle, SMALL, SIZE);
}

/// From where and how the space is seen.
struct Eye {
    /// Where the origin is in the picture.
    origin: Spot,
    /// Unit vectors to the right, upwards, and towards the eye.
    right: Place,
    up: Place,
    towards: Place,
}

impl Eye {
    fn new(origin: Spot) -> Self {
        let (sin_e, cos_e) = ELEVATION.to_radians().sin_cos();
        let (sin_a, cos_a) = AZIMUTH.to_radians().sin_cos();
        Self {
            origin,
            right: [-sin_a, cos_a, 0.0],
            up: [-sin_e * cos_a, -sin_e * sin_a, cos_e],
            towards: [cos_e * cos_a, cos_e * sin_a, sin_e],
        }
    }

    /// How near `place` is: more is nearer.
    fn depth(&self, place: Place) -> f64 {
        dot(place, self.towards)
    }

    /// How large something there looks, compared to the origin.
    fn nearness(&self, place: Place) -> f64 {
        DISTANCE / (DISTANCE - self.depth(place))
    }

    fn spot(&self, place: Place) -> Spot {
        let size = ZOOM * self.nearness(place);
        Spot {
            x: self.origin.x + size * dot(place, self.right),
            y: self.origin.y - size * dot(place, self.up),
        }
    }
}

fn dot(left: Place, right: Place) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cube_has_twelve_edges() {
        let edges = edges(0.5);
        assert_eq!(edges.len(), 12);
        let length = |(from, to): &(Place, Place)| dot(mix(*from, *to, 1.0), *from);
        assert!(edges.iter().all(|edge| length(edge) == 0.25));
    }

    #[test]
    fn the_eye_sees_x_and_y_to_the_right_and_z_up() {
        let eye = Eye::new(Spot { x: 0.0, y: 0.0 });
        let spots = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|at| eye.spot(at));
        assert!(0.0 < spots[0].x && 0.0 < spots[1].x && spots[2].x.abs() < 1e-9);
        assert!(spots[0].y > 0.0 && spots[1].y < 0.0 && spots[2].y < 0.0);
    }
}
