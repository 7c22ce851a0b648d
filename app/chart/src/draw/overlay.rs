use super::{Brush, Failure, Outcome, Palette, Rgb, Surface, paint, thin};
use crate::frame::Frame;
use crate::reading::{Reading, pins};
use crate::scale::format_length;
use crate::scene::Scene;
use crate::size;
use plotters::style::text_anchor::HPos;
use std::cell::RefCell;
use std::rc::Rc;

/// The top layer: the last value, the pins, the crosshair with its values, and the legend.
///
/// # Errors
/// The error of the surface when it cannot draw.
pub fn overlay<S: Surface>(
    surface: &Rc<RefCell<S>>,
    frame: &Frame,
    scene: &Scene,
    reading: Option<&Reading>,
) -> Outcome<S> {
    let brush = Brush::new(surface, frame);
    flags(&brush, scene)?;
    last_value(&brush, scene)?;
    if let Some(reading) = reading {
        cross(&brush, scene, reading)?;
    }
    legend(&brush, scene, reading)
}

/// The colour of the series at a reading.
fn color_of<S: Surface>(brush: &Brush<'_, S>, scene: &Scene, reading: &Reading) -> Rgb {
    if scene.kind.has_spans() {
        brush.way(&reading.candle)
    } else {
        brush.tone(scene.tone)
    }
}

/// A line at the last value, and its tag on the axis.
fn last_value<S: Surface>(brush: &Brush<'_, S>, scene: &Scene) -> Outcome<S> {
    let frame = brush.frame;
    let Some(last) = Reading::last(scene, frame) else {
        return Ok(());
    };
    let color = paint(color_of(brush, scene, &last));
    let scaled = frame.scaled(0, last.value);
    let (x, y) = frame.at_scaled(last.time, scaled);
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    // It may lie outside the plot, if the reader has scrolled back.
    if !(0..=bottom).contains(&y) {
        return Ok(());
    }
    brush.surface.borrow_mut().dashes((0, y), (right, y), color);
    if x <= right && !scene.kind.has_spans() {
        brush.dot((x, y), size::DOT, color)?;
    }
    brush.value_tag(&frame.label_of(scaled), y, color)
}

/// The pins at the bottom of the plot. Pins that overlap are drawn as one, with their number.
fn flags<S: Surface>(brush: &Brush<'_, S>, scene: &Scene) -> Outcome<S> {
    let frame = brush.frame;
    let radius = frame.pixels(size::PIN);
    let y = frame.plot.1 as i32 - radius - frame.pixels(4.0);
    for (x, pins) in pins(scene, frame) {
        brush.dot((x, y), size::PIN + 1.0, paint(brush.palette.ground))?;
        brush.dot((x, y), size::PIN, paint(brush.palette.accent))?;
        let text = match pins.len() {
            1 => "N".to_owned(),
            count @ 2..=9 => count.to_string(),
            _ => "+".to_owned(),
        };
        brush.text(&text, (x, y), HPos::Center, brush.palette.ground)?;
    }
    Ok(())
}

/// The crosshair at a reading, with its value and time on the axes.
fn cross<S: Surface>(brush: &Brush<'_, S>, scene: &Scene, reading: &Reading) -> Outcome<S> {
    let frame = brush.frame;
    let Palette {
        ground,
        text,
        muted,
        ..
    } = brush.palette;
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let scaled = frame.scaled(0, reading.value);
    let (x, y) = frame.at_scaled(reading.x, scaled);
    let x = x.clamp(0, right);
    let surface = brush.surface;
    surface
        .borrow_mut()
        .dashes((x, 0), (x, bottom), paint(muted));
    surface
        .borrow_mut()
        .dashes((0, y), (right, y), paint(muted));
    if !scene.kind.has_spans() {
        brush.dot((x, y), size::DOT + 2.0, paint(ground))?;
        let color = paint(color_of(brush, scene, reading));
        brush.dot((x, y), size::DOT + 1.0, color)?;
    }
    brush.value_tag(&frame.label_of(scaled), y, paint(text))?;
    brush.time_tag(&reading.moment(scene), x, paint(text))
}

/// The legend: the reading in a row, then a row for each compared series and each study, which names its colour.
fn legend<S: Surface>(
    brush: &Brush<'_, S>,
    scene: &Scene,
    reading: Option<&Reading>,
) -> Outcome<S> {
    let frame = brush.frame;
    let Some(rows) = legend_rows(brush, scene, reading) else {
        return Ok(());
    };
    let (padding, height) = (frame.pixels(size::PADDING), frame.pixels(size::TAG));
    let edge = padding / 2;
    let mut top = edge;
    for row in rows {
        for row in wrapped(brush, row, frame.plot.0 as i32 - 2 * edge - 2 * padding)? {
            let width: i32 = row.iter().map(|(_, _, width)| width + padding).sum();
            let behind = thin(brush.palette.ground, 0.85);
            brush.fill((edge, top), (width + padding, height), behind)?;
            let mut left = edge + padding;
            for (text, color, width) in row {
                brush.text(&text, (left, top + height / 2), HPos::Left, color)?;
                left += width + padding;
            }
            top += height;
        }
    }
    Ok(())
}

/// The rows of the legend: texts and their colours. `None` if there is no sample.
fn legend_rows<S: Surface>(
    brush: &Brush<'_, S>,
    scene: &Scene,
    reading: Option<&Reading>,
) -> Option<Vec<Vec<(String, Rgb)>>> {
    let (frame, palette) = (brush.frame, brush.palette);
    let mut rows: Vec<Vec<(String, Rgb)>> = Vec::new();
    let length = (scene.kind.has_spans() || !scene.studies.is_empty())
        .then(|| (format_length(frame.candle), palette.muted));
    if reading.is_none() && scene.compared.is_empty() {
        rows.extend(length.map(|length| vec![length]));
    } else {
        let read = reading.cloned().or_else(|| Reading::last(scene, frame))?;
        let mut row = Vec::new();
        if !scene.compared.is_empty() {
            row.push((scene.name.clone(), color_of(brush, scene, &read)));
        }
        row.extend(length);
        if reading.is_some() {
            row.push((read.moment(scene), palette.muted));
        }
        let parts = read.parts(scene, frame);
        row.extend(parts.into_iter().flat_map(|(name, value)| {
            let name = (!name.is_empty()).then_some((name.to_owned(), palette.muted));
            name.into_iter().chain([(value, palette.text)])
        }));
        rows.push(row);
    }
    let time = reading.map_or(f64::INFINITY, |reading| reading.time);
    let (studies, others) = palette.lines();
    for (index, (compared, color)) in scene.compared.iter().zip(others).enumerate() {
        let value = Reading::compared(scene, frame, index, time);
        rows.push(vec![
            (compared.name.clone(), color),
            (value.unwrap_or_default(), palette.text),
        ]);
    }
    for (study, color) in scene.studies.iter().zip(studies) {
        let value = Reading::study(scene, frame, study, time);
        rows.push(vec![
            (study.study.name(), color),
            (value.unwrap_or_default(), palette.text),
        ]);
    }
    Some(rows)
}

type Row = Vec<(String, Rgb, i32)>;

/// Breaks a row into as many rows as fit into `room` pixels. Adds the width of each part.
fn wrapped<S: Surface>(
    brush: &Brush<'_, S>,
    parts: Vec<(String, Rgb)>,
    room: i32,
) -> Result<Vec<Row>, Failure<S>> {
    let padding = brush.frame.pixels(size::PADDING);
    let mut rows: Vec<Row> = Vec::new();
    let mut used = i32::MAX;
    for (text, color) in parts {
        let width = brush.width(&text)?;
        if used.saturating_add(width) > room {
            rows.push(Row::new());
            used = 0;
        }
        used += width + padding;
        if let Some(row) = rows.last_mut() {
            row.push((text, color, width));
        }
    }
    Ok(rows)
}
