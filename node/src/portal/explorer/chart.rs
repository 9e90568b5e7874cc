//! Small plots of the last blocks, drawn as SVG in whole numbers: a bar for each block that has a figure, and beside the plot
//! a table with the same figures.

use dalil_ledger::block::Height;
use maud::{Markup, html};

use super::Visit;
use crate::portal::text::grouped;

/// Size of a plot, in its own units: as wide as a telephone, so that its text is read there.
const WIDTH: u64 = 360;
const HEIGHT: u64 = 200;
/// Where the bars stand.
const LEFT: u64 = 58;
const RIGHT: u64 = 352;
const TOP: u64 = 14;
const BOTTOM: u64 = 150;

/// A figure of one block.
pub(super) struct Figure {
    pub(super) height: Height,
    /// In the plot's smallest unit.
    pub(super) value: u64,
}

/// What is plotted.
pub(super) struct Chart<'a> {
    /// Names it within its page.
    pub(super) id: &'static str,
    /// What it shows, in a few words.
    pub(super) title: &'a str,
    /// What exactly the figures are.
    pub(super) about: &'a str,
    /// The unit, beside the upward axis.
    pub(super) unit: &'a str,
    /// A figure as people read it.
    pub(super) show: fn(u64) -> String,
    /// The first and the last height of the plot.
    pub(super) range: (Height, Height),
    pub(super) figures: Vec<Figure>,
}

/// The least of 1, 2 and 5 times a power of ten that is not below `value`, and not below 1.
fn ceiling(value: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            match power.checked_mul(factor) {
                Some(top) if top >= value => return top,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        match power.checked_mul(10) {
            Some(next) => power = next,
            None => return u64::MAX,
        }
    }
}

/// The part of `length` that `value` is of `whole`.
fn scaled(value: u64, whole: u64, length: u64) -> u64 {
    let scaled = u128::from(value.min(whole)) * u128::from(length) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(length)
}

impl Chart<'_> {
    pub(super) fn draw(&self, visit: Visit) -> Markup {
        html! {
            figure.chart {
                figcaption { h3 { (self.title) } p.hint { (self.about) } }
                @if self.figures.is_empty() { p { (visit.say("nothing_measured")) } }
                @else {
                    (self.picture(visit))
                    details {
                        summary { (visit.fill("figures", &[("what", self.title)])) }
                        (self.table(visit))
                    }
                }
            }
        }
    }

    fn table(&self, visit: Visit) -> Markup {
        let rows: Vec<_> = self
            .figures
            .iter()
            .rev()
            .map(|figure| vec![visit.block(figure.height), html! { ((self.show)(figure.value)) }])
            .collect();
        super::table(self.title, &[visit.say("block"), self.unit], &rows)
    }

    fn picture(&self, visit: Visit) -> Markup {
        let top = ceiling(self.figures.iter().map(|figure| figure.value).max().unwrap_or(0));
        let (first, last) = self.range;
        let places = last.saturating_sub(first).saturating_add(1);
        let (title, about) = (format!("{}-title", self.id), format!("{}-about", self.id));
        let y = |value: u64| BOTTOM - scaled(value, top, BOTTOM - TOP);
        let x = |place: u64| LEFT + scaled(place, places, RIGHT - LEFT);
        let ticks = if top > 1 { vec![0, top / 2, top] } else { vec![0, top] };
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{title} {about}")) {
                title id=(title) { (self.title) }
                desc id=(about) { (self.about) }
                @for tick in &ticks {
                    line.grid x1=(LEFT) x2=(RIGHT) y1=(y(*tick)) y2=(y(*tick)) {}
                    text.tick x=(LEFT - 6) y=(y(*tick) + 4) text-anchor="end" { ((self.show)(*tick)) }
                }
                @for figure in &self.figures {
                    @let place = figure.height.saturating_sub(first);
                    @let (from, to) = (x(place), x(place + 1));
                    // A bar of nothing is still seen: there is a figure, and it is 0.
                    @let high = (BOTTOM - y(figure.value)).max(1);
                    rect.mark x=(from + 1) y=(BOTTOM - high) width=(to.saturating_sub(from + 2).max(1)) height=(high) {}
                }
                line.axis x1=(LEFT) x2=(RIGHT) y1=(BOTTOM) y2=(BOTTOM) {}
                text.tick x=(LEFT) y=(BOTTOM + 16) { (grouped(first)) }
                text.tick x=(RIGHT) y=(BOTTOM + 16) text-anchor="end" { (grouped(last)) }
                text.name x=(LEFT + (RIGHT - LEFT) / 2) y=(HEIGHT - 14) text-anchor="middle" { (visit.say("height_axis")) }
                text.name x="12" y=(TOP + (BOTTOM - TOP) / 2) text-anchor="middle"
                    transform=(format!("rotate(-90 12 {})", TOP + (BOTTOM - TOP) / 2)) { (self.unit) }
            }
        }
    }
}
