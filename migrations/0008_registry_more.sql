-- The latest first, without sorting all that a repository has.
CREATE INDEX manifest_by_time ON manifest (repository_id, updated_at, digest);
CREATE INDEX tag_by_time ON tag (repository_id, updated_at, name);

-- One collection of a registry at a time has not ended.
CREATE UNIQUE INDEX garbage_collection_active ON garbage_collection (registry_id)
  WHERE status NOT IN ('succeeded', 'failed', 'cancelled');

-- A manifest that was pushed is about to be named by a tag or an index: it is protected until then, or
-- for an hour. Beside the manifest, whose row is as long as its content.
CREATE TABLE manifest_protection (
  repository_id   INTEGER NOT NULL,
  digest          TEXT NOT NULL,
  protected_until INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest),
  FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TRIGGER manifest_comes AFTER INSERT ON manifest BEGIN
  INSERT INTO manifest_protection (repository_id, digest, protected_until)
  VALUES (NEW.repository_id, NEW.digest, NEW.updated_at + 3600000);
END;
CREATE TRIGGER manifest_comes_again AFTER UPDATE OF updated_at ON manifest BEGIN
  INSERT INTO manifest_protection (repository_id, digest, protected_until)
  VALUES (NEW.repository_id, NEW.digest, NEW.updated_at + 3600000)
  ON CONFLICT (repository_id, digest) DO UPDATE SET protected_until = excluded.protected_until;
END;
CREATE TRIGGER manifest_is_tagged AFTER INSERT ON tag BEGIN
  DELETE FROM manifest_protection
  WHERE repository_id = NEW.repository_id AND digest = NEW.digest;
END;
CREATE TRIGGER manifest_is_tagged_too AFTER UPDATE ON tag BEGIN
  DELETE FROM manifest_protection
  WHERE repository_id = NEW.repository_id AND digest = NEW.digest;
END;
CREATE TRIGGER manifest_is_named AFTER INSERT ON manifest_reference WHEN NEW.kind = 'manifest' BEGIN
  DELETE FROM manifest_protection
  WHERE repository_id = NEW.repository_id AND digest = NEW.digest;
END;

-- Blobs that no repository has any more. A row stays until the file is gone, or in use again: a
-- crash between the two leaves nothing behind.
CREATE TABLE blob_orphan (
  digest TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER blob_is_orphaned AFTER DELETE ON repository_blob
WHEN NOT EXISTS (SELECT 1 FROM repository_blob WHERE digest = OLD.digest)
BEGIN
  INSERT INTO blob_orphan (digest) VALUES (OLD.digest) ON CONFLICT DO NOTHING;
END;

CREATE INDEX registry_with_schedule ON registry (id)
  WHERE json_extract(settings, '$.schedule') IS NOT NULL;

-- What webhooks are to be told, until they have been: triggers write it in the transaction of the push
-- or the delete itself.
CREATE TABLE webhook_delivery (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  registry_id INTEGER NOT NULL,
  webhook_id  TEXT NOT NULL,
  event       TEXT NOT NULL, -- push, delete
  repository  TEXT NOT NULL,
  tag         TEXT NOT NULL,
  digest      TEXT NOT NULL,
  at          INTEGER NOT NULL,
  failures    INTEGER NOT NULL DEFAULT 0,
  due_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_delivery_by_due ON webhook_delivery (due_at, number);
CREATE INDEX webhook_delivery_of_registry ON webhook_delivery (registry_id, number);

CREATE TRIGGER webhook_hears_of_tag AFTER INSERT ON tag BEGIN
  INSERT INTO webhook_delivery
    (registry_id, webhook_id, event, repository, tag, digest, at, due_at)
  SELECT registry.id, hook.value ->> 'id', 'push', repository.name, NEW.name, NEW.digest,
         NEW.updated_at, NEW.updated_at
  FROM repository JOIN registry ON registry.id = registry_id,
       json_each(registry.settings, '$.webhooks') AS hook
  WHERE repository.id = NEW.repository_id AND hook.value -> 'events' LIKE '%"push"%';
END;
CREATE TRIGGER webhook_hears_of_tag_again AFTER UPDATE ON tag BEGIN
  INSERT INTO webhook_delivery
    (registry_id, webhook_id, event, repository, tag, digest, at, due_at)
  SELECT registry.id, hook.value ->> 'id', 'push', repository.name, NEW.name, NEW.digest,
         NEW.updated_at, NEW.updated_at
  FROM repository JOIN registry ON registry.id = registry_id,
       json_each(registry.settings, '$.webhooks') AS hook
  WHERE repository.id = NEW.repository_id AND hook.value -> 'events' LIKE '%"push"%';
END;
CREATE TRIGGER webhook_hears_of_delete AFTER DELETE ON tag BEGIN
  INSERT INTO webhook_delivery
    (registry_id, webhook_id, event, repository, tag, digest, at, due_at)
  SELECT registry.id, hook.value ->> 'id', 'delete', repository.name, OLD.name, OLD.digest,
         CAST(unixepoch('subsec') * 1000 AS INTEGER), CAST(unixepoch('subsec') * 1000 AS INTEGER)
  FROM repository JOIN registry ON registry.id = registry_id,
       json_each(registry.settings, '$.webhooks') AS hook
  WHERE repository.id = OLD.repository_id AND hook.value -> 'events' LIKE '%"delete"%';
END;

-- A receiver that is away must not fill the disk: the oldest go.
CREATE TRIGGER webhook_delivery_is_bounded AFTER INSERT ON webhook_delivery BEGIN
  DELETE FROM webhook_delivery WHERE registry_id = NEW.registry_id AND number <= (
    SELECT number FROM webhook_delivery WHERE registry_id = NEW.registry_id
    ORDER BY number DESC LIMIT 1 OFFSET 1000
  );
END;
