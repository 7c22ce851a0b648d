//! The clock, the time zone and random numbers of the browser.

use market::Millis;

/// The time by the browser's clock, in milliseconds since the Unix epoch.
pub(crate) fn now() -> Millis {
    #[cfg(target_arch = "wasm32")]
    return web_sys::js_sys::Date::now() as Millis;
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}

/// How many minutes the browser's time zone is east of UTC at a moment.
pub(crate) fn utc_offset_minutes(time: Millis) -> i32 {
    #[cfg(target_arch = "wasm32")]
    return -web_sys::js_sys::Date::new(&(time as f64).into()).get_timezone_offset() as i32;
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = time;
        0
    }
}

/// A random number, at least 0 and below 1.
#[cfg(target_arch = "wasm32")]
pub(crate) fn chance() -> f64 {
    web_sys::js_sys::Math::random()
}
