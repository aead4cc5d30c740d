import { syncBuiltinESMExports } from "node:module";
import type { TestContext } from "node:test";
import zlib from "node:zlib";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { Client, type Received } from "../client.ts";
import { countingOrigin, type EdgeUnderTest, endpoint, request, startEdge } from "../support.ts";

const DECODERS = {
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
  gzip: zlib.gunzipSync,
};
export const CODINGS = ["br", "zstd", "gzip"] as const;

/** What origins here send: above the least that is compressed. */
export const TEXT: string = words(10_000);

/** Text that takes work, and does not shrink to nothing. */
export function words(sizeBytes: number): string {
  let text = "";
  for (let i = 1; text.length < sizeBytes; i = (i * 48_271) % 2_147_483_647)
    text += `${i % 9_999} `;
  return text.slice(0, sizeBytes);
}

/** The text of a whole reply, whatever its coding is. */
export function decoded({ fields, body }: Received): string {
  const coding = fields.get("content-encoding");
  const name = CODINGS.find((known) => known === coding);
  return (name === undefined ? body : DECODERS[name](body)).toString("latin1");
}

/** Has an edge compress what it has stored of this endpoint. */
export function compress(edge: EdgeUnderTest, changes: Partial<EdgeEndpoint> = {}): void {
  const settled = { ...endpoint, settings: { compression: true }, ...changes };
  edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: settled }]);
}

/** An edge that compresses, in front of an origin that answers each request alike. */
export async function startCompressing(
  headers: Readonly<Record<string, string>> = {},
  body = TEXT,
): Promise<{ edge: EdgeUnderTest; origin: ReturnType<typeof countingOrigin> }> {
  const origin = countingOrigin({ "content-type": "text/plain", etag: '"a"', ...headers });
  origin.body = body;
  const edge = await startEdge(origin.answer);
  compress(edge);
  return { edge, origin };
}

/** One request on a connection of its own, by a client that accepts this. */
export async function ask(
  edge: EdgeUnderTest,
  accepted: string | undefined,
  ...lines: readonly string[]
): Promise<Received> {
  return await askFor(edge, "GET /a", accepted, ...lines);
}

export async function askFor(
  edge: EdgeUnderTest,
  what: `${"GET" | "HEAD"} /${string}`,
  accepted: string | undefined,
  ...lines: readonly string[]
): Promise<Received> {
  using client = new Client(edge.port);
  const [method = "", target = ""] = what.split(" ");
  const accepting = accepted === undefined ? [] : [`accept-encoding: ${accepted}`];
  client.send(request(method, target, ...accepting, ...lines));
  return await client.receive(method);
}

/** Asks until the answer is coded: what is made behind is there by then. */
export async function askUntilCoded(edge: EdgeUnderTest, accepted: string): Promise<Received> {
  for (let asked = 0; asked < 20_000; asked += 1) {
    const { fields } = await askFor(edge, "HEAD /a", accepted);
    if (fields.has("content-encoding")) return await ask(edge, accepted);
  }
  throw new Error("It was never coded");
}

/** The encoders of br that are made while a test runs; `replaced` makes them in their place. */
export function watchEncoders(
  context: TestContext,
  replaced: typeof zlib.createBrotliCompress = zlib.createBrotliCompress,
): { readonly made: number } {
  const watched = context.mock.method(zlib, "createBrotliCompress", replaced);
  syncBuiltinESMExports();
  context.after(() => {
    watched.mock.restore();
    syncBuiltinESMExports();
  });
  return {
    get made() {
      return watched.mock.callCount();
    },
  };
}
