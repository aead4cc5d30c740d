-- name: account
SELECT url, sealed_key FROM acme_account WHERE directory = ?;

-- name: putAccount
INSERT INTO acme_account (directory, url, sealed_key, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (directory) DO UPDATE SET url = excluded.url, sealed_key = excluded.sealed_key;
