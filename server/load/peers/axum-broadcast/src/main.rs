//! The usual tutorial: axum's `Sse` over a tokio broadcast channel. `axum-broadcast PORT` listens on 127.0.0.1; `POST
//! /publish` sends its body as one event to every client of `GET /subscribe`.

use std::{convert::Infallible, env};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, future};
use tokio::{net::TcpListener, sync::broadcast};
use tokio_stream::wrappers::BroadcastStream;

/// How many events wait for the slowest subscriber before it loses some.
const WAITING: usize = 1024;

type Events = broadcast::Sender<String>;

#[tokio::main]
async fn main() {
    let port = env::args().nth(1).expect("axum-broadcast PORT");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .expect("a free port");
    let (events, _) = broadcast::channel(WAITING);
    let router = Router::new()
        .route("/subscribe", get(subscribe))
        .route("/publish", post(publish))
        .with_state(events);
    axum::serve(listener, router).await.expect("a working listener");
}

async fn subscribe(
    State(events): State<Events>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(events.subscribe())
        .filter_map(|text| future::ready(text.ok()))
        .map(|text| Ok(Event::default().data(text)));
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn publish(State(events): State<Events>, text: String) -> StatusCode {
    // An error means that there is no subscriber, which is no fault of the publisher's.
    let _ = events.send(text);
    StatusCode::NO_CONTENT
}
