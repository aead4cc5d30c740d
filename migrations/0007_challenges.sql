-- Answers to a CA's challenges, until they are taken back. Each is sealed, bound to its id.
CREATE TABLE challenge (
  number        INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  kind          TEXT NOT NULL, -- http-01, tls-alpn-01, dns-01: of the last the edges are not told
  sealed_answer BLOB NOT NULL, -- of a JSON object
  created_at    INTEGER NOT NULL
) STRICT;
