-- name: due
SELECT number, registry_id, coalesce(registry.name, '') AS registry, webhook_id, event, repository,
       tag, digest, at, failures
FROM webhook_delivery LEFT JOIN registry ON registry.id = registry_id
WHERE due_at <= ? ORDER BY due_at, number LIMIT ?;

-- name: settle
DELETE FROM webhook_delivery WHERE number = ?;

-- name: retryAt
UPDATE webhook_delivery SET failures = failures + 1, due_at = ? WHERE number = ?;
