-- name: settings
SELECT settings FROM registry WHERE id = ? AND account_id IS NOT NULL;

-- name: putSettings
UPDATE registry SET settings = ? WHERE id = ?;

-- name: scheduled
SELECT id, settings, (
  SELECT created_at FROM garbage_collection WHERE registry_id = registry.id
  ORDER BY number DESC LIMIT 1
) AS collected_at
FROM registry WHERE json_extract(settings, '$.schedule') IS NOT NULL;

-- name: repositoriesAfter
SELECT id, name FROM repository WHERE registry_id = ? AND name > ? ORDER BY name LIMIT ?;

-- name: tagsAfter
SELECT name, digest, updated_at FROM tag WHERE repository_id = ? AND name > ?
ORDER BY name LIMIT ?;

-- name: deleteTagAsItWas
DELETE FROM tag WHERE repository_id = ? AND name = ? AND digest = ? AND updated_at = ?;
