//! The surface that a chart is drawn onto.

use super::scene::MAX_LINES;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend};

/// A colour as red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The colours of the page, by the names of its CSS custom properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// The background, and the text on filled tags: `--ground`.
    pub ground: Rgb,
    /// Hairlines: `--line`.
    pub grid: Rgb,
    /// Values under the crosshair: `--text`.
    pub text: Rgb,
    /// Labels of the axes: `--muted`.
    pub muted: Rgb,
    /// `--up`.
    pub up: Rgb,
    /// `--down`.
    pub down: Rgb,
    /// `--accent`.
    pub accent: Rgb,
    /// `--line-1` to `--line-4` for studies and `--line-5` to `--line-8` for compared series, so that no two lines
    /// share a colour.
    pub lines: [Rgb; 2 * MAX_LINES],
}

impl Palette {
    /// The dark theme of the page, also used if a page defines no colours.
    pub const DARK: Palette = Palette {
        ground: (0x0f, 0x14, 0x19),
        grid: (0x23, 0x2b, 0x36),
        text: (0xe6, 0xe9, 0xee),
        muted: (0x8b, 0x95, 0xa5),
        up: (0x26, 0xa6, 0x9a),
        down: (0xef, 0x53, 0x50),
        accent: (0x4c, 0x8d, 0xff),
        lines: [
            (0xe0, 0xa8, 0x30),
            (0xb0, 0x8c, 0xff),
            (0x3c, 0xc8, 0xdc),
            (0xf4, 0x7f, 0xb8),
            (0xff, 0x8a, 0x5c),
            (0x9c, 0xd6, 0x4a),
            (0x6f, 0xb7, 0xff),
            (0xd4, 0xc4, 0xa8),
        ],
    };

    /// The light theme of the page.
    pub const LIGHT: Palette = Palette {
        ground: (0xff, 0xff, 0xff),
        grid: (0xe3, 0xe7, 0xec),
        text: (0x12, 0x16, 0x1c),
        muted: (0x5b, 0x66, 0x75),
        up: (0x00, 0x79, 0x6b),
        down: (0xc6, 0x28, 0x28),
        accent: (0x1d, 0x5f, 0xd6),
        lines: [
            (0x9a, 0x64, 0x00),
            (0x6f, 0x42, 0xc1),
            (0x00, 0x7a, 0x8c),
            (0xb8, 0x2c, 0x6e),
            (0xb4, 0x47, 0x0b),
            (0x4a, 0x74, 0x0c),
            (0x23, 0x57, 0x9e),
            (0x6b, 0x5b, 0x3e),
        ],
    };
}

impl Palette {
    /// The colours of studies and those of compared series, in order.
    pub(super) fn lines(&self) -> (impl Iterator<Item = Rgb>, impl Iterator<Item = Rgb>) {
        let (studies, others) = (self.lines, self.lines);
        (
            studies.into_iter().take(MAX_LINES).rev(),
            others.into_iter().skip(MAX_LINES),
        )
    }
}

impl Default for Palette {
    fn default() -> Self {
        Self::DARK
    }
}

/// What the chart needs of a surface beyond a plotters backend. Coordinates are pixels of the backend.
pub trait Surface: DrawingBackend {
    /// Its colours.
    fn palette(&self) -> Palette;

    /// Pixels of the backend in a CSS pixel.
    fn scale(&self) -> f64;

    /// Pixels of the backend in a column of decimated points. Finer columns would be invisible, or not worth their
    /// bytes.
    fn column(&self) -> u32;

    /// Clips what follows, until [`Surface::unclip`], to a rectangle given by its upper left corner and size.
    fn clip(&mut self, corner: BackendCoord, size: (u32, u32));

    /// Ends [`Surface::clip`].
    fn unclip(&mut self);

    /// Draws a line through points, `width` pixels wide. plotters itself only has whole widths.
    fn line(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, width: f64);

    /// Draws vertical bars, one pixel wide, each given by its column and two rows. A line with many points per column
    /// looks the same, and a canvas fills bars thirty times as fast as it strokes such a line. Returns whether the
    /// surface supports bars: SVG does not, since a line takes fewer bytes.
    fn bars(&mut self, bars: &[(i32, f64, f64)], color: BackendColor) -> bool;

    /// Fills the area below points, down to row `bottom`, with a fading colour.
    fn area(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, bottom: i32);

    /// Draws a dashed hairline between two points of the same row or column.
    fn dashes(&mut self, from: BackendCoord, to: BackendCoord, color: BackendColor);
}

/// `DrawingBackend::draw_path` of any surface.
pub(super) fn draw_path<S: Surface, P: BackendStyle>(
    surface: &mut S,
    path: impl IntoIterator<Item = BackendCoord>,
    style: &P,
) {
    let width = f64::from(style.stroke_width());
    surface.line(path.into_iter(), style.color(), width);
}

/// Opacity of an area at the top of the surface and at its bottom.
pub(super) const FADE: (f64, f64) = (0.3, 0.02);

/// CSS pixels of a dash and of the gap after it.
pub(super) const DASH: (u32, u32) = (2, 3);
