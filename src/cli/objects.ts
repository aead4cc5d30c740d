import { open } from "node:fs/promises";
import { lookup } from "mrmime";
import { z } from "zod";
import type { Api } from "./api.ts";
import { Nothing } from "./reply.ts";
import { type SpaceName, spacePath } from "./spaces.ts";
import { CommandError } from "./world.ts";

/** One at a time waits for the network; more than this is unkind to the server. */
const IN_PARALLEL = 4;

/** An object as the API shows it. */
export const SpaceObject = z.looseObject({
  key: z.string(),
  size_bytes: z.number(),
  etag: z.string(),
  content_type: z.string().nullish(),
  cache_control: z.string().nullish(),
  last_modified: z.string(),
});
export type SpaceObject = z.output<typeof SpaceObject>;

/** A file on its way to a key. */
export interface Upload {
  readonly path: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Stores a file's bytes under a key, as they are read. */
export async function putObject(api: Api, space: SpaceName, upload: Upload): Promise<SpaceObject> {
  await using file = await open(upload.path, "r").catch((error: Error) => {
    throw new CommandError(`Cannot read it: ${error.message}`, { cause: error });
  });
  const stats = await file.stat();
  if (stats.isDirectory()) {
    throw new CommandError(`${upload.path} is a folder: atoll space sync puts those.`);
  }
  if (!stats.isFile()) throw new CommandError(`${upload.path} is not a file.`);
  const { size } = stats;
  // Exactly as long as it was said to be, whatever is appended meanwhile.
  const range = { start: 0, end: size - 1, autoClose: false };
  const reply = await api.upload(
    {
      path: `${spacePath(space)}/object`,
      query: { key: upload.key },
      headers: { "content-type": contentType(upload), ...upload.headers, ...length(size) },
      content: size === 0 ? undefined : file.createReadStream(range),
    },
    z.looseObject({ object: SpaceObject }),
  );
  return reply.object;
}

/** Removes an object. */
export async function deleteObject(api: Api, space: SpaceName, key: string): Promise<void> {
  const path = `${spacePath(space)}/object`;
  await api.call({ method: "DELETE", path, query: { key } }, Nothing);
}

const Listing = z.looseObject({ objects: z.array(SpaceObject), next: z.string().nullish() });

/** Objects in the order of their keys, a page at a time as they are asked for. */
export async function* listObjects(
  api: Api,
  space: SpaceName,
  prefix: string,
): AsyncGenerator<SpaceObject> {
  const path = `${spacePath(space)}/objects`;
  let after: string | undefined;
  do {
    const query = { prefix, limit: "1000", ...(after === undefined ? {} : { after }) };
    const page: z.output<typeof Listing> = await api.call({ method: "GET", path, query }, Listing);
    yield* page.objects;
    // A server that gives the same page for ever must not hold us for ever.
    if (page.next === after) return;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/** Runs the work for each item, some at a time. Work that can fail says so in its own way. */
export async function inParallel<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = Iterator.from(items);
  const run = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: IN_PARALLEL }, run));
}

/** The key says how it is to be used; the file's name is the second best. */
function contentType({ key, path }: Upload): string {
  return lookup(key) ?? lookup(path) ?? "application/octet-stream";
}

function length(sizeBytes: number): Readonly<Record<string, string>> {
  return { "content-length": String(sizeBytes) };
}
