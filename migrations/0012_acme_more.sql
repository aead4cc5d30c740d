-- Orders that were open when their certificate went: the CA is told that nobody wants them.
CREATE TABLE abandoned_order (
  url    TEXT PRIMARY KEY,
  issuer TEXT NOT NULL -- the directory that it is at
) STRICT;
CREATE TRIGGER certificate_job_gone AFTER DELETE ON certificate_job WHEN OLD.order_url IS NOT NULL
BEGIN
  INSERT OR REPLACE INTO abandoned_order (url, issuer) VALUES (OLD.order_url, OLD.issuer);
END;

-- What the CA was told last; NULL: nothing.
ALTER TABLE acme_account ADD COLUMN email TEXT;
