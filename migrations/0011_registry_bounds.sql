-- A docker credential of somebody who may not make tokens: it goes with his.
ALTER TABLE token ADD COLUMN bound_to TEXT REFERENCES token (id) ON DELETE CASCADE;
CREATE INDEX token_bound ON token (bound_to) WHERE bound_to IS NOT NULL;

-- Webhooks are told one by one, each receiver in turn: its next delivery is found by this. Deliveries are
-- written by the writes themselves, which know the time.
DROP TRIGGER webhook_hears_of_tag;
DROP TRIGGER webhook_hears_of_tag_again;
DROP TRIGGER webhook_hears_of_delete;
DROP INDEX webhook_delivery_by_due;
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook_id, due_at, number);

-- How much a repository has, of what it may have no more than so much of.
ALTER TABLE repository ADD COLUMN tags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN manifests INTEGER NOT NULL DEFAULT 0;
UPDATE repository SET
  tags = (SELECT count(*) FROM tag WHERE repository_id = repository.id),
  manifests = (SELECT count(*) FROM manifest WHERE repository_id = repository.id);
CREATE TRIGGER tag_is_counted AFTER INSERT ON tag BEGIN
  UPDATE repository SET tags = tags + 1 WHERE id = NEW.repository_id;
END;
CREATE TRIGGER tag_counts_no_more AFTER DELETE ON tag BEGIN
  UPDATE repository SET tags = tags - 1 WHERE id = OLD.repository_id;
END;
CREATE TRIGGER manifest_is_counted AFTER INSERT ON manifest BEGIN
  UPDATE repository SET manifests = manifests + 1 WHERE id = NEW.repository_id;
END;
CREATE TRIGGER manifest_counts_no_more AFTER DELETE ON manifest BEGIN
  UPDATE repository SET manifests = manifests - 1 WHERE id = OLD.repository_id;
END;

-- As it was, but that registry_id is no foreign key: a deleted registry's row goes when nothing has it any
-- more, and to look for that would read every blob of every registry.
CREATE TABLE repository_blob_again (
  repository_id   INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
  digest          TEXT NOT NULL REFERENCES blob (digest),
  registry_id     INTEGER NOT NULL,
  protected_until INTEGER NOT NULL,
  protected_for   TEXT NOT NULL, -- a token's id, or * for several
  PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO repository_blob_again
SELECT repository_id, digest, registry_id, protected_until, protected_for FROM repository_blob;
DROP TABLE repository_blob;
ALTER TABLE repository_blob_again RENAME TO repository_blob;
CREATE INDEX repository_blob_by_digest ON repository_blob (digest, registry_id);

CREATE TRIGGER repository_blob_comes AFTER INSERT ON repository_blob
WHEN (SELECT count(*) FROM (SELECT 1 FROM repository_blob
      WHERE digest = NEW.digest AND registry_id = NEW.registry_id LIMIT 2)) = 1
BEGIN
  INSERT INTO registry_usage (registry_id, storage_bytes)
  VALUES (NEW.registry_id, (SELECT size_bytes FROM blob WHERE digest = NEW.digest))
  ON CONFLICT (registry_id) DO UPDATE SET storage_bytes = storage_bytes + excluded.storage_bytes;
END;

CREATE TRIGGER repository_blob_goes AFTER DELETE ON repository_blob
WHEN NOT EXISTS (SELECT 1 FROM repository_blob
                 WHERE digest = OLD.digest AND registry_id = OLD.registry_id)
BEGIN
  UPDATE registry_usage
  SET storage_bytes = storage_bytes - (SELECT size_bytes FROM blob WHERE digest = OLD.digest)
  WHERE registry_id = OLD.registry_id;
END;

CREATE TRIGGER blob_is_orphaned AFTER DELETE ON repository_blob
WHEN NOT EXISTS (SELECT 1 FROM repository_blob WHERE digest = OLD.digest)
BEGIN
  INSERT INTO blob_orphan (digest) VALUES (OLD.digest) ON CONFLICT DO NOTHING;
END;
