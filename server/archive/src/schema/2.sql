-- The checksum of a row's other columns (CRC-32, see `checksum.rs`); NULL in rows of schema version 1
-- that have not been checked yet.
ALTER TABLE meta ADD COLUMN crc INTEGER;
-- 1 while there may be rows without a checksum.
ALTER TABLE meta ADD COLUMN unsummed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE symbols ADD COLUMN crc INTEGER;
ALTER TABLE feeds ADD COLUMN crc INTEGER;
ALTER TABLE events ADD COLUMN crc INTEGER;
ALTER TABLE sessions ADD COLUMN crc INTEGER;
ALTER TABLE quotes ADD COLUMN crc INTEGER;
ALTER TABLE trades ADD COLUMN crc INTEGER;
ALTER TABLE bars ADD COLUMN crc INTEGER;
ALTER TABLE splits ADD COLUMN crc INTEGER;
ALTER TABLE dividends ADD COLUMN crc INTEGER;

-- Rows that cannot be read, and events and trades that could not be written.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    -- When it was moved here, in milliseconds.
    found INTEGER NOT NULL,
    -- The table that it belongs to; `event` or `trade` where it was never in one.
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- The row as a JSON object of its columns. Text that is not UTF-8 is {"text": hex}, a blob
    -- {"blob": hex}.
    cells TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX quarantine_row ON quarantine (source, cells);
