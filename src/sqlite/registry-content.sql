-- name: repositoryByName
SELECT id, name, tags AS tag_count, manifests AS manifest_count FROM repository WHERE registry_id = ? AND name = ?;

-- name: pageOfRepositories
SELECT id, name, tags AS tag_count, manifests AS manifest_count FROM repository WHERE registry_id = ? ORDER BY name LIMIT ? OFFSET ?;

-- name: countRepositories
SELECT count(*) AS total FROM repository WHERE registry_id = ?;

-- name: pageOfTaggedRepositories
SELECT id, name, tags AS tag_count, manifests AS manifest_count FROM repository
WHERE registry_id = ? AND tags > 0 ORDER BY name LIMIT ? OFFSET ?;

-- name: countTaggedRepositories
SELECT count(*) AS total FROM repository WHERE registry_id = ? AND tags > 0;

-- name: forgetRepository
UPDATE repository SET registry_id = NULL WHERE registry_id = ? AND name = ? RETURNING id;

-- name: forgetUploads
DELETE FROM upload WHERE repository_id = ?;

-- name: pageOfTags
SELECT name, digest, updated_at FROM tag WHERE repository_id = ? ORDER BY name LIMIT ? OFFSET ?;

-- name: countTags
SELECT coalesce((SELECT tags FROM repository WHERE id = ?), 0) AS total;

-- name: latestTag
SELECT name, digest, updated_at FROM tag WHERE repository_id = ?
ORDER BY updated_at DESC, name DESC LIMIT 1;

-- name: settingsOfRepository
SELECT settings FROM registry JOIN repository ON registry.id = registry_id
WHERE repository.id = ?;

-- name: deleteTag
DELETE FROM tag WHERE repository_id = ? AND name = ? RETURNING digest;

-- name: pageOfManifests
SELECT digest, updated_at FROM manifest WHERE repository_id = ?
ORDER BY updated_at DESC, digest DESC LIMIT ? OFFSET ?;

-- name: countManifests
SELECT coalesce((SELECT manifests FROM repository WHERE id = ?), 0) AS total;

-- name: tagsOfManifest
SELECT name FROM tag WHERE repository_id = ? AND digest = ? ORDER BY updated_at DESC, name;

-- CROSS: in this order, or SQLite would read all that the repository's manifests need.
-- name: blobsOfManifest
WITH RECURSIVE needed (digest) AS (
  VALUES (:digest)
  UNION
  SELECT manifest_reference.digest
  FROM needed CROSS JOIN manifest_reference
    ON repository_id = :repository AND manifest_digest = needed.digest AND kind = 'manifest'
)
SELECT manifest_reference.digest, max(size_bytes) AS size_bytes
FROM needed CROSS JOIN manifest_reference
  ON repository_id = :repository AND manifest_digest = needed.digest AND kind = 'blob'
GROUP BY manifest_reference.digest ORDER BY manifest_reference.digest;

-- name: deleteManifest
DELETE FROM manifest WHERE repository_id = ? AND digest = ?;
