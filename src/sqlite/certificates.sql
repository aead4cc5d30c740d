-- name: putCertificate
INSERT INTO certificate (id, own_name, names, chain, sealed_key, not_after)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  own_name = excluded.own_name, names = excluded.names, chain = excluded.chain,
  sealed_key = excluded.sealed_key, not_after = excluded.not_after;

-- name: deleteCertificate
DELETE FROM certificate WHERE id = ?;

-- name: certificate
SELECT id, own_name, names, chain, sealed_key, not_after FROM certificate WHERE id = ?;

-- name: ownNames
SELECT id, own_name, names, chain, sealed_key, not_after,
       EXISTS (SELECT 1 FROM account_certificate WHERE id = certificate.id) AS managed
FROM certificate WHERE own_name IS NOT NULL ORDER BY number;

-- name: othersOfOwnName
SELECT id FROM certificate WHERE own_name = ? AND id <> ?;

-- name: certificatesAfter
SELECT number, id, own_name, names, chain, sealed_key, not_after FROM certificate
WHERE number > ? ORDER BY number LIMIT ?;
