-- A certificate as the edges serve it, whoever has issued it. Its key is sealed, bound to its id.
CREATE TABLE certificate (
  number     INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  own_name   TEXT UNIQUE,   -- of a name of the platform's own: that name
  names      TEXT NOT NULL, -- a JSON array
  chain      TEXT NOT NULL, -- PEM
  sealed_key BLOB NOT NULL,
  not_after  INTEGER NOT NULL
) STRICT;

-- Certificates are told of too.
ALTER TABLE feed RENAME COLUMN endpoint_id TO subject_id;
