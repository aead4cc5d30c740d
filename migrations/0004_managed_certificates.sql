-- A certificate of an account: one id for all its life, however often it is renewed. What the edges
-- serve of it is in `certificate`, under the same id, while an endpoint's custom domain needs it.
CREATE TABLE account_certificate (
  number        INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  account_id    INTEGER REFERENCES account (id), -- NULL: the platform's own
  name          TEXT NOT NULL,
  custom_domain TEXT UNIQUE,   -- obtained for an endpoint that asked for one, or the platform's name
  type          TEXT NOT NULL, -- custom, lets_encrypt
  dns_names     TEXT NOT NULL, -- a JSON array
  state         TEXT NOT NULL, -- pending, verified, error
  created_at    INTEGER NOT NULL,
  -- Of what was issued last; NULL until then.
  issuer        TEXT,          -- local, or the directory's URL; NULL for a custom one
  not_before    INTEGER,
  not_after     INTEGER,
  sha1          TEXT,
  chain         TEXT,          -- PEM
  sealed_key    BLOB           -- bound to its id
) STRICT;
CREATE UNIQUE INDEX account_certificate_by_name ON account_certificate (account_id, name)
  WHERE custom_domain IS NULL;
CREATE INDEX account_certificate_of_account ON account_certificate (account_id, number)
  WHERE custom_domain IS NULL;

CREATE INDEX endpoint_by_certificate ON endpoint (certificate_id) WHERE certificate_id IS NOT NULL;

-- How far a managed certificate is, and when it is looked at next.
CREATE TABLE certificate_job (
  certificate_id TEXT PRIMARY KEY REFERENCES account_certificate (id),
  due_at         INTEGER,          -- NULL: not before somebody asks
  failures       INTEGER NOT NULL, -- in a row
  failing_since  INTEGER,
  rotation       INTEGER NOT NULL, -- challenges that have failed: the next one is of another type
  issuer         TEXT,             -- the directory of the order that is open
  order_url      TEXT,
  sealed_key     BLOB,             -- of the next certificate: kept before the CA is sent its CSR
  renewal        TEXT              -- what the CA suggests: a JSON object
) STRICT;
CREATE INDEX certificate_job_by_due ON certificate_job (due_at) WHERE due_at IS NOT NULL;

-- A certificate's story: the latest of it.
CREATE TABLE certificate_event (
  number         INTEGER PRIMARY KEY,
  certificate_id TEXT NOT NULL REFERENCES account_certificate (id),
  kind           TEXT NOT NULL,
  message        TEXT NOT NULL,
  at             INTEGER NOT NULL
) STRICT;
CREATE INDEX certificate_event_of ON certificate_event (certificate_id, number);

CREATE TABLE acme_account (
  directory  TEXT PRIMARY KEY,
  url        TEXT,          -- NULL: the CA has not been told of it yet
  sealed_key BLOB NOT NULL, -- bound to the directory
  created_at INTEGER NOT NULL
) STRICT;

-- Opens under the master key that the rest is sealed under, and under no other.
CREATE TABLE master_key (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  sealed_check BLOB NOT NULL
) STRICT;
