-- name: insert
INSERT INTO account_certificate (id, account_id, name, custom_domain, type, dns_names, state,
  created_at, issuer, not_before, not_after, sha1, chain, sealed_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: byName
SELECT id FROM account_certificate WHERE account_id = ? AND name = ? AND custom_domain IS NULL;

-- name: byCustomDomain
SELECT id FROM account_certificate WHERE custom_domain = ?;

-- name: ownNames
SELECT id, custom_domain, chain IS NOT NULL AS is_issued FROM account_certificate
WHERE account_id IS NULL;

-- name: find
SELECT id, account_id, name, custom_domain, type, dns_names, state, created_at, issuer, not_before,
       not_after, sha1, chain
FROM account_certificate WHERE account_id IS ? AND id = ?;

-- name: page
SELECT id, account_id, name, custom_domain, type, dns_names, state, created_at, issuer, not_before,
       not_after, sha1, chain
FROM account_certificate INDEXED BY account_certificate_of_account
WHERE account_id = ? AND custom_domain IS NULL ORDER BY number LIMIT ? OFFSET ?;

-- name: count
SELECT count(*) AS total FROM account_certificate INDEXED BY account_certificate_of_account
WHERE account_id = ? AND custom_domain IS NULL;

-- name: pageOfName
SELECT id, account_id, name, custom_domain, type, dns_names, state, created_at, issuer, not_before,
       not_after, sha1, chain
FROM account_certificate WHERE account_id = ? AND name = ? AND custom_domain IS NULL
LIMIT ? OFFSET ?;

-- name: countOfName
SELECT count(*) AS total FROM account_certificate
WHERE account_id = ? AND name = ? AND custom_domain IS NULL;

-- name: pageOfAll
SELECT id, account_id, name, custom_domain, type, dns_names, state, created_at, issuer, not_before,
       not_after, sha1, chain
FROM account_certificate WHERE account_id IS ? AND (? IS NULL OR name = ?)
ORDER BY number LIMIT ? OFFSET ?;

-- name: countOfAll
SELECT count(*) AS total FROM account_certificate WHERE account_id IS ? AND (? IS NULL OR name = ?);

-- name: counts
SELECT state, count(*) AS total, min(not_after) AS soonest_end FROM account_certificate
GROUP BY state;

-- name: delete
DELETE FROM account_certificate WHERE id = ?;

-- name: setState
UPDATE account_certificate SET state = ? WHERE id = ?;

-- name: setIssued
UPDATE account_certificate
SET state = 'verified', issuer = ?, not_before = ?, not_after = ?, sha1 = ?, chain = ?, sealed_key = ?
WHERE id = ?;

-- name: toServe
SELECT account_id, custom_domain, chain, sealed_key, not_after FROM account_certificate
WHERE id = ? AND chain IS NOT NULL;

-- name: endpointOfCertificate
SELECT id FROM endpoint WHERE certificate_id = ? LIMIT 1;

-- name: domainsOfCertificate
SELECT custom_domain FROM endpoint WHERE certificate_id = ? AND custom_domain IS NOT NULL
ORDER BY custom_domain;

-- name: putJob
INSERT INTO certificate_job (certificate_id, due_at, failures, failing_since, rotation, issuer,
  order_url, sealed_key, renewal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (certificate_id) DO UPDATE SET
  due_at = excluded.due_at, failures = excluded.failures, failing_since = excluded.failing_since,
  rotation = excluded.rotation, issuer = excluded.issuer, order_url = excluded.order_url,
  sealed_key = excluded.sealed_key, renewal = excluded.renewal;

-- name: deleteJob
DELETE FROM certificate_job WHERE certificate_id = ?;

-- name: dueJobs
SELECT account_certificate.id, account_id, name, custom_domain, type, dns_names, state, created_at,
       account_certificate.issuer, not_before, not_after, sha1, chain, due_at, failures,
       failing_since, rotation, certificate_job.issuer AS order_issuer, order_url,
       certificate_job.sealed_key AS next_key, renewal
FROM certificate_job JOIN account_certificate ON account_certificate.id = certificate_id
WHERE due_at <= ? ORDER BY due_at LIMIT ?;

-- name: job
SELECT account_certificate.id, account_id, name, custom_domain, type, dns_names, state, created_at,
       account_certificate.issuer, not_before, not_after, sha1, chain, due_at, failures,
       failing_since, rotation, certificate_job.issuer AS order_issuer, order_url,
       certificate_job.sealed_key AS next_key, renewal
FROM certificate_job JOIN account_certificate ON account_certificate.id = certificate_id
WHERE certificate_id = ?;

-- name: nextDue
SELECT min(due_at) AS due_at FROM certificate_job WHERE due_at IS NOT NULL;

-- name: abandonedOrders
SELECT url, issuer FROM abandoned_order LIMIT ?;

-- name: forgetOrder
DELETE FROM abandoned_order WHERE url = ?;

-- name: insertEvent
INSERT INTO certificate_event (certificate_id, kind, message, at) VALUES (?, ?, ?, ?);

-- name: trimEvents
DELETE FROM certificate_event WHERE certificate_id = ? AND number <= (
  SELECT number FROM certificate_event WHERE certificate_id = ?
  ORDER BY number DESC LIMIT 1 OFFSET ?
);

-- name: deleteEvents
DELETE FROM certificate_event WHERE certificate_id = ?;

-- name: events
SELECT kind, message, at FROM certificate_event WHERE certificate_id = ? ORDER BY number;
