//! The overlay: pins, the last value and the legend.

use super::drawing::{Still, percent, write};
use crate::draw::Rgb;
use crate::reading::{Reading, pins};
use crate::scale::format_length;
use crate::size;
use crate::surface::DASH;
use crate::svg_surface::{Escaped, TOKENS, token};

impl Still {
    pub(super) fn pins(&self) -> String {
        let mut drawn = String::new();
        let (radius, above) = (size::PIN, size::PIN + 4.0);
        for (_, pins) in pins(&self.scene, &self.frame) {
            let Some(first) = pins.first() else { continue };
            let x = percent(self.x(first.time as f64));
            let text = match pins.len() {
                1 => "N".to_owned(),
                count @ 2..=9 => count.to_string(),
                _ => "+".to_owned(),
            };
            write(
                &mut drawn,
                format_args!(
                    "<svg x=\"{x}\" y=\"100%\" overflow=\"visible\"><g transform=\"translate(0 -{above})\">\
                     <circle r=\"{radius}\" fill=\"var(--accent)\" stroke=\"var(--ground)\"/>\
                     <text dy=\".36em\" text-anchor=\"middle\" fill=\"var(--ground)\">{text}</text></g></svg>"
                ),
            );
        }
        drawn
    }

    /// The last reading, its colour, and its position as a part of the height.
    fn last(&self) -> Option<(Reading, &'static str, f64)> {
        let last = Reading::last(&self.scene, &self.frame)?;
        let color = match (self.scene.kind.has_spans(), last.candle) {
            (false, _) => self.tone(),
            (true, candle) if candle.close < candle.open => "down",
            (true, _) => "up",
        };
        let y = self.y(0, last.value);
        (0.0..=1.0).contains(&y).then_some((last, color, y))
    }

    pub(super) fn last_line(&self) -> String {
        let Some((last, color, y)) = self.last() else {
            return String::new();
        };
        let y = percent(y);
        let (dash, gap) = DASH;
        let mut drawn = format!(
            "<line y1=\"{y}\" x2=\"100%\" y2=\"{y}\" stroke=\"var(--{color})\" stroke-dasharray=\"{dash} {gap}\"/>"
        );
        if !self.scene.kind.has_spans() {
            let (x, radius) = (percent(self.x(last.time)), size::DOT);
            write(
                &mut drawn,
                format_args!(
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"var(--{color})\"/>"
                ),
            );
        }
        drawn
    }

    pub(super) fn last_tag(&self) -> String {
        let Some((last, color, y)) = self.last() else {
            return String::new();
        };
        let label = self.frame.label_of(self.frame.scaled(0, last.value));
        let (y, half, height, left) = (percent(y), size::TAG / 2.0, size::TAG, size::PADDING);
        format!(
            "<svg y=\"{y}\" overflow=\"visible\"><rect y=\"-{half}\" width=\"100%\" height=\"{height}\" \
             fill=\"var(--{color})\"/><text x=\"{left}\" dy=\".36em\" fill=\"var(--ground)\">{label}</text></svg>"
        )
    }

    /// The legend: the length of a candle, and a row with name and last value for each line.
    pub(super) fn legend(&self) -> String {
        let (scene, frame) = (&self.scene, &self.frame);
        let mut rows: Vec<Vec<(String, &str)>> = Vec::new();
        let length = (scene.kind.has_spans() || !scene.studies.is_empty())
            .then(|| (format_length(frame.candle), "muted"));
        match self.last() {
            Some((last, color, _)) if !scene.compared.is_empty() => {
                let mut row = vec![(scene.name.clone(), color)];
                row.extend(length);
                for (name, value) in last.parts(scene, frame) {
                    row.extend((!name.is_empty()).then(|| (name.to_owned(), "muted")));
                    row.push((value, "text"));
                }
                rows.push(row);
            }
            _ => rows.extend(length.map(|length| vec![length])),
        }
        let (studies, others) = TOKENS.lines();
        let token = |color: Rgb| token(color);
        for (index, (compared, color)) in scene.compared.iter().zip(others).enumerate() {
            let value = Reading::compared(scene, frame, index, f64::INFINITY);
            rows.push(vec![
                (compared.name.clone(), token(color)),
                (value.unwrap_or_default(), "text"),
            ]);
        }
        for (study, color) in scene.studies.iter().zip(studies) {
            let value = Reading::study(scene, frame, study, f64::INFINITY);
            rows.push(vec![
                (study.study.name(), token(color)),
                (value.unwrap_or_default(), "text"),
            ]);
        }
        let mut drawn = String::new();
        let (padding, height) = (size::PADDING, size::TAG);
        for (row, at) in rows.into_iter().zip(0..) {
            let y = padding / 2.0 + height * (f64::from(at) + 0.5);
            write(
                &mut drawn,
                format_args!("<text x=\"{}\" y=\"{y}\" dy=\".36em\">", 1.5 * padding),
            );
            for ((text, color), at) in row.iter().zip(0..) {
                let dx = if at > 0 { padding } else { 0.0 };
                let text = Escaped(text);
                write(
                    &mut drawn,
                    format_args!("<tspan dx=\"{dx}\" fill=\"var(--{color})\">{text}</tspan>"),
                );
            }
            drawn += "</text>";
        }
        drawn
    }
}
