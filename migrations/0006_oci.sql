-- Content, once however many repositories have it. A row is there only while its file is.
CREATE TABLE blob (
  digest     TEXT PRIMARY KEY, -- sha256:… or sha512:…
  size_bytes INTEGER NOT NULL,
  corrupt_at INTEGER,          -- what its file holds is something else: as if it were not there
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which repository may read a blob. What was uploaded, mounted or answered to a HEAD is protected
-- until then, or until a manifest of the same token uses it. Several tokens: until then.
CREATE TABLE repository_blob (
  repository_id   INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
  digest          TEXT NOT NULL REFERENCES blob (digest),
  registry_id     INTEGER NOT NULL REFERENCES registry (id),
  protected_until INTEGER NOT NULL,
  protected_for   TEXT NOT NULL, -- a token's id, or * for several
  PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blob_by_digest ON repository_blob (digest, registry_id);

-- What a registry's repositories have together, a blob counted once: kept by the two triggers.
CREATE TABLE registry_usage (
  registry_id   INTEGER PRIMARY KEY REFERENCES registry (id) ON DELETE CASCADE,
  storage_bytes INTEGER NOT NULL
) STRICT;

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

CREATE TABLE manifest (
  repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
  digest        TEXT NOT NULL,
  media_type    TEXT NOT NULL,
  artifact_type TEXT,          -- as the referrers list shows it
  subject       TEXT,          -- the digest that it refers to
  annotations   TEXT,          -- a JSON object
  content       BLOB NOT NULL, -- the exact octets
  blobs_bytes   INTEGER NOT NULL, -- of the blobs that it names itself, each once
  pushed_at     INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest)
) STRICT;
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject, digest)
  WHERE subject IS NOT NULL;

-- What a manifest needs: blobs, and manifests that an index names.
CREATE TABLE manifest_reference (
  repository_id   INTEGER NOT NULL,
  manifest_digest TEXT NOT NULL,
  digest          TEXT NOT NULL,
  kind            TEXT NOT NULL, -- blob, manifest
  size_bytes      INTEGER NOT NULL,
  PRIMARY KEY (repository_id, manifest_digest, digest, kind),
  FOREIGN KEY (repository_id, manifest_digest) REFERENCES manifest (repository_id, digest)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_reference_by_digest ON manifest_reference (repository_id, digest);

CREATE TABLE tag (
  repository_id INTEGER NOT NULL,
  name          TEXT NOT NULL,
  digest        TEXT NOT NULL,
  updated_at    INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name),
  FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_digest ON tag (repository_id, digest);
-- Distribution specification: tags are listed without regard to case.
CREATE INDEX tag_in_order ON tag (repository_id, name COLLATE NOCASE, name);

-- An upload under way; its octets are in a file that its id names.
CREATE TABLE upload (
  id            TEXT PRIMARY KEY,
  repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
  algorithm     TEXT NOT NULL, -- sha256, sha512
  started_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL -- it expires a day after this
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_of_repository ON upload (repository_id);
CREATE INDEX upload_by_age ON upload (updated_at);

CREATE TABLE garbage_collection (
  number        INTEGER PRIMARY KEY,
  uuid          TEXT NOT NULL UNIQUE,
  registry_id   INTEGER NOT NULL REFERENCES registry (id),
  type          TEXT NOT NULL,
  status        TEXT NOT NULL,
  blobs_deleted INTEGER NOT NULL,
  freed_bytes   INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX garbage_collection_of_registry ON garbage_collection (registry_id, number);
