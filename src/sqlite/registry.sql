-- name: insertRegistry
INSERT INTO registry (account_id, name, region, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: registryByName
SELECT registry.id, account_id, name, region, created_at,
       coalesce(storage_bytes, 0) AS storage_bytes
FROM registry LEFT JOIN registry_usage ON registry_id = registry.id
WHERE account_id = ? AND name = ?;

-- name: registriesOfAccount
SELECT registry.id, account_id, name, region, created_at,
       coalesce(storage_bytes, 0) AS storage_bytes
FROM registry LEFT JOIN registry_usage ON registry_id = registry.id
WHERE account_id = ? ORDER BY registry.id;

-- name: nameTaken
SELECT id FROM registry WHERE name = ?;

-- name: forgetRegistry
UPDATE registry SET account_id = NULL, name = '#' || id, settings = NULL
WHERE id = ? AND account_id IS NOT NULL;

-- name: forgetRepositories
UPDATE repository SET registry_id = NULL WHERE registry_id = ?;

-- name: forgetUploadsOfRegistry
DELETE FROM upload WHERE repository_id IN (SELECT id FROM repository WHERE registry_id = ?);

-- name: forgetCollections
DELETE FROM garbage_collection WHERE registry_id = ?;

-- name: accountUsage
SELECT (SELECT count(*) FROM registry WHERE account_id = :account) AS registries,
       (SELECT count(*) FROM repository JOIN registry ON registry.id = registry_id
        WHERE account_id = :account) AS repositories,
       (SELECT coalesce(sum(storage_bytes), 0)
        FROM registry_usage JOIN registry ON registry.id = registry_id
        WHERE account_id = :account) AS storage_bytes;

-- name: subscription
SELECT tier, created_at, updated_at FROM registry_subscription WHERE account_id = ?;

-- name: putSubscription
INSERT INTO registry_subscription (account_id, tier, created_at, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account_id) DO UPDATE SET tier = excluded.tier, updated_at = excluded.updated_at
WHERE tier <> excluded.tier;
