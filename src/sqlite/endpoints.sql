-- name: spaceByName
SELECT id, account_id FROM space WHERE name = ? AND region = ?;

-- name: insertSpace
INSERT INTO space (account_id, name, region, created_at) VALUES (?, ?, ?, ?) RETURNING id;

-- name: endpointOfSpace
SELECT id FROM endpoint WHERE space_id = ?;

-- name: endpointOfCustomDomain
SELECT id FROM endpoint WHERE custom_domain = ?;

-- name: insertEndpoint
INSERT INTO endpoint (id, account_id, space_id, domain, ttl, custom_domain, certificate_id, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: updateEndpoint
UPDATE endpoint SET ttl = ?, custom_domain = ?, certificate_id = ? WHERE id = ?;

-- name: deleteEndpoint
DELETE FROM endpoint WHERE account_id = ? AND id = ?;

-- name: endpoint
SELECT endpoint.id, endpoint.account_id, space.name, space.region, domain, ttl, custom_domain,
       certificate_id, settings, endpoint.created_at
FROM endpoint JOIN space ON space.id = space_id
WHERE endpoint.account_id = ? AND endpoint.id = ?;

-- name: page
SELECT endpoint.id, endpoint.account_id, space.name, space.region, domain, ttl, custom_domain,
       certificate_id, settings, endpoint.created_at
FROM (SELECT number AS n FROM endpoint WHERE account_id = ? ORDER BY number LIMIT ? OFFSET ?)
JOIN endpoint ON endpoint.number = n JOIN space ON space.id = space_id
ORDER BY n;

-- name: count
SELECT count(*) AS total FROM endpoint WHERE account_id = ?;

-- name: settings
SELECT settings, sealed_url_secrets FROM endpoint WHERE account_id = ? AND id = ?;

-- name: putSettings
UPDATE endpoint SET settings = ?, sealed_url_secrets = ? WHERE id = ?;

-- name: putPurge
INSERT INTO purge (endpoint_id, pattern, soft, number) VALUES (?, ?, ?, ?)
ON CONFLICT (endpoint_id, pattern, soft) DO UPDATE SET number = excluded.number;

-- name: dropPurges
DELETE FROM purge WHERE endpoint_id = ?;

-- name: dropSoftPurges
DELETE FROM purge WHERE endpoint_id = ? AND soft = 1;

-- name: dropSoftPurge
DELETE FROM purge WHERE endpoint_id = ? AND pattern = ? AND soft = 1;

-- name: dropPurgesUpTo
DELETE FROM purge WHERE endpoint_id = ? AND number <= ?;

-- name: countPurges
SELECT count(*) AS total FROM purge WHERE endpoint_id = ?;

-- name: purgeNumberAt
SELECT number FROM purge WHERE endpoint_id = ? ORDER BY number LIMIT 1 OFFSET ?;

-- name: edgeEndpoint
SELECT endpoint.id, space.name, space.region, domain, ttl, custom_domain, upstream,
       sealed_credentials, settings, sealed_url_secrets, cors, space.id AS space_id
FROM endpoint JOIN space ON space.id = space_id
WHERE endpoint.id = ?;

-- name: edgeEndpointsAfter
SELECT endpoint.number, endpoint.id, space.name, space.region, domain, ttl, custom_domain, upstream,
       sealed_credentials, settings, sealed_url_secrets, cors, space.id AS space_id
FROM endpoint JOIN space ON space.id = space_id
WHERE endpoint.number > ? ORDER BY endpoint.number LIMIT ?;

-- name: purgesAfter
SELECT endpoint_id, pattern, soft, number FROM purge
WHERE (endpoint_id, number, pattern) > (?, ?, ?) ORDER BY endpoint_id, number, pattern LIMIT ?;

-- name: spacesIn
SELECT space.name FROM endpoint JOIN space ON space.id = space_id
WHERE space.region = ? AND domain = ? ORDER BY endpoint.number;

-- name: regions
SELECT DISTINCT space.region, domain FROM endpoint JOIN space ON space.id = space_id;
