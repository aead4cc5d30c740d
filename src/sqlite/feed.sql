-- name: appendFeed
INSERT INTO feed (kind, subject_id, at) VALUES (?, ?, ?);

-- name: trimFeed
DELETE FROM feed WHERE number <= ?;

-- name: lastNumber
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0) AS number;
