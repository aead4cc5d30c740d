-- Times are milliseconds since the epoch.

CREATE TABLE account (
  id         INTEGER PRIMARY KEY,
  uuid       TEXT NOT NULL UNIQUE,
  email      TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
  number       INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  account_id   INTEGER NOT NULL REFERENCES account (id),
  hash         BLOB NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  scopes       TEXT NOT NULL, -- a JSON array
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX token_of_account ON token (account_id, number);

-- AUTOINCREMENT: an upload that began before its Space was deleted must not land in another one.
CREATE TABLE space (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id         INTEGER NOT NULL REFERENCES account (id),
  name               TEXT NOT NULL,
  region             TEXT NOT NULL,
  upstream           TEXT,
  sealed_credentials BLOB,
  created_at         INTEGER NOT NULL,
  UNIQUE (name, region)
) STRICT;
CREATE INDEX space_of_account ON space (account_id, id);

CREATE TABLE object (
  space_id            INTEGER NOT NULL REFERENCES space (id),
  key                 TEXT NOT NULL,
  file                TEXT NOT NULL UNIQUE,
  size_bytes          INTEGER NOT NULL,
  etag                TEXT NOT NULL,
  content_type        TEXT NOT NULL,
  cache_control       TEXT,
  content_encoding    TEXT,
  content_disposition TEXT,
  metadata            TEXT NOT NULL, -- a JSON object
  last_modified       INTEGER NOT NULL,
  PRIMARY KEY (space_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
  number         INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  account_id     INTEGER NOT NULL REFERENCES account (id),
  space_id       INTEGER NOT NULL UNIQUE REFERENCES space (id),
  domain         TEXT NOT NULL,
  ttl            INTEGER NOT NULL,
  custom_domain  TEXT UNIQUE,
  certificate_id TEXT,
  created_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoint_of_account ON endpoint (account_id, number);

-- What the edges are told, in order. AUTOINCREMENT: a number is never given twice.
CREATE TABLE feed (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  at          INTEGER NOT NULL
) STRICT;

-- The latest purge of each pattern: what a stored response is checked against.
CREATE TABLE purge (
  endpoint_id TEXT NOT NULL,
  pattern     TEXT NOT NULL,
  number      INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, pattern)
) STRICT, WITHOUT ROWID;
CREATE INDEX purge_by_number ON purge (endpoint_id, number);
