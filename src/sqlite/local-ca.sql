-- name: localCa
SELECT certificate, sealed_key FROM local_ca WHERE id = 1;

-- name: putLocalCa
INSERT INTO local_ca (id, certificate, sealed_key) VALUES (1, ?, ?)
ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, sealed_key = excluded.sealed_key;
