use leptos::{ev, html, prelude::*};
use market::Symbol;

use crate::{
    lean::signal::StoredValue,
    watchlist::{own_list::OwnList, row::symbol_at},
};

/// How far the pointer moves before a press becomes a drag, in CSS pixels.
const SLACK: i32 = 6;

/// A row that is being dragged.
#[derive(Debug, Clone, Copy)]
struct Held {
    symbol: Symbol,
    /// Where the pointer was pressed, in CSS pixels.
    taken: (i32, i32),
    /// The index of the row before the drag.
    from: usize,
    /// Whether the pointer has moved far enough.
    moves: bool,
}

/// Drags rows of the watchlist with the pointer. Touch scrolls instead, and has buttons to move rows.
#[derive(Clone, Copy)]
pub(crate) struct Drag {
    own_list: OwnList,
    held: StoredValue<Option<Held>>,
    /// Whether the next click ends a drag.
    ended: StoredValue<bool>,
}

impl Drag {
    /// A drag of rows of this list.
    pub(crate) fn new(own_list: OwnList) -> Self {
        Drag {
            own_list,
            held: StoredValue::new(None),
            ended: StoredValue::new(false),
        }
    }

    /// The pointer was pressed.
    pub(crate) fn begin(self, event: &ev::PointerEvent) {
        self.ended.set_value(false);
        let symbol = symbol_at(event.target()).filter(|_| {
            let is_plain = !(event.ctrl_key() || event.meta_key() || event.shift_key());
            event.button() == 0 && is_plain && event.pointer_type() != "touch"
        });
        self.held.set_value(symbol.and_then(|symbol| {
            Some(Held {
                symbol,
                taken: (event.client_x(), event.client_y()),
                from: self.own_list.position(symbol)?,
                moves: false,
            })
        }));
    }

    /// The pointer moved.
    pub(crate) fn go_on(self, event: &ev::PointerEvent, list: NodeRef<html::Ul>) {
        let Some(mut held) = self.held.get_value() else {
            return;
        };
        // The pointer was released outside of the page.
        if event.buttons() & 1 == 0 {
            return self.end(true);
        }
        let (x, y) = (event.client_x(), event.client_y());
        if !held.moves {
            if (x - held.taken.0).abs().max((y - held.taken.1).abs()) < SLACK {
                return;
            }
            held.moves = true;
            self.held.set_value(Some(held));
            // The list captures the pointer, because rows change their places.
            if let Some(list) = list.get_untracked() {
                let _ = list.set_pointer_capture(event.pointer_id());
            }
        }
        let under = document().element_from_point(x as f32, y as f32);
        let over = symbol_at(under.map(Into::into));
        if let Some(to) = over.and_then(|symbol| self.own_list.position(symbol)) {
            self.own_list.shift(held.symbol, to);
        }
    }

    /// Ends the drag. With `stays` the row keeps its new place, otherwise it returns to its old one.
    pub(crate) fn end(self, stays: bool) {
        let held = self.held.try_update_value(Option::take).flatten();
        if let Some(held) = held.filter(|held| held.moves) {
            if stays {
                self.ended.set_value(true);
                self.own_list.settle(held.symbol);
            } else {
                self.own_list.shift(held.symbol, held.from);
            }
        }
    }

    /// Whether a click ends a drag, and so must not open a symbol.
    pub(crate) fn has_just_ended(self) -> bool {
        self.ended
            .try_update_value(std::mem::take)
            .unwrap_or_default()
    }
}
