//! Codes in a photo: PNG or JPEG, as phones and scanners make them.

use std::io::Cursor;

use tokio::sync::Semaphore;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The largest photo that is read, in bytes.
pub const PHOTO_BYTES_MAX: usize = 6 << 20;
/// The most pixels of a photo; phones make 12 million.
pub const PHOTO_PIXELS_MAX: usize = 25_000_000;
/// The longest side of a photo, in pixels.
const SIDE_PIXELS_MAX: usize = 12_000;
/// The side above which a photo is looked at in a smaller copy first, in pixels.
const SIDE_PIXELS_GOOD: usize = 2_000;
/// The most codes looked at in one photo.
pub const CODES_MAX: usize = 4;

/// Why a photo shows no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// Too large a file.
    #[error("a photo of {0} bytes, at most {PHOTO_BYTES_MAX} are read")]
    TooLong(usize),
    /// Too many pixels.
    #[error("a photo of {0} × {1} pixels, at most {PHOTO_PIXELS_MAX} are read, and {SIDE_PIXELS_MAX} a side")]
    TooLarge(usize, usize),
    /// Neither PNG nor JPEG, or a broken one.
    #[error("no PNG or JPEG that can be read: {0}")]
    Broken(String),
    /// Nothing that looks like a QR code.
    #[error("there is no QR code in the photo: the whole code must be in it, sharp and with its white border")]
    NoCode,
    /// A code that cannot be read.
    #[error("there is a QR code in the photo, but it cannot be read: half of it, a fold, a shadow or a blur")]
    Unreadable,
}

/// A photo in shades of grey.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn check_size(width: usize, height: usize) -> Result<(), PhotoError> {
    let fits = width.checked_mul(height).is_some_and(|pixels| (1..=PHOTO_PIXELS_MAX).contains(&pixels));
    let sides = width.max(height) <= SIDE_PIXELS_MAX;
    if fits && sides { Ok(()) } else { Err(PhotoError::TooLarge(width, height)) }
}

fn broken(error: impl std::fmt::Display) -> PhotoError {
    PhotoError::Broken(error.to_string().chars().take(200).collect())
}

impl Grey {
    fn decode(bytes: &[u8]) -> Result<Self, PhotoError> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Self::of_png(bytes),
            [0xff, 0xd8, 0xff, ..] => Self::of_jpeg(bytes),
            _ => Err(broken("the file is of another kind")),
        }
    }

    fn of_png(bytes: &[u8]) -> Result<Self, PhotoError> {
        // Four channels of eight bits.
        let limits = png::Limits { bytes: 4 * PHOTO_PIXELS_MAX };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let header = decoder.read_header_info().map_err(broken)?;
        let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
        let (width, height) = (side(header.width), side(header.height));
        check_size(width, height)?;
        let mut reader = decoder.read_info().map_err(broken)?;
        let size = reader.output_buffer_size().ok_or(PhotoError::TooLarge(width, height))?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(broken)?;
        samples.truncate(frame.buffer_size());
        let channels = frame.color_type.samples();
        let pixels: Vec<u8> = samples.chunks_exact(channels).map(shade).collect();
        if pixels.len() == width * height {
            Ok(Self { width, height, pixels })
        } else {
            Err(broken("pixels are missing"))
        }
    }

    fn of_jpeg(bytes: &[u8]) -> Result<Self, PhotoError> {
        let options = DecoderOptions::default()
            .set_max_width(SIDE_PIXELS_MAX)
            .set_max_height(SIDE_PIXELS_MAX)
            .jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
        decoder.decode_headers().map_err(broken)?;
        let (width, height) = decoder.dimensions().ok_or_else(|| broken("no size"))?;
        check_size(width, height)?;
        let pixels = decoder.decode().map_err(broken)?;
        if pixels.len() == width * height {
            Ok(Self { width, height, pixels })
        } else {
            Err(broken("pixels are missing"))
        }
    }

    /// A copy of every `step`th pixel.
    fn smaller(&self, step: usize) -> Self {
        let (width, height) = (self.width / step, self.height / step);
        let row = |y: usize| (0..width).map(move |x| self.pixels[y * step * self.width + x * step]);
        Self { width, height, pixels: (0..height).flat_map(row).collect() }
    }

    /// What the codes in it say.
    fn texts(&self) -> Result<Vec<String>, PhotoError> {
        let pixel = |x: usize, y: usize| self.pixels.get(y * self.width + x).copied().unwrap_or(u8::MAX);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, pixel);
        let grids = image.detect_grids();
        if grids.is_empty() {
            return Err(PhotoError::NoCode);
        }
        let mut texts: Vec<String> =
            grids.iter().take(CODES_MAX).filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect();
        texts.dedup();
        if texts.is_empty() { Err(PhotoError::Unreadable) } else { Ok(texts) }
    }
}

/// The brightness of a pixel by its first channels: grey alone, or red, green and blue. What is transparent counts as
/// paper.
fn shade(samples: &[u8]) -> u8 {
    let mean = |channels: &[u8]| {
        let sum: u32 = channels.iter().copied().map(u32::from).sum();
        u8::try_from(sum / 3).unwrap_or(u8::MAX)
    };
    match samples {
        [_, 0] | [_, _, _, 0] => u8::MAX,
        [red, green, blue, ..] => mean(&[*red, *green, *blue]),
        [grey, ..] => *grey,
        [] => u8::MAX,
    }
}

/// What the codes in a photo say, at most [`CODES_MAX`] of them. May take a second, and a broken picture may panic in a
/// decoder: see [`read_photo`].
pub fn texts_in(bytes: &[u8]) -> Result<Vec<String>, PhotoError> {
    if bytes.len() > PHOTO_BYTES_MAX {
        return Err(PhotoError::TooLong(bytes.len()));
    }
    let photo = Grey::decode(bytes)?;
    let step = photo.width.max(photo.height).div_ceil(SIDE_PIXELS_GOOD);
    if step > 1
        && let Ok(texts) = photo.smaller(step).texts()
    {
        return Ok(texts);
    }
    photo.texts()
}

/// Photos that are decoded at once; further ones wait.
static DECODERS: Semaphore = Semaphore::const_new(2);

/// As [`texts_in`], on a thread of its own.
pub async fn read_photo(bytes: Vec<u8>) -> Result<Vec<String>, PhotoError> {
    // Never closed. The place is the decoder's: whoever asked may be gone long before it is done.
    let place = DECODERS.acquire().await;
    let read = tokio::task::spawn_blocking(move || {
        let texts = texts_in(&bytes);
        drop(place);
        texts
    });
    let read = read.await;
    read.unwrap_or_else(|_| Err(broken("the decoder gave up on it")))
}
