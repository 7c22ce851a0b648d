use std::time::Duration;

use tokio_tungstenite::tungstenite::{
    http::{Response, StatusCode, header},
    protocol::CloseFrame,
};

use super::{protocol::Protocol, text::words};
use crate::{
    FeedError, Publisher,
    kit::{fetch, retry_after},
};

/// How long to wait after "too many requests" without a `Retry-After`.
const TOO_MANY: Duration = Duration::from_secs(60);

/// The meaning of the end of a connection.
pub(super) fn closed(protocol: &dyn Protocol, frame: Option<CloseFrame>) -> FeedError {
    let Some(frame) = frame else {
        return FeedError::Transient("the source closed the connection".to_owned());
    };
    let code = u16::from(frame.code);
    let reason = words(&frame.reason);
    protocol.closed(code, &reason).unwrap_or_else(|| {
        let colon = if reason.is_empty() { "" } else { ": " };
        FeedError::Transient(format!(
            "the source closed the connection, code {code}{colon}{reason}"
        ))
    })
}

/// The meaning of a response that is no WebSocket.
pub(super) fn refused(
    response: &Response<Option<Vec<u8>>>,
    shown: &str,
    publisher: &Publisher,
) -> FeedError {
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let body = words(&String::from_utf8_lossy(body));
    let colon = if body.is_empty() { "" } else { ": " };
    let why = format!("{shown} answered {status}{colon}{body}");
    let later = retry_after::after(response.headers(), publisher.now());
    // A request that worked before may work again: servers also respond so while they are being replaced.
    let give_up = |why: String| match publisher.has_worked() && status != StatusCode::GONE {
        true => FeedError::Later {
            why,
            wait: later.unwrap_or_default().max(fetch::REFUSED),
        },
        false => FeedError::Fatal(why),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::IM_A_TEAPOT => FeedError::Later {
            why,
            wait: later.unwrap_or(TOO_MANY),
        },
        _ if status.is_redirection() => {
            // It is not followed: the next messages may contain a key, which is for one host only.
            let to = response.headers().get(header::LOCATION);
            let to = to.map_or_else(String::new, |to| {
                words(&String::from_utf8_lossy(to.as_bytes()))
            });
            let why = format!(
                "{shown} answered {status} and points to {to:?}: expected a WebSocket; if that is the source's new address, it is to be given as url"
            );
            match status {
                StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT => give_up(why),
                _ => FeedError::Transient(why),
            }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => give_up(format!(
            "{why}; the key, or what it is entitled to, is to be checked"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => FeedError::Transient(why),
        _ if status.is_client_error() => give_up(format!("{why}; the address is to be checked")),
        _ => match later {
            Some(wait) => FeedError::Later { why, wait },
            None => FeedError::Transient(why),
        },
    }
}
