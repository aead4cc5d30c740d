-- name: liveRegistry
SELECT id FROM registry WHERE id = ? AND account_id IS NOT NULL;

-- name: latest
SELECT uuid, registry_id, type, status, blobs_deleted, freed_bytes, created_at, updated_at
FROM garbage_collection WHERE registry_id = ? ORDER BY number DESC LIMIT 1;

-- name: collection
SELECT uuid, registry_id, type, status, blobs_deleted, freed_bytes, created_at, updated_at
FROM garbage_collection WHERE uuid = ?;

-- name: pageOfCollections
SELECT uuid, registry_id, type, status, blobs_deleted, freed_bytes, created_at, updated_at
FROM garbage_collection WHERE registry_id = ? ORDER BY number DESC LIMIT ? OFFSET ?;

-- name: countCollections
SELECT count(*) AS total FROM garbage_collection WHERE registry_id = ?;

-- name: next
SELECT uuid, registry_id, type, status, blobs_deleted, freed_bytes, created_at, updated_at
FROM garbage_collection INDEXED BY garbage_collection_active
WHERE status NOT IN ('succeeded', 'failed', 'cancelled')
ORDER BY number LIMIT 1;

-- name: insertCollection
INSERT INTO garbage_collection
  (uuid, registry_id, type, status, blobs_deleted, freed_bytes, created_at, updated_at)
VALUES (?, ?, ?, 'requested', 0, 0, ?, ?);

-- name: forgetOldest
DELETE FROM garbage_collection WHERE registry_id = :registry AND number <= (
  SELECT number FROM garbage_collection WHERE registry_id = :registry
  ORDER BY number DESC LIMIT 1 OFFSET :kept
);

-- name: setStatus
UPDATE garbage_collection SET status = ?, updated_at = ? WHERE uuid = ?;

-- name: addCounts
UPDATE garbage_collection
SET blobs_deleted = blobs_deleted + ?, freed_bytes = freed_bytes + ?, updated_at = ?
WHERE uuid = ?;

-- name: repositories
SELECT id FROM repository WHERE registry_id = ? ORDER BY id;

-- name: manifestsAfter
SELECT digest, EXISTS (
  SELECT 1 FROM tag WHERE tag.repository_id = manifest.repository_id AND tag.digest = manifest.digest
) AS tagged
FROM manifest WHERE repository_id = ? AND digest > ? ORDER BY digest LIMIT ?;

-- What a manifest is kept by: indexes that name it, what refers to it, what it refers to, and what
-- those are kept by. When one of them has a tag or is protected, all of them stay; else none needs to.
-- CROSS: in this order, or SQLite would read all that the repository has for each.
-- name: keepers
WITH RECURSIVE keeper (digest) AS (
  VALUES (:digest)
  UNION
  SELECT manifest_digest FROM keeper CROSS JOIN manifest_reference
    ON repository_id = :repository AND manifest_reference.digest = keeper.digest
   AND kind = 'manifest'
  UNION
  SELECT manifest.digest FROM keeper CROSS JOIN manifest
    ON repository_id = :repository AND subject = keeper.digest
  UNION
  SELECT subject FROM keeper CROSS JOIN manifest
    ON repository_id = :repository AND manifest.digest = keeper.digest
  WHERE subject IS NOT NULL
)
SELECT keeper.digest, EXISTS (
  SELECT 1 FROM tag WHERE tag.repository_id = :repository AND tag.digest = keeper.digest
) OR EXISTS (
  SELECT 1 FROM manifest_protection
  WHERE manifest_protection.repository_id = :repository
    AND manifest_protection.digest = keeper.digest AND protected_until > :now
) AS keeps
FROM keeper CROSS JOIN manifest ON manifest.repository_id = :repository
                               AND manifest.digest = keeper.digest;

-- name: deleteManifest
DELETE FROM manifest WHERE repository_id = ? AND digest = ?;

-- name: blobsAfter
SELECT digest FROM repository_blob WHERE repository_id = ? AND digest > ? ORDER BY digest LIMIT ?;

-- name: deleteFreeBlob
DELETE FROM repository_blob
WHERE repository_id = :repository AND digest = :digest AND protected_until <= :now
  AND NOT EXISTS (
    SELECT 1 FROM manifest_reference
    WHERE manifest_reference.repository_id = :repository
      AND manifest_reference.digest = :digest AND kind = 'blob'
  )
RETURNING registry_id;

-- name: stillInRegistry
SELECT 1 AS found FROM repository_blob WHERE digest = ? AND registry_id = ? LIMIT 1;

-- name: sizeOfBlob
SELECT size_bytes FROM blob WHERE digest = ?;

-- name: orphans
SELECT digest FROM blob_orphan LIMIT ?;

-- name: deleteUnusedBlob
DELETE FROM blob WHERE digest = :digest
  AND NOT EXISTS (SELECT 1 FROM repository_blob WHERE digest = :digest);

-- name: hasBlob
SELECT digest FROM blob WHERE digest = ?;

-- name: settleOrphan
DELETE FROM blob_orphan WHERE digest = ?;

-- name: deletedRepository
SELECT id FROM repository WHERE registry_id IS NULL LIMIT 1;

-- name: deleteSomeManifests
DELETE FROM manifest WHERE repository_id = :repository AND digest IN (
  SELECT digest FROM manifest WHERE repository_id = :repository LIMIT :limit
);

-- name: deleteSomeBlobs
DELETE FROM repository_blob WHERE repository_id = :repository AND digest IN (
  SELECT digest FROM repository_blob WHERE repository_id = :repository LIMIT :limit
);

-- name: deleteRepository
DELETE FROM repository WHERE id = ? AND registry_id IS NULL;

-- name: deleteSomeRegistries
DELETE FROM registry WHERE id IN (SELECT id FROM registry WHERE account_id IS NULL LIMIT ?);
