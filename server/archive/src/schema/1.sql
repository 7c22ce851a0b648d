-- One row: what the tape and the archive go on from.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- The tape's mark, which all ids bear.
    mark INTEGER NOT NULL,
    -- All ids that were given have less milliseconds than this.
    reserved INTEGER NOT NULL,
    -- The order of arrival of the next trade.
    sequence INTEGER NOT NULL
) STRICT;

INSERT INTO meta VALUES (1, abs(random() % 9999) + 1, 0, 1);

CREATE TABLE symbols (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- The IANA name of the zone in which its days begin; NULL is UTC.
    zone TEXT
) STRICT;

-- Who tells trades: a number is one trade of one feed.
CREATE TABLE feeds (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What the tape keeps, as it was encoded, by packed ids.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

-- The stories among the events.
CREATE TABLE news (
    id INTEGER PRIMARY KEY,
    story TEXT NOT NULL,
    type TEXT NOT NULL,
    -- Whether no later version of the story has come.
    newest INTEGER NOT NULL
) STRICT;

CREATE INDEX news_story ON news (story) WHERE newest;

CREATE TABLE news_symbols (
    symbol INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (symbol, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX news_symbols_id ON news_symbols (id);

-- The words of the newest versions.
CREATE VIRTUAL TABLE news_words USING fts5 (headline, summary, content = '', contentless_delete = 1);

CREATE TABLE sessions (
    symbol INTEGER NOT NULL,
    id INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (symbol, id)
) STRICT, WITHOUT ROWID;

-- Decimals are `mantissa * 32 + scale`, or text where that is more than 64 bits.
CREATE TABLE quotes (
    symbol INTEGER NOT NULL,
    time INTEGER NOT NULL,
    id INTEGER NOT NULL,
    price ANY,
    size ANY,
    bid ANY,
    bid_size ANY,
    ask ANY,
    ask_size ANY,
    volume ANY,
    high ANY,
    low ANY,
    PRIMARY KEY (symbol, time, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
    symbol INTEGER NOT NULL,
    time INTEGER NOT NULL,
    -- The order of arrival.
    sequence INTEGER NOT NULL,
    price ANY NOT NULL,
    size ANY,
    -- The source's number.
    source INTEGER,
    -- 1 last, 2 high and low, 4 volume, 8 cancelled.
    marks INTEGER NOT NULL,
    -- Who told it; NULL where that is not known, as of an import.
    feed INTEGER,
    PRIMARY KEY (symbol, time, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX trades_source ON trades (symbol, source) WHERE source IS NOT NULL;

CREATE TABLE bars (
    -- 0 a second, 1 a minute, 2 five, 3 fifteen, 4 an hour, 5 a day.
    level INTEGER NOT NULL,
    symbol INTEGER NOT NULL,
    start INTEGER NOT NULL,
    open ANY,
    high ANY,
    low ANY,
    close ANY,
    -- Whether open and close are of trades that move the last price.
    firm INTEGER NOT NULL,
    volume ANY NOT NULL,
    -- The sum of price times size; NULL where it is not known.
    turnover ANY,
    trades INTEGER NOT NULL,
    -- 0 of what is below, 1 told by the tape, 2 imported, 3 of what was below and is no longer kept.
    made INTEGER NOT NULL,
    PRIMARY KEY (level, symbol, start)
) STRICT, WITHOUT ROWID;

-- The bars that are to be made again of what is below them.
CREATE TABLE pending (
    symbol INTEGER NOT NULL,
    start INTEGER NOT NULL,
    level INTEGER NOT NULL,
    PRIMARY KEY (level, symbol, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE splits (
    symbol INTEGER NOT NULL,
    -- The first millisecond of the first day that is traded at the new number.
    time INTEGER NOT NULL,
    -- How many shares there are for each one before.
    ratio ANY NOT NULL,
    PRIMARY KEY (symbol, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE dividends (
    symbol INTEGER NOT NULL,
    -- The first millisecond of the first day that is traded without it.
    time INTEGER NOT NULL,
    amount ANY NOT NULL,
    PRIMARY KEY (symbol, time)
) STRICT, WITHOUT ROWID;
