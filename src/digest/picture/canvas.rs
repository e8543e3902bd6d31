//! Draws rectangles and text on a background. The font is in the binary, because Lambda has no fonts.

use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Transform};
use ttf_parser::{Face, OutlineBuilder};

/// Inter Medium, reduced to the characters that charts need. Its licence (SIL OFL) is beside it.
const FONT: &[u8] = include_bytes!("../../../assets/Inter-digest.ttf");

/// The radius of the background's corners, in pixels.
const CORNER: f32 = 20.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

impl Rgb {
    /// The colour halfway to another one.
    pub(super) fn faded(self, other: Self) -> Self {
        let half = |a: u8, b: u8| a.midpoint(b);
        Self(half(self.0, other.0), half(self.1, other.1), half(self.2, other.2))
    }
}

/// Which part of a text is at the given x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

pub(super) struct Canvas {
    pixels: Pixmap,
    face: Face<'static>,
}

impl Canvas {
    /// A background with round corners. Sizes are in pixels.
    pub(super) fn new(width: f32, height: f32, ground: Rgb) -> Option<Self> {
        let pixels = Pixmap::new(width as u32, height as u32)?;
        let mut canvas = Self { pixels, face: Face::parse(FONT, 0).ok()? };
        let (w, h, r) = (width, height, CORNER);
        let mut path = PathBuilder::new();
        path.move_to(r, 0.0);
        path.line_to(w - r, 0.0);
        path.quad_to(w, 0.0, w, r);
        path.line_to(w, h - r);
        path.quad_to(w, h, w - r, h);
        path.line_to(r, h);
        path.quad_to(0.0, h, 0.0, h - r);
        path.line_to(0.0, r);
        path.quad_to(0.0, 0.0, r, 0.0);
        path.close();
        canvas.fill(path.finish(), ground);
        Some(canvas)
    }

    /// Draws a filled rectangle. Without a width or height it draws nothing.
    pub(super) fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, color: Rgb) {
        let rectangle = Rect::from_xywh(x, y, width, height).filter(|r| r.height() > 0.0);
        self.fill(rectangle.map(PathBuilder::from_rect), color);
    }

    /// Draws a text on its base line and returns the x of its end. Characters that the font lacks are
    /// left out.
    pub(super) fn text(
        &mut self,
        text: &str,
        x: f32,
        y: f32,
        size: f32,
        color: Rgb,
        anchor: Anchor,
    ) -> f32 {
        let scale = size / f32::from(self.face.units_per_em());
        let glyphs: Vec<_> = text.chars().filter_map(|c| self.face.glyph_index(c)).collect();
        let advance = |glyph| f32::from(self.face.glyph_hor_advance(glyph).unwrap_or_default());
        let width = glyphs.iter().copied().map(advance).sum::<f32>() * scale;
        let mut outline = Outline {
            path: PathBuilder::new(),
            scale,
            y,
            x: match anchor {
                Anchor::Start => x,
                Anchor::Middle => x - width / 2.0,
                Anchor::End => x - width,
            },
        };
        for glyph in glyphs {
            self.face.outline_glyph(glyph, &mut outline);
            outline.x += advance(glyph) * scale;
        }
        let end = outline.x;
        self.fill(outline.path.finish(), color);
        end
    }

    /// Whether the font has every character of this text.
    pub(super) fn has(&self, text: &str) -> bool {
        text.chars().all(|c| self.face.glyph_index(c).is_some())
    }

    /// The text, cut with an ellipsis to this width in pixels.
    pub(super) fn cut(&self, text: &str, size: f32, width: f32) -> String {
        let scale = size / f32::from(self.face.units_per_em());
        let advance = |c: char| {
            let advance =
                self.face.glyph_index(c).and_then(|glyph| self.face.glyph_hor_advance(glyph));
            f32::from(advance.unwrap_or_default()) * scale
        };
        if text.chars().map(advance).sum::<f32>() <= width {
            return text.to_owned();
        }
        let mut left = width - advance('…');
        let fits = |c: &char| {
            left -= advance(*c);
            left >= 0.0
        };
        let kept: String = text.chars().take_while(fits).collect();
        format!("{}…", kept.trim_end())
    }

    /// Encodes the picture as a PNG.
    pub(super) fn png(&self) -> Option<Vec<u8>> {
        self.pixels.encode_png().ok()
    }

    fn fill(&mut self, path: Option<Path>, Rgb(r, g, b): Rgb) {
        let Some(path) = path else { return };
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color(Color::from_rgba8(r, g, b, 0xff));
        self.pixels.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }
}

/// Builds a letter's outline, scaled from font units to pixels.
struct Outline {
    path: PathBuilder,
    scale: f32,
    x: f32,
    y: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_character_that_charts_use() {
        let face = Face::parse(FONT, 0).unwrap();
        for c in (' '..='~').chain(['·', '–', '…']) {
            assert!(face.glyph_index(c).is_some(), "{c:?}");
        }
    }

    #[test]
    fn a_text_is_cut_to_its_width() {
        let canvas = Canvas::new(10.0, 10.0, Rgb(0, 0, 0)).unwrap();
        assert_eq!(canvas.cut("Deploy", 20.0, 500.0), "Deploy");
        let cut = canvas.cut("Deploy the client to staging", 20.0, 100.0);
        assert!(cut.ends_with('…') && cut.starts_with("Deploy"), "{cut}");
        assert_eq!(canvas.cut(&cut, 20.0, 100.0), cut);
        assert!(canvas.has("Deploy…") && !canvas.has("Déploiement"));
    }

    #[test]
    fn a_text_ends_where_it_is_anchored() {
        let mut canvas = Canvas::new(200.0, 100.0, Rgb(0, 0, 0)).unwrap();
        let mut end = |anchor| canvas.text("Runs", 100.0, 50.0, 20.0, Rgb(255, 255, 255), anchor);
        let (start, middle, last) = (end(Anchor::Start), end(Anchor::Middle), end(Anchor::End));
        assert!((last - 100.0).abs() < 0.01 && last < middle && middle < start);
    }
}
