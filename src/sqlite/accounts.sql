-- name: insertAccount
INSERT INTO account (uuid, email, name, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (email) DO NOTHING RETURNING id, uuid, email, name, created_at;

-- name: account
SELECT id, uuid, email, name, created_at FROM account WHERE id = ?;

-- name: accountByEmail
SELECT id, uuid, email, name, created_at FROM account WHERE email = ?;

-- name: firstAccount
SELECT id, uuid, email, name, created_at FROM account ORDER BY id LIMIT 1;

-- name: pageOfAccounts
SELECT id, uuid, email, name, created_at FROM account ORDER BY id LIMIT ? OFFSET ?;

-- name: countAccounts
SELECT count(*) AS total FROM account;

-- name: insertToken
INSERT INTO token (id, account_id, hash, name, scopes, created_at, expires_at, bound_to)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING RETURNING id;

-- name: tokenByHash
SELECT id, account_id, name, scopes, created_at, expires_at, last_used_at FROM token WHERE hash = ?;

-- name: token
SELECT id, account_id, name, scopes, created_at, expires_at, last_used_at FROM token
WHERE account_id = ? AND id = ?;

-- name: pageOfTokens
SELECT id, account_id, name, scopes, created_at, expires_at, last_used_at FROM token
WHERE account_id = ? ORDER BY number LIMIT ? OFFSET ?;

-- name: countTokens
SELECT count(*) AS total FROM token WHERE account_id = ?;

-- name: forgetExpired
DELETE FROM token WHERE number IN (
  SELECT number FROM token WHERE expires_at < ? ORDER BY expires_at LIMIT ?
);

-- name: deleteToken
DELETE FROM token WHERE account_id = ? AND id = ?;

-- name: noteUse
UPDATE token SET last_used_at = ? WHERE id = ?;
