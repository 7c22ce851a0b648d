//! The cost of a source that breaks off repeatedly. A process of its own, whose memory is measured.

mod support;

use std::time::Duration;

use feeds::{Timeouts, sources::binance::Binance};
use market::FeedState;
use support::socket_server::{SocketServer, Stage};

const NOW: u64 = 1_723_161_255_400;

fn trade(price: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":1,"p":"{price}","q":"0.02000000","T":1723161255342,"m":true,"M":true}}}}"#
    )
}

/// How much memory this process has in use, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[tokio::test]
async fn a_thousand_reconnects_leave_nothing_behind() {
    let timeouts = Timeouts {
        connections: (usize::MAX, Duration::ZERO),
        ..Timeouts::default()
    };
    let server = SocketServer::bind().await;
    let url = server.url("/stream").parse().unwrap();
    let feed = Binance::new(vec!["BTCUSDT".parse().unwrap()], url).with_timeouts(timeouts);
    let stage = Stage::at(NOW, vec![Box::new(feed)]);
    let mut before = 0;
    for round in 0..1_000 {
        if round == 100 {
            before = resident();
        }
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        dialogue.text("{").await;
        match round % 3 {
            0 => dialogue.cut(),
            1 => dialogue.close(1011, "once more").await,
            _ => {
                dialogue.raw(&[0xff; 64]).await;
                dialogue.gone().await;
            }
        }
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more after 900 reconnects");
    let mut dialogue = server.accept().await;
    dialogue.text(trade("3.0").replace(":1,", ":3,")).await;
    dialogue.settled().await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}
