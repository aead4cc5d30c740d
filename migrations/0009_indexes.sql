-- A manifest that goes takes its tags with it: found by its digest, in this index alone. Without the last
-- column SQLite reads all of a repository's tags instead.
DROP INDEX tag_by_digest;
CREATE INDEX tag_by_digest ON tag (repository_id, digest, updated_at);

-- The other one has only those that were not obtained for an endpoint.
CREATE INDEX account_certificate_by_account ON account_certificate (account_id, number);

-- For the metrics, which are asked for every few seconds.
CREATE INDEX account_certificate_by_state ON account_certificate (state, not_after);

-- Those that have expired are forgotten, the first first.
CREATE INDEX token_by_expiry ON token (expires_at) WHERE expires_at IS NOT NULL;
