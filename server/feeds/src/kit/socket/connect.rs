use std::fmt;

use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        http::{HeaderValue, Uri, header},
        protocol::WebSocketConfig,
    },
};

use super::{
    bounded::{Bounded, MAX_MESSAGE_BYTES, Unfinished},
    refusal::refused,
    timeouts::Timeouts,
};
use crate::{FeedError, Publisher, provide_tls};

/// The most bytes that wait to be sent. Otherwise a source that sends pings and reads nothing would fill the memory
/// with the answers. A subscription to thousands of symbols fits into it.
const MAX_UNSENT_BYTES: usize = 1 << 20;

/// The configuration of a connection: everything in it is bounded.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_UNSENT_BYTES)
}

pub(super) type Socket = WebSocketStream<MaybeTlsStream<Bounded<TcpStream>>>;

/// Connects. Returns the connection with the count of the bytes of the incomplete message.
pub(super) async fn connect(
    address: Uri,
    timeouts: Timeouts,
    shown: &str,
    publisher: &Publisher,
) -> Result<(Socket, Unfinished), FeedError> {
    provide_tls();
    let no_connection = |why: &dyn fmt::Display| {
        FeedError::transient(&format_args!("no connection to {shown}: {why}"))
    };
    let fatal =
        |why: &dyn fmt::Display| FeedError::Fatal(format!("no connection to {shown}: {why}"));
    let host = address.host().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = address.port_u16().unwrap_or(match address.scheme_str() {
        Some("wss") => 443,
        _ => 80,
    });
    let mut request = address
        .into_client_request()
        .map_err(|error| fatal(&error))?;
    let agent = concat!("tickertape/", env!("CARGO_PKG_VERSION"));
    let agent = HeaderValue::from_static(agent);
    request.headers_mut().insert(header::USER_AGENT, agent);
    let unfinished = Unfinished::default();
    let connecting = async {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let stream = Bounded::new(stream, unfinished.clone());
        client_async_tls_with_config(request, stream, Some(config()), None).await
    };
    match timeout(timeouts.connect, connecting).await {
        Ok(Ok((socket, _))) => Ok((socket, unfinished)),
        Ok(Err(tungstenite::Error::Http(response))) => Err(refused(&response, shown, publisher)),
        Ok(Err(error)) => Err(no_connection(&error)),
        Err(_) => {
            let why = format_args!("it does not stand within {:?}", timeouts.connect);
            Err(no_connection(&why))
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, SinkExt, StreamExt};
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::tungstenite::{Message, protocol::Role};

    use super::*;

    /// The answers to its pings would fill the memory.
    #[tokio::test]
    async fn what_a_source_does_not_read_is_bounded() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let mut socket = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        // A ping of 125 bytes, as long as one may be; its answer has six more, for the mask.
        let ping = [&[0x89, 125][..], &[b'x'; 125]].concat();
        for _ in 0..(2 * MAX_UNSENT_BYTES / 125) {
            theirs.write_all(&ping).await.unwrap();
            assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        }
        let sent = socket.send(Message::text("x".repeat(125))).now_or_never();
        assert!(
            matches!(sent, Some(Err(tungstenite::Error::WriteBufferFull(_)))),
            "{sent:?}"
        );
    }
}
