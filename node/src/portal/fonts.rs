//! Noto Sans for Latin, Bengali and Devanagari, from this node's own host.
//!
//! The fonts are no part of the program: they are read once, at the start, from a folder of the machine. Where one is
//! missing, the pages name it all the same and take what the reader's device has.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path as Within};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::crypto::sha256;

use super::routes::{kept, tag_of};

/// Where Debian's package `fonts-noto-core` puts them.
pub const FOLDER_DEFAULT: &str = "/usr/share/fonts/truetype/noto";
/// The largest font that is read, in bytes.
const FONT_BYTES_MAX: u64 = 2 << 20;
/// How a TrueType file begins.
const TRUETYPE: [u8; 4] = [0, 1, 0, 0];
/// How many hexadecimal digits of its SHA-256 a font's address carries, so that another font has another address.
const MARK_DIGITS: usize = 16;
/// The address names the content.
const NEVER_CHANGES: &str = "public, max-age=31536000, immutable";

/// A family, for which characters it is, and its files by weight. Joiners are left to the letters that they join.
struct Family {
    name: &'static str,
    range: &'static str,
    files: [(u16, &'static str); 2],
}

const FAMILIES: [Family; 3] = [
    Family {
        name: "Noto Sans",
        range: "U+0000-024F, U+1E00-1EFF, U+2010-205F, U+20A0-20BF, U+2100-214F",
        files: [(400, "NotoSans-Regular"), (700, "NotoSans-Bold")],
    },
    Family {
        name: "Noto Sans Bengali",
        range: "U+0951-0952, U+0964-0965, U+0980-09FE, U+200C-200D, U+25CC",
        files: [(400, "NotoSansBengali-Regular"), (700, "NotoSansBengali-Bold")],
    },
    Family {
        name: "Noto Sans Devanagari",
        range: "U+0900-097F, U+1CD0-1CFA, U+200C-200D, U+25CC, U+A8E0-A8FF",
        files: [(400, "NotoSansDevanagari-Regular"), (700, "NotoSansDevanagari-Bold")],
    },
];

/// The fonts that were found.
#[derive(Debug, Default)]
pub struct Fonts {
    /// By the name in the address.
    files: BTreeMap<String, Font>,
    sheet: String,
    /// The files that are not served, each with why.
    pub missing: Vec<String>,
}

#[derive(Debug)]
struct Font {
    bytes: Bytes,
    tag: String,
}

impl Fonts {
    /// The fonts of a folder.
    pub fn read(folder: &Path) -> Self {
        let mut fonts = Self::default();
        for family in &FAMILIES {
            for (weight, stem) in family.files {
                let path = folder.join(format!("{stem}.ttf"));
                match read(&path) {
                    Ok(bytes) => fonts.add(family, weight, stem, bytes),
                    Err(error) => fonts.missing.push(format!("{}: {error}", path.display())),
                }
            }
        }
        fonts
    }

    fn add(&mut self, family: &Family, weight: u16, stem: &str, bytes: Vec<u8>) {
        let digest = sha256(&bytes).to_string();
        let name = format!("{stem}-{}.ttf", &digest[..MARK_DIGITS]);
        let Family { name: called, range, .. } = family;
        // A device that has the font need not fetch it.
        self.sheet.push_str(&format!(
            "@font-face {{ font-family: \"{called}\"; font-weight: {weight}; font-display: swap; src: local(\"{stem}\"), \
             url(\"/portal/fonts/{name}\") format(\"truetype\"); unicode-range: {range}; }}\n"
        ));
        self.files.insert(name, Font { tag: tag_of(&bytes), bytes: bytes.into() });
    }
}

/// A TrueType file of a bounded size.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening what is no file may wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FONT_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FONT_BYTES_MAX {
        return Err(io::Error::other(format!("longer than {FONT_BYTES_MAX} bytes")));
    }
    if !bytes.starts_with(&TRUETYPE) {
        return Err(io::Error::other("not a TrueType font"));
    }
    Ok(bytes)
}

/// The style sheet that names the fonts; an empty one where none was found.
pub(super) async fn sheet(Extension(fonts): Extension<Arc<Fonts>>, headers: HeaderMap) -> Response {
    let sheet = fonts.sheet.clone();
    kept(&headers, &tag_of(sheet.as_bytes()), ("text/css; charset=utf-8", "no-cache"), sheet)
}

pub(super) async fn font(
    Extension(fonts): Extension<Arc<Fonts>>,
    Within(name): Within<String>,
    headers: HeaderMap,
) -> Response {
    match fonts.files.get(&name) {
        Some(font) => kept(&headers, &font.tag, ("font/ttf", NEVER_CHANGES), font.bytes.clone()),
        None => (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response(),
    }
}
