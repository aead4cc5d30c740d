-- name: insertSpace
INSERT INTO space (account_id, name, region, upstream, sealed_credentials, created_at)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name, region) DO NOTHING RETURNING id;

-- name: spaceByName
SELECT id, account_id, name, region, upstream, sealed_credentials, cors, created_at FROM space
WHERE name = ? AND region = ?;

-- name: pageOfSpaces
SELECT id, account_id, name, region, upstream, sealed_credentials, cors, created_at,
       (SELECT count(*) FROM object WHERE space_id = space.id) AS object_count,
       (SELECT coalesce(sum(size_bytes), 0) FROM object WHERE space_id = space.id) AS stored_bytes
FROM space WHERE account_id = ? ORDER BY id LIMIT ? OFFSET ?;

-- name: countSpaces
SELECT count(*) AS total FROM space WHERE account_id = ?;

-- name: deleteSpace
DELETE FROM space WHERE id = ?;

-- name: anyObject
SELECT key FROM object WHERE space_id = ? LIMIT 1;

-- name: anyEndpoint
SELECT id FROM endpoint WHERE space_id = ?;

-- name: putCors
UPDATE space SET cors = ? WHERE id = ?;

-- name: corsOfSpace
SELECT cors FROM space WHERE id = ?;

-- name: spaceExists
SELECT id FROM space WHERE id = ?;

-- name: object
SELECT space_id, key, file, size_bytes, etag, content_type, cache_control, content_encoding,
       content_disposition, metadata, last_modified
FROM object WHERE space_id = ? AND key = ?;

-- name: putObject
INSERT INTO object (space_id, key, file, size_bytes, etag, content_type, cache_control,
                    content_encoding, content_disposition, metadata, last_modified)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (space_id, key) DO UPDATE SET
  file = excluded.file, size_bytes = excluded.size_bytes, etag = excluded.etag,
  content_type = excluded.content_type, cache_control = excluded.cache_control,
  content_encoding = excluded.content_encoding,
  content_disposition = excluded.content_disposition, metadata = excluded.metadata,
  last_modified = excluded.last_modified;

-- name: deleteObject
DELETE FROM object WHERE space_id = ? AND key = ? RETURNING file;

-- name: listObjects
SELECT space_id, key, file, size_bytes, etag, content_type, cache_control, content_encoding,
       content_disposition, metadata, last_modified
FROM object WHERE space_id = ? AND key > ? AND key >= ? AND key < ?
ORDER BY key LIMIT ?;

-- name: files
SELECT file FROM object;
