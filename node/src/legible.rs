//! Texts of unknown origin, as people and their programs may see them.

/// The longest text of unknown origin that is shown, in characters.
const SHOWN_MAX: usize = 200;

/// A text that somebody sent, in which nothing can hide: what is not printable ASCII (controls, writing that runs the
/// other way, look-alikes of other scripts) stands there by its code.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = coded(text.chars().take(SHOWN_MAX), |character| character == ' ' || character.is_ascii_graphic());
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// The same for texts in any language: only what changes how the others are read stands there by its code.
pub(crate) fn legible(text: &str) -> String {
    coded(text.chars(), |character| !steers(character))
}

fn coded(text: impl Iterator<Item = char>, is_shown: impl Fn(char) -> bool) -> String {
    let mut shown = String::new();
    for character in text {
        if is_shown(character) {
            shown.push(character);
        } else {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        }
    }
    shown
}

/// Controls, line and paragraph separators, marks and overrides of direction, and what has no width; but not the joiners
/// U+200C and U+200D, without which Indian scripts are not written.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
