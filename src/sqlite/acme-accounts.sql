-- name: account
SELECT url, email, sealed_key FROM acme_account WHERE directory = ?;

-- name: putAccount
INSERT INTO acme_account (directory, url, email, sealed_key, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (directory) DO UPDATE SET
  url = excluded.url, email = excluded.email, sealed_key = excluded.sealed_key;
