-- name: registryOf
SELECT registry.id, registry.settings, registry_subscription.tier FROM registry
LEFT JOIN registry_subscription ON registry_subscription.account_id = registry.account_id
WHERE registry.account_id = ? AND registry.name = ?;

-- name: repositoryOf
SELECT repository.id FROM repository JOIN registry ON registry.id = repository.registry_id
WHERE registry.account_id = ? AND registry.name = ? AND repository.name = ?;

-- name: repositoryIn
SELECT id, tags, manifests FROM repository WHERE registry_id = ? AND name = ?;

-- name: countRepositories
SELECT count(*) AS total FROM repository WHERE registry_id = ?;

-- name: storageBytes
SELECT storage_bytes FROM registry_usage WHERE registry_id = ?;

-- name: insertRepository
INSERT INTO repository (registry_id, name, created_at) VALUES (?, ?, ?) RETURNING id;

-- name: countUploads
SELECT count(*) AS total FROM upload
JOIN repository ON repository.id = upload.repository_id
JOIN registry ON registry.id = repository.registry_id WHERE registry.account_id = ?;

-- name: insertUpload
INSERT INTO upload (id, repository_id, algorithm, started_at, updated_at) VALUES (?, ?, ?, ?, ?);

-- name: upload
SELECT id, repository_id, algorithm FROM upload WHERE repository_id = ? AND id = ?;

-- name: uploadById
SELECT id FROM upload WHERE id = ?;

-- name: touchUpload
UPDATE upload SET updated_at = ? WHERE id = ?;

-- name: deleteUpload
DELETE FROM upload WHERE id = ?;

-- name: expireUploads
DELETE FROM upload WHERE id IN
  (SELECT id FROM upload WHERE updated_at < ? ORDER BY updated_at LIMIT ?) RETURNING id;

-- name: blobRow
SELECT size_bytes, corrupt_at FROM blob WHERE digest = ?;

-- name: putBlob
INSERT INTO blob (digest, size_bytes, created_at) VALUES (?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET corrupt_at = NULL;

-- name: markCorrupt
UPDATE blob SET corrupt_at = ? WHERE digest = ?;

-- name: blob
SELECT blob.size_bytes, repository_blob.protected_until, repository_blob.protected_for
FROM repository_blob JOIN blob ON blob.digest = repository_blob.digest
WHERE repository_blob.repository_id = ? AND repository_blob.digest = ?
  AND blob.corrupt_at IS NULL;

-- name: registryHasBlob
SELECT digest FROM repository_blob WHERE digest = ? AND registry_id = ? LIMIT 1;

-- name: accountHasBlob
SELECT blob.digest FROM repository_blob
JOIN repository ON repository.id = repository_blob.repository_id
JOIN registry ON registry.id = repository.registry_id
JOIN blob ON blob.digest = repository_blob.digest
WHERE repository_blob.digest = ? AND registry.account_id = ? AND blob.corrupt_at IS NULL LIMIT 1;

-- name: linkBlob
INSERT INTO repository_blob (repository_id, digest, registry_id, protected_until, protected_for)
VALUES (:repository, :digest, :registry, :until, :token)
ON CONFLICT (repository_id, digest) DO UPDATE SET
  -- Two pushes with one token cannot be told apart: neither's manifest may end what the other needs.
  protected_for = CASE WHEN protected_until <= :now THEN :token ELSE '*' END,
  protected_until = max(protected_until, :until);

-- name: protectBlob
UPDATE repository_blob SET
  protected_for = CASE WHEN protected_until <= :now OR protected_for = :token
                       THEN :token ELSE '*' END,
  protected_until = max(protected_until, :until)
WHERE repository_id = :repository AND digest = :digest;

-- name: endProtection
UPDATE repository_blob SET protected_until = 0
WHERE repository_id = ? AND digest = ? AND protected_for = ? AND protected_until > 0;

-- name: unlinkBlob
DELETE FROM repository_blob WHERE repository_id = ? AND digest = ?;

-- name: manifest
SELECT digest, media_type, content FROM manifest WHERE repository_id = ? AND digest = ?;

-- name: isFreeManifest
SELECT 1 FROM manifest WHERE repository_id = :repository AND digest = :digest
  AND NOT EXISTS (
    SELECT 1 FROM tag WHERE tag.repository_id = :repository AND tag.digest = :digest
  ) AND NOT EXISTS (
    SELECT 1 FROM manifest_protection WHERE manifest_protection.repository_id = :repository
      AND manifest_protection.digest = :digest AND protected_until >= :until
  );

-- name: protectManifest
INSERT INTO manifest_protection (repository_id, digest, protected_until)
SELECT repository_id, digest, :until FROM manifest
WHERE repository_id = :repository AND digest = :digest
ON CONFLICT (repository_id, digest) DO UPDATE SET
  protected_until = max(protected_until, :until);

-- name: manifestByTag
SELECT manifest.digest, manifest.media_type, manifest.content FROM tag
JOIN manifest ON manifest.repository_id = tag.repository_id AND manifest.digest = tag.digest
WHERE tag.repository_id = ? AND tag.name = ?;

-- name: hasManifest
SELECT length(content) AS size_bytes FROM manifest WHERE repository_id = ? AND digest = ?;

-- name: putManifest
INSERT INTO manifest (repository_id, digest, media_type, artifact_type, subject, annotations,
                      content, blobs_bytes, pushed_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (repository_id, digest) DO UPDATE SET
  media_type = excluded.media_type, updated_at = excluded.updated_at;

-- name: insertReference
INSERT INTO manifest_reference (repository_id, manifest_digest, digest, kind, size_bytes)
VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: deleteManifest
DELETE FROM manifest WHERE repository_id = ? AND digest = ?;

-- name: tag
SELECT digest FROM tag WHERE repository_id = ? AND name = ?;

-- name: tagsOfManifest
SELECT name FROM tag WHERE repository_id = ? AND digest = ?;

-- name: putTag
INSERT INTO tag (repository_id, name, digest, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT (repository_id, name) DO UPDATE SET
  digest = excluded.digest, updated_at = excluded.updated_at;

-- name: deleteTag
DELETE FROM tag WHERE repository_id = ? AND name = ?;

-- As one text: a thousand rows are a thousand objects, and take twice as long.
-- name: tags
SELECT json_group_array(name) AS names FROM (
  SELECT name FROM tag
  WHERE repository_id = :repository AND name COLLATE NOCASE >= :after
    AND NOT (name COLLATE NOCASE = :after AND name <= :after)
  ORDER BY name COLLATE NOCASE, name LIMIT :limit
);

-- name: registries
SELECT id, name FROM registry WHERE account_id = ?;

-- name: repositoriesAfter
SELECT name FROM repository WHERE registry_id = ? AND name > ? ORDER BY name LIMIT ?;

-- name: referrers
SELECT digest, media_type, artifact_type, annotations, length(content) AS size_bytes FROM manifest
WHERE repository_id = :repository AND subject = :subject AND digest > :after
  AND (:type IS NULL OR artifact_type = :type)
ORDER BY digest LIMIT :limit;

-- name: blobs
SELECT digest FROM blob;
