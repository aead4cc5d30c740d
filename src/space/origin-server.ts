import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { HOP_SECRET_FIELD, hopSecretCheck } from "#http/hop-secret.ts";
import {
  effectiveRange,
  evaluateAtOrigin,
  type RequestField,
  type Validators,
} from "#http/precondition.ts";
import { selectRange } from "#http/range.ts";
import { listen } from "#listen.ts";
import type { Logger } from "#log.ts";
import { headFields } from "./object-head.ts";
import type { ObjectFiles, OpenFile, SpaceStore, StoredObject } from "./space.ts";

export interface OriginServer extends AsyncDisposable {
  readonly port: number;
}

interface Parts {
  readonly store: SpaceStore;
  readonly files: ObjectFiles;
  readonly secret: string;
  readonly log: Logger;
}

/**
 * Serves embedded Spaces to the edges over the loopback: `/<space>.<region>/<key>`. To an edge it
 * is a store like any other, with S3's errors; listings it has none.
 */
export async function startOriginServer(parts: Parts): Promise<OriginServer> {
  const isOurs = hopSecretCheck(parts.secret);
  const server = createServer((request, response) => {
    // Nobody else on this machine gets at private objects.
    if (!isOurs(request.headers[HOP_SECRET_FIELD])) return refuse(response, 403, "AccessDenied");
    answer(parts, request, response).catch((error: unknown) => {
      // A reader that left is no event; anything else is ours to mend.
      if (!hasReaderLeft(error)) parts.log.error({ err: error }, "origin request failed");
      response.destroy();
    });
  });
  // Idle connections are the edges' own pools.
  server.keepAliveTimeout = 60_000;
  const address = { host: "127.0.0.1", port: 0, variable: "nothing" };
  const port = await listen(server, address);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function answer(
  { store, files }: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuse(response, 405, "MethodNotAllowed");
  }
  const address = objectAddress(request.url ?? "");
  if (address === undefined) return refuse(response, 400, "InvalidURI");
  const space = store.findSpace(address.name, address.region);
  if (space === undefined) return refuse(response, 404, "NoSuchBucket");
  for (let attempt = 1; ; attempt += 1) {
    const object = store.findObject(space.id, address.key);
    if (object === undefined) return refuse(response, 404, "NoSuchKey");
    const file = await files.open(object.file);
    if (file !== undefined) {
      await using opened = file;
      return await serve(object, opened, request, response);
    }
    // Replaced between the two: what replaced it is there now.
    if (attempt === 3) throw new Error(`The file of object ${object.key} is missing`);
  }
}

function hasReaderLeft(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"].includes(code);
}

interface ObjectAddress {
  readonly name: string;
  readonly region: string;
  readonly key: string;
}

/** A key is the path's octets, decoded once; dot segments and double slashes are only characters. */
function objectAddress(target: string): ObjectAddress | undefined {
  const match = /^\/([a-z0-9-]+)\.([a-z0-9]+)\/([^?]*)/.exec(target);
  if (match === null) return undefined;
  const [, name = "", region = "", escaped = ""] = match;
  try {
    return { name, region, key: decodeURIComponent(escaped) };
  } catch {
    return undefined;
  }
}

async function serve(
  object: StoredObject,
  file: OpenFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fields = { ...headFields(object), "accept-ranges": "bytes" };
  const validators = validatorsOf(object);
  const field: RequestField = (name) => request.headers[name]?.toString();
  const condition = evaluateAtOrigin(field, validators, object.lastModified);
  if (condition === "failed") return refuse(response, 412, "PreconditionFailed");
  if (condition === "not-modified") {
    response.writeHead(304, fields).end();
    return;
  }
  const range = effectiveRange(request.method ?? "", field, validators, object.lastModified);
  const selected = selectRange(range, object.sizeBytes);
  if (selected.kind === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${object.sizeBytes}`);
    return refuse(response, 416, "InvalidRange");
  }
  const first = selected.kind === "range" ? selected.first : 0;
  const last = selected.kind === "range" ? selected.last : object.sizeBytes - 1;
  response.writeHead(selected.kind === "range" ? 206 : 200, {
    ...fields,
    "content-length": last - first + 1,
    ...(selected.kind === "range"
      ? { "content-range": `bytes ${first}-${last}/${object.sizeBytes}` }
      : {}),
  });
  if (request.method === "HEAD" || last < first) {
    response.end();
    return;
  }
  await pipeline(file.read(first, last), response);
}

/**
 * The entity-tag is strong; a date never is: it counts seconds, in which an object may be replaced
 * twice. Two-digit years of a request are taken to be near the object's own.
 */
function validatorsOf(object: StoredObject): Validators {
  const modifiedMs = Math.floor(object.lastModified / 1_000) * 1_000;
  return {
    etag: `"${object.etag}"`,
    lastModified: new Date(modifiedMs).toUTCString(),
    modifiedMs,
    dateMs: modifiedMs,
  };
}

/** S3's error body. */
function refuse(response: ServerResponse, status: number, code: string): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;
  response
    .writeHead(status, {
      "content-type": "application/xml",
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}
