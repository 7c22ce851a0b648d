//! What a chart is drawn onto.

use super::scene::MAX_LINES;
use plotters_backend::{BackendColor, BackendCoord, DrawingBackend};

/// A colour as red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The colours of the page, by the names of its CSS custom properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// What the chart lies on, and the text on filled tags: `--ground`.
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
    /// Studies have `--line-1` to `--line-4`, other series `--line-5` to `--line-8`, so that no two lines
    /// share a colour.
    pub lines: [Rgb; 2 * MAX_LINES],
}

impl Palette {
    /// The dark theme of the page; also where a page defines no colours.
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
    /// The colours of studies and those of other series, each in their order.
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

/// What the chart needs of a surface beyond what every plotters backend does. Coordinates are the
/// backend's pixels; the layers do the rest through plotters.
pub trait Surface: DrawingBackend {
    /// The colours that it has.
    fn palette(&self) -> Palette;

    /// Backend pixels in a CSS pixel.
    fn scale(&self) -> f64;

    /// Backend pixels in a column of decimated points: finer is not seen, or not worth its bytes.
    fn column(&self) -> u32;

    /// Cuts what follows, up to [`Surface::unclip`], to a rectangle from its upper left corner on.
    fn clip(&mut self, corner: BackendCoord, size: (u32, u32));

    /// Ends [`Surface::clip`].
    fn unclip(&mut self);

    /// A line through points, `width` pixels wide: plotters' own have whole widths only.
    fn line(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, width: f64);

    /// Upright bars of a colour, each one pixel wide at its column, from one row to another. Where each
    /// column has many points, their line is nothing else, and a canvas fills bars thirty times as fast
    /// as it strokes a zigzag. Whether the surface does that: one whose drawings are sent somewhere does
    /// not, since a line is shorter.
    fn bars(&mut self, bars: &[(i32, f64, f64)], color: BackendColor) -> bool;

    /// What lies below points, down to row `bottom`, in a colour that fades.
    fn area(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, bottom: i32);

    /// A hairline from one point to another on the same row or column, in dashes.
    fn dashes(&mut self, from: BackendCoord, to: BackendCoord, color: BackendColor);
}

/// Opacity of an area at the top of the surface and at its bottom.
pub(super) const FADE: (f64, f64) = (0.3, 0.02);

/// CSS pixels of a dash and of the gap after it.
pub(super) const DASH: (u32, u32) = (2, 3);
