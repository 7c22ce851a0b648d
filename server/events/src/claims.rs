//! Who may change a symbol or a story: a token may change neither those of feeds nor those of other tokens.

use std::sync::Arc;

use archive::{Ownership, Subject};
use market::{Event, Symbol};

use crate::{Owner, Topic, View, story};

/// The owner that an archive stores with an event. For stories only tokens are stored: all others belong to feeds.
pub fn ownership(event: &Event, owner: &Owner) -> Option<Ownership> {
    let name = match owner {
        Owner::Feed => None,
        Owner::Token(name) => Some(Arc::clone(name)),
        Owner::Unknown => return None,
    };
    let subject = match event {
        Event::Quote(quote) => Subject::Symbol(quote.symbol),
        Event::Session(session) => Subject::Symbol(session.symbol),
        Event::News(news) if name.is_some() => Subject::Story(news.id.clone()),
        Event::News(_) | Event::Bar(_) | Event::Snapshot(_) | Event::Heartbeat(_) => return None,
    };
    Some(Ownership {
        subject,
        owner: name,
    })
}

/// Why a token may not publish an event: the field with its subject, and the subject's owner.
pub fn refusal(view: &View<'_>, event: &Event, token: &str) -> Option<(&'static str, String)> {
    match event {
        Event::Quote(quote) => symbol_refusal(view, quote.symbol, token),
        Event::Session(session) => symbol_refusal(view, session.symbol, token),
        Event::Bar(bar) => symbol_refusal(view, bar.symbol, token),
        Event::News(news) => {
            let (_, entry) = story::newest(view, &news.id)?;
            let whose = whose(&entry.owner, token, source(&entry.event))?;
            Some(("id", format!("the story {:?} is {whose}", news.id)))
        }
        Event::Snapshot(_) | Event::Heartbeat(_) => None,
    }
}

fn symbol_refusal(view: &View<'_>, symbol: Symbol, token: &str) -> Option<(&'static str, String)> {
    let session = view.newest(&Topic::Session(symbol)).map(|(_, entry)| entry);
    let quote = view.newest(&Topic::Quote(symbol)).map(|(_, entry)| entry);
    let source = session.and_then(|entry| source(&entry.event));
    let entries = [session, quote].into_iter().flatten();
    let mut refusals = entries.filter_map(|entry| whose(&entry.owner, token, source));
    let whose = refusals.next()?;
    Some(("symbol", format!("{symbol} is {whose}")))
}

fn source(event: &Event) -> Option<&str> {
    match event {
        Event::Session(session) => Some(&session.source),
        Event::News(news) => Some(&news.source),
        Event::Quote(_) | Event::Bar(_) | Event::Snapshot(_) | Event::Heartbeat(_) => None,
    }
}

/// The owner of a subject that does not belong to the token.
fn whose(owner: &Owner, token: &str, source: Option<&str>) -> Option<String> {
    match (owner, source) {
        (Owner::Unknown, _) => None,
        (Owner::Token(name), _) if **name == *token => None,
        (Owner::Token(name), _) => Some(format!(
            "published with the token {name}: expected that token, and this is {token}"
        )),
        (Owner::Feed, Some(source)) => Some(format!(
            "published by the feed {source}: expected one that no feed publishes"
        )),
        (Owner::Feed, None) => {
            Some("published by a feed: expected one that no feed publishes".to_owned())
        }
    }
}
