//! Gestures of pointers and wheel: drag, pinch and scroll.

use super::handle::ChartHandle;

/// How far a pointer moves before a press becomes a drag, in CSS pixels.
const SLACK: f64 = 4.0;

/// The pointers that are down on the plot, at most two, and the times that were shown when the last one was pressed or
/// released.
#[derive(Debug, Default)]
pub(super) struct Gesture {
    pointers: Vec<Pointer>,
    times: (f64, f64),
    width: f64,
    drags: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pointer {
    id: i32,
    /// Its position when the shown times were recorded, in CSS pixels from the left. `x` is the current one.
    from: f64,
    x: f64,
}

impl Gesture {
    /// A pointer is pressed at `x` CSS pixels from the left.
    pub(super) fn press(&mut self, handle: ChartHandle, id: i32, x: f64) {
        self.pointers.retain(|pointer| pointer.id != id);
        if self.pointers.len() == 2 {
            return;
        }
        if self.pointers.is_empty() {
            self.drags = false;
        }
        self.pointers.push(Pointer { id, from: x, x });
        self.note(handle);
    }

    /// A pointer moves. Returns whether the plot scrolls with it.
    pub(super) fn drag(&mut self, handle: ChartHandle, id: i32, x: f64) -> bool {
        let Some(pointer) = self.pointers.iter_mut().find(|pointer| pointer.id == id) else {
            return false;
        };
        let later = x < pointer.x;
        pointer.x = x;
        if !self.drags && self.pointers.len() == 1 {
            if (x - self.pointers[0].from).abs() < SLACK {
                return false;
            }
            self.note(handle);
        }
        self.drags = true;
        if let Some(times) = self.moved() {
            handle.show(times, later);
        }
        true
    }

    /// A pointer is released. Returns whether it was a press without a drag.
    pub(super) fn release(&mut self, handle: ChartHandle, id: i32) -> bool {
        let before = self.pointers.len();
        self.pointers.retain(|pointer| pointer.id != id);
        let pressed = before == 1 && self.pointers.is_empty() && !self.drags;
        self.note(handle);
        pressed
    }

    /// Records the shown times and the positions of the pointers: later moves are relative to them.
    fn note(&mut self, handle: ChartHandle) {
        if let Some((times, width)) = handle.shown() {
            self.times = times;
            self.width = width;
        }
        for pointer in &mut self.pointers {
            pointer.from = pointer.x;
        }
    }

    /// The times that put each pointer at the time that it was at when it was recorded.
    fn moved(&self) -> Option<(f64, f64)> {
        let (from, to) = self.times;
        let scale = (to - from) / self.width;
        let time = |x: f64| from + x * scale;
        let start = |time: f64, x: f64, scale: f64| time - x * scale;
        match self.pointers[..] {
            [one] => {
                let from = start(time(one.from), one.x, scale);
                Some((from, from + self.width * scale))
            }
            [one, other] => {
                // Two fingers on one spot define no scale.
                let apart = other.x - one.x;
                if apart.abs() < SLACK {
                    return None;
                }
                let scale = (time(other.from) - time(one.from)) / apart;
                let from = start(time(one.from), one.x, scale);
                (scale > 0.0).then_some((from, from + self.width * scale))
            }
            _ => None,
        }
    }
}

/// The factor by which the wheel changes the length of the shown time, after a turn by `pixels`.
pub(super) fn wheel_factor(pixels: f64) -> f64 {
    (pixels * 0.0015).exp().clamp(0.25, 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Point;
    use crate::svg::tests::frame_of;
    use leptos::prelude::Owner;

    fn drawn(handle: ChartHandle) -> (f64, f64) {
        handle
            .model
            .update(|model| model.frame = frame_of(&model.scene));
        handle.shown().expect("it is drawn").0
    }

    fn with_handle(test: impl FnOnce(ChartHandle, (f64, f64), f64)) {
        Owner::new().with(|| {
            let handle = ChartHandle::new();
            handle.replace((0..1_000).map(|n| Point::new(f64::from(n) * 1_000.0, 1.0)));
            handle.show((300_000.0, 600_000.0), false);
            let times = drawn(handle);
            let width = handle.shown().expect("it is drawn").1;
            test(handle, times, width);
        });
    }

    #[test]
    fn one_finger_moves_what_is_shown() {
        with_handle(|handle, (from, to), width| {
            let mut gesture = Gesture::default();
            gesture.press(handle, 1, 100.0);
            assert!(!gesture.drag(handle, 1, 102.0), "a hand is not still");
            assert!(gesture.drag(handle, 1, 110.0));
            assert!(gesture.drag(handle, 1, 160.0));
            let (now, until) = drawn(handle);
            let expected = from - 50.0 * (to - from) / width;
            assert!((now - expected).abs() < 1.0, "{now} is not {expected}");
            assert!((until - now - (to - from)).abs() < 1e-6);
            assert!(!gesture.release(handle, 1));
        });
    }

    #[test]
    fn two_fingers_stretch_it_between_them() {
        with_handle(|handle, (from, to), width| {
            let mut gesture = Gesture::default();
            gesture.press(handle, 1, 0.0);
            gesture.press(handle, 2, width / 2.0);
            assert!(gesture.drag(handle, 2, width));
            let (now, until) = drawn(handle);
            assert!((now - from).abs() < 1.0);
            assert!((until - (from + to) / 2.0).abs() < 1.0);
            // One of them is lifted: the other goes on from here.
            gesture.release(handle, 1);
            gesture.drag(handle, 2, width / 2.0);
            assert!((drawn(handle).0 - (until + now) / 2.0).abs() < 1.0);
        });
    }

    #[test]
    fn what_does_not_move_is_a_press() {
        with_handle(|handle, times, _| {
            let mut gesture = Gesture::default();
            gesture.press(handle, 1, 10.0);
            gesture.drag(handle, 1, 11.0);
            assert!(gesture.release(handle, 1));
            assert_eq!(drawn(handle), times);
        });
    }
}
