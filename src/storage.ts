import type { AccountStore } from "#account/account.ts";
import type { AccountKeys } from "#acme/account-keys.ts";
import type { ChallengeStore } from "#acme/answers.ts";
import type { EndpointStore } from "#cdn/endpoint.ts";
import type { CertificateStore } from "#certificate/certificate.ts";
import type { JobStore } from "#certificate/job.ts";
import type { CaStore } from "#certificate/local-ca.ts";
import type { ServingCertificateStore } from "#certificate/serving.ts";
import { type DiskBlobFiles, diskBlobFiles } from "#disk/blob-files.ts";
import { diskUploadFiles } from "#disk/blob-uploads.ts";
import { type DiskObjectFiles, diskObjectFiles } from "#disk/object-files.ts";
import type { ContentStore } from "#oci/store.ts";
import type { UploadFiles } from "#oci/upload.ts";
import type { CollectionStore } from "#registry/collection-store.ts";
import type { RegistryStore } from "#registry/registry.ts";
import type { RepositoryStore } from "#registry/repository.ts";
import type { SettingsStore } from "#registry/settings-store.ts";
import type { DeliveryStore } from "#registry/webhook.ts";
import type { SpaceStore } from "#space/space.ts";
import { sqliteAccountKeys } from "#sqlite/acme-account-store.ts";
import { sqliteAccountCertificates, sqliteJobs } from "#sqlite/certificate-stores.ts";
import { sqliteChallenges } from "#sqlite/challenge-store.ts";
import { sqliteCollections } from "#sqlite/collection-store.ts";
import { openForReading, openForWriting } from "#sqlite/connection.ts";
import type { FeedRecord } from "#sqlite/feed-log.ts";
import { sqliteLocalCa } from "#sqlite/local-ca-store.ts";
import { migrate } from "#sqlite/migrate.ts";
import { sqliteContent } from "#sqlite/oci-store.ts";
import { sqliteRepositories } from "#sqlite/registry-content-store.ts";
import { sqliteDeliveries } from "#sqlite/registry-deliveries.ts";
import { sqliteRegistrySettings } from "#sqlite/registry-settings.ts";
import { sqliteRegistries } from "#sqlite/registry-store.ts";
import { keepKeyCheck } from "#sqlite/sealed-columns.ts";
import {
  sqliteAccounts,
  sqliteCertificates,
  sqliteEndpoints,
  sqliteSpaces,
} from "#sqlite/stores.ts";
import { Writer } from "#sqlite/writer.ts";
import type { DataFolder } from "./data-folder.ts";
import { type Seal, sealUnder } from "./seal.ts";

/** Everything that lasts, behind the concepts' ports. */
export interface Storage extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly endpoints: EndpointStore;
  readonly certificates: ServingCertificateStore;
  readonly accountCertificates: CertificateStore;
  readonly certificateJobs: JobStore;
  readonly accountKeys: (seal: Seal) => AccountKeys;
  readonly localCa: (seal: Seal) => CaStore;
  readonly challenges: ChallengeStore;
  readonly spaces: SpaceStore;
  readonly files: DiskObjectFiles;
  readonly registries: RegistryStore;
  readonly repositories: RepositoryStore;
  readonly registrySettings: SettingsStore;
  readonly deliveries: DeliveryStore;
  readonly collections: CollectionStore;
  readonly content: ContentStore;
  readonly blobs: DiskBlobFiles;
  readonly uploads: UploadFiles;
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
    keepKeyCheck(db, sealUnder(folder.masterKey));
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
    accountCertificates: sqliteAccountCertificates(db, writer),
    certificateJobs: sqliteJobs(db, writer),
    accountKeys: (seal) => sqliteAccountKeys(db, writer, seal),
    localCa: (seal) => sqliteLocalCa(db, writer, seal),
    challenges: sqliteChallenges(db, writer),
    spaces,
    files,
    registries: sqliteRegistries(db, writer),
    repositories: sqliteRepositories(db, writer),
    registrySettings: sqliteRegistrySettings(db, writer),
    deliveries: sqliteDeliveries(db, writer),
    collections: sqliteCollections(db, writer),
    content: sqliteContent(db, writer),
    blobs: await diskBlobFiles(folder.registry),
    uploads: await diskUploadFiles(folder.registry),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
