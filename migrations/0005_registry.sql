-- What an account pays for, if it paid: it counts for all its registries.
CREATE TABLE registry_subscription (
  account_id INTEGER PRIMARY KEY REFERENCES account (id),
  tier       TEXT NOT NULL, -- starter, basic, professional
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a push that began before its registry was deleted must not land in another one.
CREATE TABLE registry (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER REFERENCES account (id), -- NULL: deleted, and what it had is being removed
  name       TEXT NOT NULL UNIQUE,            -- when deleted, one that no registry can have
  region     TEXT NOT NULL,
  settings   TEXT, -- a JSON object: retention, immutable tags, schedule, webhooks' places
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX registry_of_account ON registry (account_id, id);

-- There from the first upload on; a name may have slashes.
CREATE TABLE repository (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  registry_id INTEGER REFERENCES registry (id), -- NULL: deleted, and what it had is being removed
  name        TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  UNIQUE (registry_id, name)
) STRICT;
