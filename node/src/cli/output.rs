//! Printing answers.

use std::io::{IsTerminal as _, Write as _};

use crate::legible::legible;

/// Prints `text` and a newline. A reader that has seen enough, such as `head`, is no error.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// `text` in bold where a person sees it and has not asked for plain text (no-color.org).
pub(crate) fn bold(text: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !std::io::stdout().is_terminal() { text.to_owned() } else { format!("\x1b[1m{text}\x1b[0m") }
}

/// A line of a list of facts: a name, and what is to be said about it, whoever says it.
pub(crate) fn fact(name: &str, what: impl std::fmt::Display) -> String {
    format!("{name:<12} {}", legible(&what.to_string()))
}
