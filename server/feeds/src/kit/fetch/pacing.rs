use std::time::{Duration, SystemTime, UNIX_EPOCH};

use market::Millis;
use reqwest::{
    Response, StatusCode,
    header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap},
};

use super::error::{FetchError, REFUSED};
use crate::kit::retry_after;

/// The longest time between polls that a source may request, so that one wrong header does not stop them for a year.
const LONGEST_FRESH: Duration = Duration::from_secs(60 * 60);

/// How long to wait after "too many requests" without a `Retry-After`.
const TOO_OFTEN: Duration = Duration::from_secs(60);

/// How long to wait after a response: as long as the feed's interval, or as the source requests, plus a random part, so
/// that clients of the same source do not poll in step.
pub fn pause(interval: Duration, fresh: Option<Duration>) -> Duration {
    let fresh = fresh.unwrap_or_default().min(LONGEST_FRESH);
    interval.max(fresh).mul_f64(1.0 + fastrand::f64() / 20.0)
}

/// The meaning of an unsuccessful response.
pub(super) fn refused(place: &str, response: &Response, has_answered: bool) -> FetchError {
    let status = response.status();
    let wait = retry_after::after(response.headers(), clock(response.headers()));
    let what_to_do = match status {
        StatusCode::UNAUTHORIZED => ": the key is missing or wrong",
        StatusCode::FORBIDDEN => ": this client or its key may not read it",
        StatusCode::NOT_FOUND => ": nothing is there; check the address",
        StatusCode::GONE => ": it is gone for good; take it out of the configuration",
        StatusCode::TOO_MANY_REQUESTS => ": it is polled too often",
        status if status.is_redirection() => ": it redirects to nowhere",
        status if status.is_client_error() => ": it does not take the request; check the address",
        _ => "",
    };
    // A request that worked before may work again: servers also respond so while they are being replaced.
    let passes =
        matches!(status.as_u16(), 408 | 421 | 423 | 425 | 429) || !status.is_client_error();
    let is_fatal = status == StatusCode::GONE || !passes && !has_answered;
    let least = match status {
        StatusCode::TOO_MANY_REQUESTS => Some(TOO_OFTEN).filter(|_| wait.is_none()),
        _ if passes || is_fatal => None,
        _ => Some(REFUSED),
    };
    FetchError {
        status: Some(status),
        why: format!("{place} answers {status}{what_to_do}"),
        wait: wait.max(least),
        is_fatal,
    }
}

/// How long a response is fresh.
pub(crate) fn fresh(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let control = text(CACHE_CONTROL).unwrap_or_default();
    let mut age = None;
    for directive in control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => return None,
            "max-age" => age = value.trim().trim_matches('"').parse().ok(),
            _ => {}
        }
    }
    if let Some(age) = age {
        let spent = text(AGE).and_then(|age| age.trim().parse().ok());
        let left = u64::saturating_sub(age, spent.unwrap_or(0));
        return Some(Duration::from_secs(left)).filter(|left| !left.is_zero());
    }
    // By the source's own clock, which may be a day off the server's.
    let expires = httpdate::parse_http_date(text(EXPIRES)?).ok()?;
    let date = httpdate::parse_http_date(text(DATE)?).ok()?;
    expires.duration_since(date).ok()
}

/// The time by the source's own clock, which may be a day off the server's; by the server's if it gives none.
fn clock(headers: &HeaderMap) -> Millis {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now)
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        lines.collect()
    }

    const NOW: &str = "Sat, 21 Nov 2026 06:00:00 GMT";
    const LATER: &str = "Sat, 21 Nov 2026 06:02:00 GMT";

    #[test]
    fn an_answer_is_fresh_for_a_while() {
        let seconds = Duration::from_secs;
        for (lines, expected) in [
            (&[][..], None),
            (&[("cache-control", "max-age=60")], Some(seconds(60))),
            (
                &[("cache-control", "public, Max-Age=\"60\""), ("age", "45")],
                Some(seconds(15)),
            ),
            (&[("cache-control", "max-age=60"), ("age", "61")], None),
            (&[("cache-control", "no-cache, max-age=60")], None),
            (&[("cache-control", "max-age=x")], None),
            (&[("cache-control", "max-age=-1")], None),
            (&[("expires", LATER), ("date", NOW)], Some(seconds(120))),
            (&[("expires", NOW), ("date", LATER)], None),
            (&[("expires", LATER)], None),
            (&[("expires", "0"), ("date", NOW)], None),
            (
                &[
                    ("cache-control", "max-age=5"),
                    ("expires", LATER),
                    ("date", NOW),
                ],
                Some(seconds(5)),
            ),
        ] {
            assert_eq!(fresh(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_source_can_only_request_slower_polling_and_within_limits() {
        let second = Duration::from_secs(1);
        let within = |pause: Duration, from: Duration| {
            assert!(pause >= from && pause <= from.mul_f64(1.06), "{pause:?}");
        };
        within(pause(5 * second, None), 5 * second);
        within(pause(5 * second, Some(second)), 5 * second);
        within(pause(5 * second, Some(9 * second)), 9 * second);
        within(pause(5 * second, Some(99_999 * second)), LONGEST_FRESH);
    }
}
