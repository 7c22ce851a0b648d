//! Stocks and news from Alpaca, after its [WebSocket stream](https://docs.alpaca.markets/docs/streaming-market-data):
//! [`Stocks`] and [`Stories`], each with a connection of its own, because an account has one per endpoint.
//!
//! Every message of the source is an array of objects whose `T` is their type. The dialogue is the same on all
//! endpoints: `connected`, the login within ten seconds, `authenticated`, the subscription, its confirmation. The
//! source has no heartbeat; the feed sends pings.

mod frames;
mod news;
mod stocks;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

pub use frames::{Message, parse};
pub use news::{Options as StoriesOptions, Stories};
pub use stocks::{Endpoint, Options, Stocks};

use crate::{
    FeedError, FrameError, Publisher, Timeouts,
    kit::{
        fields::Field,
        socket::{Fault, Outbox, Received, words},
    },
};
use crate::{Revealed, Secret};

/// How long to stay away when another connection has the only place.
const TAKEN: Duration = Duration::from_secs(30);

/// Its sources send nothing for hours at night.
fn timeouts() -> Timeouts {
    Timeouts {
        ping: Duration::from_secs(10),
        silence: Duration::from_secs(40),
        ..Timeouts::default()
    }
}

/// The place of an account's key.
fn key() -> Secret {
    Secret::Env("TICKERTAPE_ALPACA_KEY".to_owned())
}

/// The place of the secret that belongs to the key.
fn secret() -> Secret {
    Secret::Env("TICKERTAPE_ALPACA_SECRET".to_owned())
}

/// An account's key with its secret.
#[derive(Debug, Clone)]
struct Account {
    key: Revealed,
    secret: Revealed,
}

impl Account {
    fn read(key: &Secret, secret: &Secret, publisher: &Publisher) -> Result<Self, FeedError> {
        let read = |secret: &Secret| {
            publisher
                .reveal(secret)
                .map_err(|error| FeedError::Fatal(error.to_string()))
        };
        Ok(Account {
            key: read(key)?,
            secret: read(secret)?,
        })
    }

    /// An error without the credentials, which the source may have repeated.
    fn hidden(&self, error: FrameError) -> FrameError {
        error.hiding(&self.key).hiding(&self.secret)
    }

    /// The source's words without the credentials.
    fn hide(&self, text: &str) -> String {
        self.secret.hide(&self.key.hide(text))
    }
}

/// The dialogue at the beginning of a connection.
struct Dialogue<'a> {
    account: &'a Account,
    subscription: Value,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    LoggingIn,
    Subscribing,
    Open,
}

#[derive(Deserialize)]
struct Control<'a> {
    #[serde(borrow, default)]
    msg: Field<'a>,
    code: Option<u16>,
}

impl<'a> Dialogue<'a> {
    fn new(account: &'a Account, subscription: Value) -> Self {
        Dialogue {
            account,
            subscription,
            stage: Stage::Connecting,
        }
    }

    fn awaits(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Connecting => Some("a welcome"),
            Stage::LoggingIn => Some("an answer to the login"),
            Stage::Subscribing => Some("an answer to the subscription"),
            Stage::Open => None,
        }
    }

    /// Handles a text: messages of the dialogue here, all others by `take`, which returns whether it was one of a
    /// subscribed type.
    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
        mut take: impl FnMut(&str, &str) -> Result<bool, FrameError>,
    ) -> Result<Received, Fault> {
        let mut received = Received::Unknown;
        let mut wrong = None;
        let account = self.account;
        let hidden = |error: FrameError| account.hidden(error);
        for message in frames::split(text).map_err(hidden)? {
            let read = frames::kind(message).and_then(|kind| match &*kind {
                "success" | "error" | "subscription" => Ok(None),
                kind => take(kind, message.get()).map(Some),
            });
            match read {
                Ok(Some(true)) => received = Received::Data,
                Ok(Some(false)) => {}
                Ok(None) => match self.control(message, outbox) {
                    // The subscription is confirmed.
                    Ok(()) if self.stage == Stage::Open => received = Received::Data,
                    Ok(()) if received == Received::Unknown => received = Received::Handshake,
                    Ok(()) => {}
                    Err(Fault::Frame(error)) => wrong = Some(hidden(error)),
                    Err(fault) => return Err(fault),
                },
                Err(error) => {
                    // One of several is counted here, the last one by the caller.
                    if let Some(before) = wrong.replace(hidden(error)) {
                        publisher.wrong(&before);
                    }
                }
            }
        }
        match wrong {
            Some(error) if received == Received::Unknown => Err(Fault::Frame(error)),
            Some(error) => {
                publisher.wrong(&error);
                Ok(received)
            }
            None => Ok(received),
        }
    }

    fn control(&mut self, message: &RawValue, outbox: &mut Outbox) -> Result<(), Fault> {
        let kind = frames::kind(message)?;
        if kind == "subscription" {
            if self.stage == Stage::Subscribing {
                self.stage = Stage::Open;
            }
            return Ok(());
        }
        let control: Control<'_> = frames::read(message.get())?;
        let reported = control.msg.text().unwrap_or_default();
        if kind == "error" {
            return match failure(control.code, &words(&self.account.hide(&reported))) {
                Some(error) => Err(error.into()),
                None => Ok(()),
            };
        }
        match (&*reported, self.stage) {
            ("connected", Stage::Connecting) => {
                let login = json!({
                    "action": "auth",
                    "key": self.account.key.expose(),
                    "secret": self.account.secret.expose(),
                });
                outbox.text(login.to_string());
                self.stage = Stage::LoggingIn;
            }
            ("authenticated", Stage::Connecting | Stage::LoggingIn) => {
                outbox.text(self.subscription.to_string());
                self.stage = Stage::Subscribing;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The meaning of an error of the source, by its [code](https://docs.alpaca.markets/docs/streaming-market-data#errors);
/// `None` if it can be ignored.
fn failure(code: Option<u16>, words: &str) -> Option<FeedError> {
    let reported = match code {
        Some(code) => format!("the source reports {code}, {words:?}"),
        None => format!("the source reports {words:?}"),
    };
    let fatal = |what_to_do: &str| Some(FeedError::Fatal(format!("{reported}: {what_to_do}")));
    match code {
        Some(400) => fatal("the request is invalid; check the address"),
        Some(402) => fatal(
            "the key or the secret is wrong; make a new pair on the source's page and put both where the feed looks for them",
        ),
        // It has the same result as subscribing once.
        Some(403) => None,
        Some(405) => fatal(
            "these are more symbols than the account may subscribe to, 30 with a free one; take some out",
        ),
        Some(406) => Some(FeedError::Later {
            why: format!(
                "{reported}: an account has one connection to each endpoint, and another program holds it, or an earlier one of this server that the source has not closed yet"
            ),
            wait: TAKEN,
        }),
        Some(408) => fatal("the account is not enabled for this stream"),
        Some(409) => fatal(
            "the account is not subscribed to this data; a free one has feed=iex and feed=test",
        ),
        Some(410) => fatal("the endpoint has no such channel; check the address"),
        // Not logged in (401), too slow to log in (404), too slow to read (407), an internal error (500), or something
        // new.
        _ => Some(FeedError::Transient(reported)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_meaning_and_fatal_ones_have_what_to_do() {
        for (code, part) in [
            (400, "check the address"),
            (402, "key or the secret is wrong"),
            (405, "take some out"),
            (408, "not enabled"),
            (409, "feed=iex"),
            (410, "no such channel"),
        ] {
            let Some(FeedError::Fatal(why)) = failure(Some(code), "no") else {
                panic!("{code} is fatal");
            };
            assert!(
                why.contains(part) && why.contains(&code.to_string()),
                "{why}"
            );
        }
        for code in [401, 404, 407, 500, 599] {
            let error = failure(Some(code), "no");
            assert!(
                matches!(error, Some(FeedError::Transient(_))),
                "{code}: {error:?}"
            );
        }
        let error = failure(Some(406), "connection limit exceeded");
        assert!(
            matches!(error, Some(FeedError::Later { wait: TAKEN, .. })),
            "{error:?}"
        );
        assert_eq!(failure(Some(403), "already authenticated"), None);
        assert!(matches!(
            failure(None, "what"),
            Some(FeedError::Transient(_))
        ));
    }
}
