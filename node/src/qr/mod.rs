//! QR codes as pictures: drawn for documents, and found in photos. What a code says is `dalil_ledger::qr`'s matter.
//!
//! A photo is a stranger's: its size is bounded before it is decoded, and decoding runs apart, so that a picture that
//! breaks a decoder is a picture without a code.

mod photo;
mod picture;

pub use photo::{CODES_MAX, PHOTO_BYTES_MAX, PHOTO_PIXELS_MAX, PhotoError, read_photo, texts_in};
pub use picture::{Picture, PictureError, PictureKind};
