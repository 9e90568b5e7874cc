//! Codes as pictures: what is drawn is found again in the picture, and strangers' photos break nothing.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{SecretKey, sha256};
use dalil_ledger::qr::cbor::{CborError, Deterministic, Reader, Writer};
use dalil_ledger::qr::{Code, Link, RECEIPT_PREFIX, Slip};
use dalil_node::qr::{PHOTO_BYTES_MAX, PhotoError, Picture, PictureError, PictureKind, read_photo, texts_in};

/// The longest content of a slip.
struct Content(Token<256>);

impl Deterministic for Content {
    fn write(&self, cbor: &mut Writer) {
        cbor.text(self.0.as_str());
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.parsed().map(Self)
    }
}

fn slip() -> Slip {
    let content = Content("x".repeat(256).parse().unwrap());
    Slip::sign("CHALLAN".parse().unwrap(), &content, &SecretKey::from_seed(&[1; 32]), &sha256(b"chain")).unwrap()
}

fn png_of(text: &str) -> Vec<u8> {
    Picture::of(text).unwrap().to_bytes(PictureKind::Png).unwrap()
}

/// The text of the longest receipt that there is: 2,600 bytes.
fn longest() -> String {
    let bytes: Vec<u8> = (0..2_600u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    format!("{RECEIPT_PREFIX}{}", base45::encode(bytes))
}

#[test]
fn what_is_drawn_is_found_again() {
    let link = Link::new("in.gov.wb.land-ROR-7F3A".parse().unwrap(), &sha256(b"file"));
    for text in [link.to_url("https://ledger.example/scan").unwrap(), slip().to_text(), longest()] {
        assert_eq!(texts_in(&png_of(&text)).unwrap(), [text]);
    }
    assert_eq!(Code::parse(&texts_in(&png_of(&slip().to_text())).unwrap()[0]).unwrap(), Code::Slip(slip()));
}

#[test]
fn an_svg_draws_and_does_nothing_else() {
    let svg = String::from_utf8(Picture::of("DALILB1:").unwrap().to_bytes(PictureKind::Svg).unwrap()).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
    for active in ["<script", "href", "onload", "<style", "foreignObject"] {
        assert!(!svg.contains(active), "{active}");
    }
}

#[test]
fn what_fits_no_code_is_refused() {
    let text = "A".repeat(4_297);
    assert!(matches!(Picture::of(&text), Err(PictureError::TooLong(4_297))));
    assert!(matches!("gif".parse::<PictureKind>(), Err(PictureError::Kind(_))));
}

#[test]
fn half_a_code_is_not_read() {
    let png = png_of(&slip().to_text());
    let grey = grey_of(&png);
    let lower = |at: usize| at / grey.width > grey.height / 2;
    let half = grey.pixels.iter().enumerate().map(|(at, shade)| if lower(at) { 0xff } else { *shade }).collect();
    let found = texts_in(&to_png(&Grey { pixels: half, ..grey }));
    assert!(matches!(found, Err(PhotoError::NoCode | PhotoError::Unreadable)), "{found:?}");
}

#[test]
fn a_photo_of_a_telephone_is_read() {
    // A slip's code, turned by some degrees, blurred and unevenly lit, as a JPEG of 1,200 pixels.
    let texts = texts_in(include_bytes!("data/slip-photo.jpg")).unwrap();
    assert!(matches!(Code::parse(&texts[0]).unwrap(), Code::Slip(_)), "{texts:?}");
}

#[test]
fn a_photo_larger_than_the_code_needs_is_read_in_a_smaller_copy() {
    let grey = grey_of(&png_of(&slip().to_text()));
    let (width, height) = (grey.width * 5, grey.height * 5);
    let pixels = (0..width * height).map(|at| grey.pixels[at / width / 5 * grey.width + at % width / 5]).collect();
    assert_eq!(texts_in(&to_png(&Grey { width, height, pixels })).unwrap(), [slip().to_text()]);
}

#[test]
fn a_strangers_file_is_bounded_and_breaks_nothing() {
    let broken = |bytes: &[u8]| assert!(matches!(texts_in(bytes), Err(PhotoError::Broken(_))), "{:?}", texts_in(bytes));
    broken(b"");
    broken(b"GIF89a");
    broken(b"%PDF-1.7");
    broken(&[0xff, 0xd8, 0xff, 0xe0]);
    let png = png_of("DALILB1:");
    broken(&png[..20]);
    broken(&png[..png.len() / 2]);
    assert_eq!(texts_in(&vec![0; PHOTO_BYTES_MAX + 1]), Err(PhotoError::TooLong(PHOTO_BYTES_MAX + 1)));
    // A few bytes that claim a picture of four thousand million pixels.
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(texts_in(&bomb), Err(PhotoError::TooLarge(65_536, 65_536)));
    let white = Grey { width: 200, height: 200, pixels: vec![0xff; 40_000] };
    assert_eq!(texts_in(&to_png(&white)), Err(PhotoError::NoCode));
}

#[tokio::test]
async fn a_damaged_photo_is_a_photo_without_a_code() {
    let whole = include_bytes!("data/slip-photo.jpg");
    let mut seed = 7u64;
    for _ in 0..40 {
        let mut bytes = whole.to_vec();
        for _ in 0..20 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
        }
        if let Ok(texts) = read_photo(bytes).await {
            // Either the one code, or nothing of it: an altered slip has no valid signature.
            texts
                .iter()
                .filter_map(|text| Code::parse(text).ok())
                .for_each(|code| assert!(matches!(code, Code::Slip(_))));
        }
    }
}

/// A picture in grey.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

fn grey_of(bytes: &[u8]) -> Grey {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    Grey { width: frame.width as usize, height: frame.height as usize, pixels }
}

fn to_png(grey: &Grey) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, grey.width as u32, grey.height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&grey.pixels).unwrap();
    writer.finish().unwrap();
    file
}

/// CRC-32 as PNG has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
