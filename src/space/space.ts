import type { Listed } from "#api/page.ts";
import type { CorsRule } from "#feed/entry.ts";

/** A name, a region, an account, and where its objects are. Name and region are unique together. */
export interface Space {
  readonly id: number;
  readonly accountId: number;
  readonly name: string;
  readonly region: string;
  /** URL template of the store that has the objects; absent: they are embedded. */
  readonly upstream?: string;
  /** Sealed SigV4 credentials for the upstream. */
  readonly sealedCredentials?: Uint8Array;
  /** In order, header names as they were given. Absent: there are none. */
  readonly cors?: readonly CorsRule[];
  readonly createdAt: number;
}

export type NewSpace = Omit<Space, "id">;

/** A Space with what it holds. */
export interface SpaceUsage extends Space {
  readonly objectCount: number;
  readonly sizeBytes: number;
}

/** What an embedded object keeps besides its bytes. */
export interface StoredObject {
  readonly spaceId: number;
  /** UTF-8 of 1 to 1,024 bytes, any characters: it never becomes a file's name. */
  readonly key: string;
  /** Names the file that has the bytes. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Entity-tag without quotes: the MD5 of the bytes, as S3 gives for a single PUT. */
  readonly etag: string;
  readonly contentType: string;
  readonly cacheControl?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  /** `x-amz-meta-*` without the prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly lastModified: number;
}

/** Port: Spaces and what is known of their objects. */
export interface SpaceStore {
  createSpace(space: NewSpace): Promise<Space | "name-taken">;
  findSpace(name: string, region: string): Space | undefined;
  pageOfSpaces(accountId: number, offset: number, limit: number): Listed<SpaceUsage>;
  deleteSpace(id: number): Promise<"deleted" | "not-empty" | "in-use">;
  /**
   * Replaces all rules, or with `undefined` removes them; with the number of the change that its
   * endpoints' edges have been handed, if it has endpoints.
   */
  putCors(
    id: number,
    rules: readonly CorsRule[] | undefined,
  ): Promise<{ readonly number?: number } | "space-missing">;

  /** Replaces what the key had; the file that is no longer referred to, if any. */
  putObject(object: StoredObject): Promise<{ readonly replacedFile?: string } | "space-missing">;
  findObject(spaceId: number, key: string): StoredObject | undefined;
  /** In order of the keys' UTF-8 bytes, those after `after`. */
  listObjects(
    spaceId: number,
    range: { readonly prefix: string; readonly after: string; readonly limit: number },
  ): readonly StoredObject[];
  /** The file that it had, when there was one. */
  deleteObject(spaceId: number, key: string): Promise<string | undefined>;
  /** Every file that some object refers to. */
  referredFiles(): ReadonlySet<string>;
}

/** Port: the bytes of embedded objects, each in a file that is written once. */
export interface ObjectFiles {
  /**
   * Writes the bytes to a new file and makes them durable. What fails or is aborted leaves nothing.
   * @throws Problem("payload_too_large") over `sizeBytesMax`
   */
  write(
    bytes: AsyncIterable<Uint8Array>,
    sizeBytesMax: number,
    signal: AbortSignal,
  ): Promise<{ readonly file: string; readonly sizeBytes: number; readonly etag: string }>;
  /** Undefined when it is gone: replaced or removed since its name was read. */
  open(file: string): Promise<OpenFile | undefined>;
  /** Once nobody holds deletions back; a reader that has it open reads to its end. */
  remove(file: string): Promise<void>;
}

export interface OpenFile extends AsyncDisposable {
  /** `last` is inclusive, as in RFC 9110 §14.1.2. */
  read(first: number, last: number): AsyncIterable<Uint8Array>;
}
