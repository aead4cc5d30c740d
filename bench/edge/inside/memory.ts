import assert from "node:assert/strict";
import { argv, exit, stdout } from "node:process";
import { askOverHttp1, askOverHttp2 } from "../asking.ts";
import { startInnerEdge } from "./inner-edge.ts";
import { settledMemory } from "./settled-memory.ts";

/**
 * `memory.ts ORIGIN OBJECTS`: what each of so many objects of 1 KiB takes in an edge, each fetched
 * from the origin, then hit once over HTTP/1.1, and a tenth of them over HTTP/2.
 */
const [, , origin = "", count = ""] = argv;
const objects = Number(count);

const SIZE = "1k";
const BODY_BYTES = 1_024;
/** Stored and used before: what is kept of the latest hits is bounded, and is full then. */
const BEFORE = 20_000;

const { memory, port } = await startInnerEdge(origin);
await use(0, BEFORE, BEFORE);
const before = await settledMemory();
const textBefore = textBytes();
await use(BEFORE, BEFORE + objects, Math.ceil(objects / 10));
const after = await settledMemory();
const textAfter = textBytes();
assert.equal(memory.size, BEFORE + objects);

// What Node calls external has its array buffers in it.
const grown = after.heapUsed + after.external - before.heapUsed - before.external;
const lineBytes = textAfter.lines - textBefore.lines;
stdout.write(
  JSON.stringify({
    overhead: each(grown - lineBytes),
    key: each(textAfter.keys - textBefore.keys) + BODY_BYTES,
    lines: each(lineBytes) + BODY_BYTES,
    resident: each(after.rss - before.rss - lineBytes),
  }),
);
exit();

/** Of what was added, without the body. */
function each(bytes: number): number {
  return Math.round(bytes / objects) - BODY_BYTES;
}

async function use(first: number, end: number, overHttp2: number): Promise<void> {
  const span = { size: SIZE, first, end };
  await askOverHttp1(port, span, "MISS");
  await askOverHttp1(port, span, "HIT");
  await askOverHttp2(port, { ...span, end: first + overHttp2 }, "HIT");
}

/** One octet a character, all of it. */
function textBytes(): { readonly keys: number; readonly lines: number } {
  let keys = 0;
  let lines = 0;
  for (const stored of memory.entries()) {
    keys += stored.key.length;
    lines += stored.section.text.length;
  }
  return { keys, lines };
}
