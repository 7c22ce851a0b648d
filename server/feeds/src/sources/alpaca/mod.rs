//! Stocks and news from Alpaca, after its
//! [WebSocket stream](https://docs.alpaca.markets/docs/streaming-market-data): [`Stocks`] and
//! [`Stories`], each with a connection of its own, because an account has one an endpoint.
//!
//! Every message of the source is an array of objects that say by `T` what they are. The dialogue
//! is the same on all endpoints: `connected`, the login within ten seconds, `authenticated`, the
//! subscription, its confirmation. The source has no heartbeat; it is asked for one by pings.

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
        socket::{Fault, Heard, Outbox, words},
    },
};
use crate::{Revealed, Secret};

/// How long to stay away when another connection holds the only place.
const TAKEN: Duration = Duration::from_secs(30);

/// Its sources send nothing for hours at night.
fn timeouts() -> Timeouts {
    Timeouts {
        ping: Duration::from_secs(10),
        silence: Duration::from_secs(40),
        ..Timeouts::default()
    }
}

/// Where the key of an account is to be found.
fn key() -> Secret {
    Secret::Env("TICKERTAPE_ALPACA_KEY".to_owned())
}

/// Where the secret that belongs to the key is to be found.
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

    /// An error, should the source have repeated what it was told.
    fn hidden(&self, error: FrameError) -> FrameError {
        error.hiding(&self.key).hiding(&self.secret)
    }

    /// The source's words, should it repeat what it was told.
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

    /// Takes a text: what belongs to the dialogue is done here, everything else is given to `take`,
    /// which answers whether it was something that we listen to.
    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
        mut take: impl FnMut(&str, &str) -> Result<bool, FrameError>,
    ) -> Result<Heard, Fault> {
        let mut heard = Heard::Unknown;
        let mut wrong = None;
        let account = self.account;
        let hidden = |error: FrameError| account.hidden(error);
        for message in frames::split(text).map_err(hidden)? {
            let read = frames::kind(message).and_then(|kind| match &*kind {
                "success" | "error" | "subscription" => Ok(None),
                kind => take(kind, message.get()).map(Some),
            });
            match read {
                Ok(Some(true)) => heard = Heard::Data,
                Ok(Some(false)) => {}
                Ok(None) => match self.control(message, outbox) {
                    // The subscription stands.
                    Ok(()) if self.stage == Stage::Open => heard = Heard::Data,
                    Ok(()) if heard == Heard::Unknown => heard = Heard::Handshake,
                    Ok(()) => {}
                    Err(Fault::Frame(error)) => wrong = Some(hidden(error)),
                    Err(fault) => return Err(fault),
                },
                Err(error) => {
                    // One of several is counted here, the last one by whoever holds the connection.
                    if let Some(before) = wrong.replace(hidden(error)) {
                        publisher.wrong(&before);
                    }
                }
            }
        }
        match wrong {
            Some(error) if heard == Heard::Unknown => Err(Fault::Frame(error)),
            Some(error) => {
                publisher.wrong(&error);
                Ok(heard)
            }
            None => Ok(heard),
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
        let said = control.msg.text().unwrap_or_default();
        if kind == "error" {
            return match failure(control.code, &words(&self.account.hide(&said))) {
                Some(error) => Err(error.into()),
                None => Ok(()),
            };
        }
        match (&*said, self.stage) {
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

/// What an error of the source means, by its
/// [code](https://docs.alpaca.markets/docs/streaming-market-data#errors); `None` where it means
/// nothing.
fn failure(code: Option<u16>, words: &str) -> Option<FeedError> {
    let said = match code {
        Some(code) => format!("the source says {code}, {words:?}"),
        None => format!("the source says {words:?}"),
    };
    let fatal = |what_to_do: &str| Some(FeedError::Fatal(format!("{said}: {what_to_do}")));
    match code {
        Some(400) => fatal("it does not understand what it is asked; check the address"),
        Some(402) => fatal(
            "the key or the secret is wrong; make a new pair on the source's page and put both where the feed looks for them",
        ),
        // It is as if it had been said once.
        Some(403) => None,
        Some(405) => fatal(
            "these are more symbols than the account may listen to, 30 with a free one; take some out",
        ),
        Some(406) => Some(FeedError::Later {
            why: format!(
                "{said}: an account has one connection to each endpoint, and another program holds it, or one of ours that the source has not missed yet"
            ),
            wait: TAKEN,
        }),
        Some(408) => fatal("the account is not enabled for this stream"),
        Some(409) => fatal(
            "the account is not subscribed to this data; a free one has feed=iex and feed=test",
        ),
        Some(410) => fatal("the endpoint has no such channel; check the address"),
        // Not logged in (401), too slow to log in (404), too slow to read (407), its own fault
        // (500), or something new.
        _ => Some(FeedError::Transient(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_meaning_and_fatal_ones_say_what_to_do() {
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
