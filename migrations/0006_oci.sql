-- Content, once however many repositories have it. A row is there exactly as long as its file is.
CREATE TABLE blob (
  digest     TEXT PRIMARY KEY, -- sha256:… or sha512:…
  size_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which repository may read a blob. What was uploaded, mounted or answered to a HEAD is protected
-- until then, or until a manifest uses it.
CREATE TABLE repository_blob (
  repository_id   INTEGER NOT NULL REFERENCES repository (id),
  digest          TEXT NOT NULL REFERENCES blob (digest),
  protected_until INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blob_by_digest ON repository_blob (digest);

CREATE TABLE manifest (
  repository_id INTEGER NOT NULL REFERENCES repository (id),
  digest        TEXT NOT NULL,
  media_type    TEXT NOT NULL,
  artifact_type TEXT,
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
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_reference_by_digest ON manifest_reference (repository_id, digest);

CREATE TABLE tag (
  repository_id INTEGER NOT NULL,
  name          TEXT NOT NULL,
  digest        TEXT NOT NULL,
  updated_at    INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name),
  FOREIGN KEY (repository_id, digest) REFERENCES manifest (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_digest ON tag (repository_id, digest);

-- An upload under way; its octets are in a file that its id names.
CREATE TABLE upload (
  id            TEXT PRIMARY KEY,
  repository_id INTEGER NOT NULL REFERENCES repository (id),
  algorithm     TEXT NOT NULL, -- sha256, sha512
  started_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
