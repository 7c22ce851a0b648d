use market::{Event, Millis};
use tape::EventId;

use crate::{
    Failure, Refill,
    coding::{Ids, time},
    names::symbols,
    read,
    store::Store,
    table::Table,
};

/// The content for a tape that begins now: see [`crate::Opened::refill`].
pub(crate) fn refill(
    connection: &Store,
    ids: Ids,
    refill: &Refill,
    now: Millis,
) -> Result<Vec<(EventId, Event)>, Failure> {
    let mut events = Vec::new();
    let oldest = ids.at_least(EventId {
        ms: now.saturating_sub(refill.age_ms),
        n: 0,
    });
    let mut bytes = 0;
    let mut statement = connection.prepare(&format!(
        "SELECT {} FROM events WHERE id >= ?1 ORDER BY id DESC",
        Table::Events.shape().select
    ))?;
    let mut rows = connection.rows(Table::Events, &mut statement, [oldest], read::event)?;
    while events.len() < refill.entries
        && let Some(kept) = rows.next()?
    {
        bytes += kept.bytes;
        if bytes > refill.bytes {
            break;
        }
        events.push((kept.id, kept.event));
    }
    drop(rows);
    let mut session = connection.prepare(&format!(
        "SELECT {} FROM sessions WHERE symbol = ?1 ORDER BY id DESC",
        Table::Sessions.shape().select
    ))?;
    let mut newest = connection.prepare(&format!(
        "SELECT {} FROM quotes WHERE symbol = ?1 AND time <= ?2 ORDER BY time DESC, id DESC",
        Table::Quotes.shape().select
    ))?;
    // A trade that moves the last price and was not cancelled.
    let mut traded = connection.prepare(&format!(
        "SELECT {} FROM trades WHERE symbol = ?1 AND time <= ?2 AND marks & 9 = 1 ORDER BY time DESC",
        Table::Trades.shape().select
    ))?;
    // A quote from while the clock was ahead is the newest only if there is no other.
    let latest = time(now.saturating_add(clock::MAX_AHEAD));
    for (symbol, name) in symbols(connection)? {
        events.extend(connection.first(Table::Sessions, &mut session, [symbol], read::session)?);
        let mut newest_until =
            |until: i64| connection.first(Table::Quotes, &mut newest, [symbol, until], read::quote);
        let quoted = match newest_until(latest)? {
            None => newest_until(i64::MAX)?,
            sane => sane,
        };
        if let Some(quoted) = quoted {
            let (id, mut quote) = (quoted.id, quoted.of(name));
            let until = time(quote.time);
            let last =
                connection.first(Table::Trades, &mut traded, [symbol, until], read::trade)?;
            quote.traded = last.map(|last| last.time);
            events.push((id, Event::Quote(quote)));
        }
    }
    events.sort_by_key(|(id, _)| *id);
    Ok(events
        .into_iter()
        .map(|(id, event)| (ids.unpack(id), event))
        .collect())
}
