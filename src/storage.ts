import type { AccountStore } from "#account/account.ts";
import type { EndpointStore } from "#cdn/endpoint.ts";
import type { ServingCertificateStore } from "#certificate/serving.ts";
import { type DiskObjectFiles, diskObjectFiles } from "#disk/object-files.ts";
import type { SpaceStore } from "#space/space.ts";
import { openForReading, openForWriting } from "#sqlite/connection.ts";
import type { FeedRecord } from "#sqlite/feed-log.ts";
import { migrate } from "#sqlite/migrate.ts";
import {
  sqliteAccounts,
  sqliteCertificates,
  sqliteEndpoints,
  sqliteSpaces,
} from "#sqlite/stores.ts";
import { Writer } from "#sqlite/writer.ts";
import type { DataFolder } from "./data-folder.ts";

/** Everything that lasts, behind the concepts' ports. */
export interface Storage extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly endpoints: EndpointStore;
  readonly certificates: ServingCertificateStore;
  readonly spaces: SpaceStore;
  readonly files: DiskObjectFiles;
}

export interface StorageEvents {
  /** The feed records of each transaction, in order, before its writes are answered. */
  onRecords(records: readonly FeedRecord[]): void;
  /** Nothing can be written any more. */
  onDeath(error: Error): void;
}

/** Opens the database, brought up to this version, and removes what a crash has left of objects. */
export async function openStorage(folder: DataFolder, events: StorageEvents): Promise<Storage> {
  await using stack = new AsyncDisposableStack();
  {
    using db = openForWriting(folder.database);
    migrate(db);
  }
  const writer = stack.use(
    new Writer(
      folder.database,
      (records) => events.onRecords(records),
      (error) => events.onDeath(error),
    ),
  );
  const db = stack.use(openForReading(folder.database));
  const spaces = sqliteSpaces(db, writer);
  const files = await diskObjectFiles(folder.objects);
  await files.sweep(spaces.referredFiles());
  const owned = stack.move();
  return {
    accounts: sqliteAccounts(db, writer),
    endpoints: sqliteEndpoints(db, writer),
    certificates: sqliteCertificates(db, writer),
    spaces,
    files,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
