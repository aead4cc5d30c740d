import type { DatabaseSync } from "node:sqlite";
import type { Admit } from "#oci/admission.ts";
import { statements } from "./connection.ts";
import { ociBlobWrites } from "./oci-blob-writes.ts";
import { ociManifestWrites } from "./oci-manifest-writes.ts";
import { ociUploadWrites } from "./oci-upload-writes.ts";
import { tellWebhooks } from "./registry-deliveries.ts";

/** The writes behind `ContentWrites`, each run inside a transaction of the writer thread. */
export function ociWrites(db: DatabaseSync, admit: Admit) {
  const sql = statements(db, "oci.sql");
  return {
    ...ociUploadWrites(sql, admit),
    ...ociBlobWrites(sql, admit),
    ...ociManifestWrites(sql, admit, tellWebhooks(db)),
  };
}
