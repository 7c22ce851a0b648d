-- Who publishes a symbol or a story: the name of a token, or nothing for the feeds.
CREATE TABLE IF NOT EXISTS owners (
    -- "symbol GOOG", or "story " and its id.
    subject TEXT PRIMARY KEY,
    owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
