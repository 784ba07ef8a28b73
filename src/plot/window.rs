//! Points in space and the cube around the origin that is a window: the notebook's first picture.

/// Points in space and a cube around the origin.
///
/// Points inside are red triangles, those outside black dots, as in the notebook.
///
/// # Examples
///
/// ```
/// use parzen::plot::{Chart, Format, Window, draw};
///
/// let points = [[0.0, 0.0, 0.0], [0.2, 0.2, 0.2], [-1.2, 0.3, -0.3]];
/// let window = Window::new("A window of width 1", 1.0, points);
/// assert_eq!((window.inside.len(), window.outside.len()), (2, 1));
/// draw(&Chart::Window(window), Format::Png)?;
/// # Ok::<(), parzen::plot::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Above the picture.
    pub title: String,
    /// Points drawn as red triangles.
    pub inside: Vec<[f64; 3]>,
    /// Points drawn as black dots.
    pub outside: Vec<[f64; 3]>,
    /// The length of the cube's edges.
    pub width: f64,
    /// All axes go from `-limit` to `limit`; points beyond are left out.
    pub limit: f64,
}

impl Window {
    /// A cube of this width, and `points`, of which those no farther than half of it from the
    /// origin, along each axis, are inside. The axes go from −1.5 to 1.5, as in the notebook, or as
    /// far as the points do.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        width: f64,
        points: impl IntoIterator<Item = [f64; 3]>,
    ) -> Self {
        let (inside, outside): (Vec<_>, Vec<_>) =
            points.into_iter().partition(|point| farthest(point) <= width / 2.0);
        let reach = outside.iter().map(farthest).filter(|reach| reach.is_finite());
        let limit =
            reach.fold(1.5, f64::max).max(if width.is_finite() { width / 2.0 } else { 0.0 });
        Self { title: title.into(), inside, outside, width, limit }
    }
}

fn farthest(point: &[f64; 3]) -> f64 {
    // Not `f64::max`, which would ignore a NaN.
    point.iter().map(|x| x.abs()).fold(0.0, |far, x| if x <= far { far } else { x })
}
