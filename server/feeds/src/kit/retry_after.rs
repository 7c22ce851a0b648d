use std::time::{Duration, UNIX_EPOCH};

use market::Millis;
use tokio_tungstenite::tungstenite::http::{HeaderMap, header};

/// The longest wait that a source may request.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a response requests to wait, by its `Retry-After`: seconds, or a date ([RFC 9110, section
/// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)). At most a day, so that a faulty source is not lost
/// for ever.
pub(crate) fn after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // A number that does not even fit is long.
        value.parse().map_or(MAX_WAIT, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        let now = UNIX_EPOCH + Duration::from_millis(now);
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_and_dates_and_bounds_them() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:40:37 GMT", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(after(&headers, now), expected, "{value:?}");
        }
        assert_eq!(after(&HeaderMap::new(), now), None);
    }
}
