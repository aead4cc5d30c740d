-- name: tell
INSERT INTO webhook_delivery (registry_id, webhook_id, event, repository, tag, digest, at, due_at)
SELECT registry.id, hook.value ->> 'id', :event, repository.name, :tag, :digest, :now, :now
FROM repository JOIN registry ON registry.id = registry_id,
     json_each(registry.settings, '$.webhooks') AS hook
WHERE repository.id = :repository AND EXISTS (
  SELECT 1 FROM json_each(hook.value, '$.events') AS wanted WHERE wanted.value = :event
);

-- Webhooks that wait are found one after the other, however much each of them waits for.
-- name: nextOfEach
WITH RECURSIVE webhook (id) AS (
  SELECT min(webhook_id) FROM webhook_delivery WHERE webhook_id > :after
  UNION ALL
  SELECT (SELECT min(webhook_id) FROM webhook_delivery WHERE webhook_id > webhook.id)
  FROM webhook WHERE webhook.id IS NOT NULL
)
SELECT number, registry_id, coalesce(registry.name, '') AS registry, webhook_id, event, repository,
       tag, digest, at, failures
FROM webhook CROSS JOIN webhook_delivery ON number = (
  SELECT number FROM webhook_delivery WHERE webhook_id = webhook.id AND due_at <= :now
  ORDER BY due_at, number LIMIT 1
)
LEFT JOIN registry ON registry.id = registry_id LIMIT :limit;

-- name: settle
DELETE FROM webhook_delivery WHERE number = ?;

-- name: retryAt
UPDATE webhook_delivery SET failures = failures + 1, due_at = ? WHERE number = ?;
