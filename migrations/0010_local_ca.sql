-- The CA that signs what has no public certificate. Its certificate is in ca/ca.pem, too, for those who trust it.
CREATE TABLE local_ca (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  certificate TEXT NOT NULL, -- PEM
  sealed_key  BLOB NOT NULL
) STRICT;
