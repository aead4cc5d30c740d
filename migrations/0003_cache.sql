-- What is settled for an endpoint; secrets of signed URLs are sealed, bound to its id.
ALTER TABLE endpoint ADD COLUMN settings TEXT; -- a JSON object
ALTER TABLE endpoint ADD COLUMN sealed_url_secrets BLOB; -- of a JSON array

ALTER TABLE space ADD COLUMN cors TEXT; -- a JSON array

-- Of a pattern both may be needed: what was stored before the hard purge is gone, and what was
-- stored after it and before the soft one is stale.
CREATE TABLE purge_of_both_kinds (
  endpoint_id TEXT NOT NULL,
  pattern     TEXT NOT NULL,
  soft        INTEGER NOT NULL, -- 0 or 1
  number      INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, pattern, soft)
) STRICT, WITHOUT ROWID;
INSERT INTO purge_of_both_kinds (endpoint_id, pattern, soft, number)
  SELECT endpoint_id, pattern, 0, number FROM purge;
DROP TABLE purge;
ALTER TABLE purge_of_both_kinds RENAME TO purge;
CREATE INDEX purge_by_number ON purge (endpoint_id, number);
