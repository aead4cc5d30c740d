-- name: putChallenge
INSERT INTO challenge (id, kind, sealed_answer, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET sealed_answer = excluded.sealed_answer,
  created_at = excluded.created_at
WHERE kind = excluded.kind;

-- name: deleteChallenge
DELETE FROM challenge WHERE id = ? RETURNING kind;

-- name: deleteChallengesBefore
DELETE FROM challenge WHERE created_at < ?;

-- name: countOtherChallenges
SELECT count(*) AS total FROM challenge WHERE id <> ?;

-- name: challenges
SELECT id, kind, sealed_answer, created_at FROM challenge ORDER BY number;

-- name: edgeChallenge
SELECT id, sealed_answer FROM challenge WHERE id = ?;

-- name: edgeChallengesAfter
SELECT number, id, sealed_answer FROM challenge
WHERE number > ? AND kind <> 'dns-01' ORDER BY number LIMIT ?;
