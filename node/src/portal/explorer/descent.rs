//! The picture of a chain of title: a lane for each plot, a row for each step, oldest above; where a plot was divided or merged,
//! lines lead from its lane to those of the plots made from it. It shows the same rows as the list beside it.

use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::types::Plot;
use maud::{Markup, html};

use super::Visit;
use crate::portal::text::ist_day;

/// The most plots that a picture has lanes for. With more, the list stands alone.
const LANES_MAX: usize = 16;
/// Sizes in the picture's own units, which on a wide screen are pixels.
const WIDTH: usize = 720;
const LANE: usize = 30;
const ROW: usize = 40;
const TOP: usize = 24;
const RADIUS: usize = 12;

/// One step: a row of the list and of the picture.
pub(super) struct Row {
    pub(super) plot: PlotId,
    /// Block time, UTC milliseconds; none where the node does not hold the block.
    pub(super) at_ms: Option<u64>,
    pub(super) name: String,
}

/// A plot's lane: its rows, and whether it is in force below the last of them.
struct Lane<'a> {
    plot: &'a Plot,
    first: usize,
    last: usize,
}

/// What is drawn.
pub(super) struct Descent<'a> {
    rows: &'a [Row],
    lanes: Vec<Lane<'a>>,
}

impl<'a> Descent<'a> {
    /// Of the plots of a chain and the steps that are shown. Each plot has its lane in the order in which it came.
    pub(super) fn of(plots: &'a [Plot], rows: &'a [Row]) -> Self {
        let lane = |plot: &'a Plot| {
            let of_plot = |row: &Row| row.plot == plot.id;
            let (first, last) = (rows.iter().position(of_plot)?, rows.iter().rposition(of_plot)?);
            Some(Lane { plot, first, last })
        };
        let mut lanes: Vec<_> = plots.iter().filter_map(lane).collect();
        lanes.sort_by_key(|lane| lane.first);
        Self { rows, lanes }
    }

    fn lane_of(&self, plot: &PlotId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.plot.id == *plot)
    }

    pub(super) fn draw(&self, visit: Visit) -> Markup {
        if self.lanes.is_empty() || self.lanes.len() > LANES_MAX {
            return html! { p { (visit.words.descent.get("no_picture")) } };
        }
        let height = TOP * 2 + self.rows.len() * ROW;
        let about = [("count", self.rows.len().to_string()), ("plots", self.lanes.len().to_string())];
        let about = about.each_ref().map(|(name, value)| (*name, value.as_str()));
        html! {
            svg.descent viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="descent-title descent-about" {
                title #descent-title { (visit.words.descent.get("chain_title")) }
                desc #descent-about { (visit.words.descent.fill("picture_about", &about)) }
                @for (place, lane) in self.lanes.iter().enumerate() { (self.lane(place, lane, height)) }
                @for (place, row) in self.rows.iter().enumerate() { (self.row(place, row, visit)) }
            }
        }
    }

    /// A plot's line, down to where it ends, and the lines that lead to it from the plots that it was made from.
    fn lane(&self, place: usize, lane: &Lane<'_>, height: usize) -> Markup {
        let x = x_of(place);
        let end = if lane.plot.retired { y_of(lane.last) } else { height - TOP / 2 };
        let parents = lane.plot.parents.iter().filter_map(|parent| {
            let from = self.lane_of(parent)?;
            Some((x_of(from), y_of(self.lanes.get(from)?.last)))
        });
        let parents: Vec<_> = parents.collect();
        html! {
            line.way x1=(x) x2=(x) y1=(y_of(lane.first)) y2=(end) {}
            @for (from_x, from_y) in parents {
                // Between the rows, where no mark stands in its way.
                polyline.way points=(format!("{from_x},{from_y} {from_x},{0} {x},{0} {x},{1}", from_y + ROW / 2, y_of(lane.first))) {}
            }
            @if !lane.plot.retired {
                polygon.end points=(format!("{},{} {},{} {x},{}", x - 6, end - 8, x + 6, end - 8, end + 2)) {}
            }
        }
    }

    fn row(&self, place: usize, row: &Row, visit: Visit) -> Markup {
        let x = x_of(self.lane_of(&row.plot).unwrap_or(0));
        let (y, words) = (y_of(place), x_of(self.lanes.len()));
        html! {
            circle.mark.good-mark cx=(x) cy=(y) r=(RADIUS) {}
            text.number x=(x) y=(y + 5) text-anchor="middle" { (place + 1) }
            text.tick x=(words) y=(y - 4) {
                @if let Some(at_ms) = row.at_ms { (ist_day(at_ms, visit.words)) ", " }
                (visit.words.descent.get("plot")) " " (row.plot)
            }
            text.name x=(words) y=(y + 13) { (row.name) }
        }
    }
}

fn x_of(lane: usize) -> usize {
    LANE / 2 + lane * LANE
}

fn y_of(row: usize) -> usize {
    TOP + row * ROW
}
