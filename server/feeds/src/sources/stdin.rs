//! Events from the standard input: one event per line, in the form of [`POST
//! /publish`](../../../docs/reference/publishing.md), `{"event":"quote","data":{…}}`.
//!
//! They are parsed and checked like publications: nothing in them is trusted. An invalid line is counted and logged,
//! and the next one is read.

use std::io::{self, BufRead, BufReader, Read};

use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::options::{FeedOptions, Main},
    kit::recording::{ReadLine, next_line},
};
use publication::{Fault, Format, Refusal, Submission};

const NAME: &str = "Standard input";

/// The longest line, in bytes: as long as a whole publication may be by default.
const MAX_LINE: usize = 1 << 20;

/// How many lines are read ahead.
const AHEAD: usize = 64;

/// The options of the feed: none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {}

impl FeedOptions for Options {
    const NAME: &'static str = "stdin";
    const KEYS: &'static [&'static str] = &[];
    const MAIN: Main = Main::Nothing;
    const RECEIVES: bool = false;

    fn about(&self) -> About {
        About {
            does: "publishes what comes by the standard input, an event a line".to_owned(),
            symbols: Vec::new(),
            licence: Licence::Terms,
        }
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        Some((
            Self::NAME.to_owned(),
            "there is one standard input: expected it once",
        ))
    }
}

/// A feed of the lines on an input.
pub struct Stdin {
    input: Option<Box<dyn Read + Send>>,
}

impl Stdin {
    /// A feed of the standard input.
    pub fn new() -> Self {
        Self::of(io::stdin())
    }

    /// A feed of another input.
    pub fn of(input: impl Read + Send + 'static) -> Self {
        Stdin {
            input: Some(Box::new(input)),
        }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let Some(input) = self.input.take() else {
            return Ok(End::Finished);
        };
        let (sender, mut lines) = mpsc::channel(AHEAD);
        // It ends with the input, or at the next line once its lines are no longer taken.
        let reading = spawn_blocking(move || read(&mut BufReader::new(input), &sender));
        // The feed is connected, whether there are lines or not.
        publisher.live();
        while let Some((number, line)) = lines.recv().await {
            match line {
                Ok(line) => take(number, &line, publisher),
                Err(why) => publisher.wrong(&format_args!("line {number}: {why}")),
            }
        }
        match reading.await {
            Ok(Ok(())) => Ok(End::Finished),
            Ok(Err(error)) => Err(FeedError::Fatal(format!("the input breaks off: {error}"))),
            Err(error) => Err(FeedError::Fatal(format!(
                "reading the input failed: {error}"
            ))),
        }
    }
}

impl Default for Stdin {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Stdin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

impl Feed for Stdin {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

type Numbered = (u64, Result<Vec<u8>, String>);

fn read(input: &mut dyn BufRead, sender: &mpsc::Sender<Numbered>) -> io::Result<()> {
    for number in 1.. {
        let mut line = Vec::new();
        let line = match next_line(input, &mut line, MAX_LINE)? {
            ReadLine::End => return Ok(()),
            ReadLine::TooLong => Err(format!("longer than {MAX_LINE} bytes")),
            ReadLine::Read if line.trim_ascii().is_empty() => continue,
            ReadLine::Read => Ok(line),
        };
        if sender.blocking_send((number, line)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Publishes a line, or returns why not.
pub(crate) fn take(number: u64, line: &[u8], publisher: &Publisher) {
    let faults = match Submission::read(line, Format::Lines, publisher.now(), 1) {
        Ok(submission) => match publisher.submit(submission) {
            Ok(outcome) => {
                if outcome.count == 0 {
                    publisher.ignore();
                }
                return;
            }
            Err(faults) => faults,
        },
        Err(Refusal::Faults(faults)) => faults,
        Err(Refusal::NotJson(error)) => {
            publisher.wrong(&format_args!("line {number}: {error}"));
            return;
        }
        Err(Refusal::TooMany(events)) => {
            publisher.wrong(&format_args!(
                "line {number}: {events} events: expected one"
            ));
            return;
        }
    };
    let words: Vec<String> = faults.iter().map(words).collect();
    publisher.wrong(&format_args!("line {number}: {}", words.join("; ")));
}

fn words(fault: &Fault) -> String {
    match fault.pointer.as_str() {
        "" => fault.detail.clone(),
        pointer => format!("{pointer}: {}", fault.detail),
    }
}
