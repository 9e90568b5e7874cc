//! A code as a picture: SVG for print and pages, PNG for everything else.

use std::str::FromStr;

use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder, QRCode};

/// Light modules around a code (ISO/IEC 18004 asks for four).
const QUIET_MODULES: usize = 4;
/// Side of a module in a PNG, in pixels.
const MODULE_PIXELS: usize = 8;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// Scalable.
    Svg,
    /// Black and white.
    Png,
}

impl PictureKind {
    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

impl FromStr for PictureKind {
    type Err = PictureError;

    fn from_str(text: &str) -> Result<Self, PictureError> {
        match text.to_ascii_lowercase().as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(PictureError::Kind(text.chars().take(20).collect())),
        }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Another form than those that are drawn.
    #[error("expected svg or png, got {0:?}")]
    Kind(String),
    /// No QR code holds so much.
    #[error("{0} characters fit no QR code")]
    TooLong(usize),
    /// The PNG was not written.
    #[error("PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// A QR code of a text.
pub struct Picture(QRCode);

impl Picture {
    /// Draws `text` with the highest of the levels M and L that has room: paper gets dirty, and long codes get dense.
    pub fn of(text: &str) -> Result<Self, PictureError> {
        let draw = |level| QRBuilder::new(text).ecl(level).build().ok();
        draw(ECL::M).or_else(|| draw(ECL::L)).map(Self).ok_or(PictureError::TooLong(text.len()))
    }

    /// The picture's file.
    pub fn to_bytes(&self, kind: PictureKind) -> Result<Vec<u8>, PictureError> {
        match kind {
            PictureKind::Svg => Ok(SvgBuilder::default().margin(QUIET_MODULES).to_str(&self.0).into_bytes()),
            PictureKind::Png => self.to_png(),
        }
    }

    /// Whether the module at this place is dark; outside the code all are light.
    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = |place: usize| place.checked_sub(QUIET_MODULES).filter(|place| *place < self.0.size);
        inside(row).zip(inside(column)).is_some_and(|(row, column)| self.0[row][column].value())
    }

    fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let modules = self.0.size + 2 * QUIET_MODULES;
        // A module is one byte wide at one bit a pixel.
        let row = |row: usize| (0..modules).map(move |column| if self.is_dark(row, column) { 0x00 } else { 0xff });
        let pixels: Vec<u8> = (0..modules).flat_map(|at| row(at).collect::<Vec<u8>>().repeat(MODULE_PIXELS)).collect();
        let side = u32::try_from(modules * MODULE_PIXELS).map_err(|_| PictureError::TooLong(modules))?;
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(file)
    }
}
