import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { EdgeTarget } from "./client.ts";
import { contentOf, sha256 } from "./content.ts";
import { IMAGES, LARGE_BYTES, TRAILER_CONTENT } from "./origin.ts";
import { missing, type Ran, runTool } from "./tool.ts";

const UPLOAD_BYTES = 300_000;

/** nghttp2's own client, with what few others do: priorities, padding, CONTINUATION, odd windows. */
export async function nghttpContract(edge: EdgeTarget, folder: string): Promise<void> {
  const noNghttp = await missing("nghttp");
  const upload = join(folder, "upload");
  await writeFile(upload, contentOf(UPLOAD_BYTES));

  for (const [where, url] of [
    ["over TLS", edge.secure],
    ["in the clear", edge.plain],
  ] as const) {
    describe(`nghttp, ${where}`, { skip: noNghttp }, () => {
      test("gets a page and all that it links to, by priorities of dependency", async () => {
        const rows = await statistics("-ans", `${url}/page?nghttp`);
        assert.equal(rows.length, 1 + 1 + IMAGES);
        assert(rows.every(({ status }) => status === 200));
      });

      test("gets several resources, each with a weight of its own", async () => {
        const urls = ["small", "item", "large"].map((name) => `${url}/${name}?nghttp`);
        const rows = await statistics("-ns", "-p", "1", "-p", "256", "-p", "16", ...urls);
        assert.deepEqual(rows.map(({ path }) => path).toSorted(), [
          "/item?nghttp",
          "/large?nghttp",
          "/small?nghttp",
        ]);
        assert(rows.every(({ status }) => status === 200));
      });

      for (const [what, options] of CONTENT_OPTIONS) {
        test(`has its content sent back ${what}`, async () => {
          const { stdout } = await nghttp(...options, "-d", upload, `${url}/echo`);
          assertContent(stdout, UPLOAD_BYTES);
        });
      }

      test("is told to go on before it sends what it announced", async () => {
        const { stdout } = await nghttp("-nv", "--expect-continue", "-d", upload, `${url}/echo`);
        const order = [":status: 100", "send DATA frame", ":status: 200"];
        const places = order.map((one) => stdout.indexOf(one));
        assert(places.every((place) => place > 0));
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        );
      });

      test("sends trailers, which go no further than the edge (ADR 7)", async () => {
        const trailer = ["--trailer", "x-sum: 17", "-d", upload];
        const { stdout } = await nghttp("-nv", ...trailer, `${url}/echo`);
        assert.match(stdout, /:status: 200/);
        assert.match(stdout, new RegExp(`x-length: ${UPLOAD_BYTES}`));
      });

      for (const [what, options] of READ_OPTIONS) {
        test(`gets 10 MiB ${what}`, async () => {
          const { stdout } = await nghttp(...options, `${url}/large?nghttp`);
          assertContent(stdout, LARGE_BYTES);
        });
      }

      test("gets the same resource 300 times, on as many streams as it may open", async () => {
        const rows = await statistics("-ns", "-m", "300", `${url}/item?nghttp`);
        assert.equal(rows.length, 300);
        assert(rows.every(({ status }) => status === 200));
      });

      test("sees the trailers of the origin", async () => {
        const { stdout } = await nghttp("-nv", `${url}/trailers?nghttp`);
        assert(stdout.includes(`x-checksum: ${sha256(TRAILER_CONTENT)}`));
      });

      test("sees early hints before the response", async () => {
        const { stdout } = await nghttp("-nv", `${url}/hints?nghttp`);
        assert(stdout.indexOf(":status: 103") > 0);
        assert(stdout.indexOf(":status: 103") < stdout.indexOf(":status: 200"));
      });
    });
  }
}

const CONTENT_OPTIONS: readonly (readonly [what: string, options: readonly string[]])[] = [
  ["that has a length", []],
  ["that has none", ["--no-content-length"]],
  ["in padded frames", ["-b", "255"]],
  ["after a head that takes CONTINUATION", ["--continuation"]],
  ["without priorities", ["--no-dep"]],
];

const READ_OPTIONS: readonly (readonly [what: string, options: readonly string[]])[] = [
  ["through windows of 1 KiB", ["-w", "10"]],
  ["through the largest windows", ["-w", "30", "-W", "30"]],
  ["with no table of its own for HPACK", ["-c", "0", "--encoder-header-table-size", "0"]],
  ["with a table that shrinks and grows", ["-c", "64", "-c", "8192"]],
];

async function nghttp(...args: readonly string[]): Promise<Ran> {
  const ran = await runTool("nghttp", ["--no-verify-peer", "--timeout", "30", ...args]);
  assert.equal(ran.code, 0, ran.stderr);
  assert(!ran.stderr.includes("[ERROR]") && !ran.stdout.includes("[ERROR]"), ran.stderr);
  return ran;
}

function assertContent(octets: string, bytes: number): void {
  const content = Buffer.from(octets, "latin1");
  assert.equal(content.length, bytes);
  assert.equal(sha256(content), sha256(contentOf(bytes)));
}

interface Row {
  readonly status: number;
  readonly path: string;
}

/** The table that `-s` prints. */
async function statistics(...args: readonly string[]): Promise<Row[]> {
  const { stdout } = await nghttp(...args);
  const rows = stdout.matchAll(/^ *\d+ +\+\S+ +\+\S+ +\S+ +(\d{3}) +\S+ (\S+)$/gm);
  return [...rows].map(([, status = "", path = ""]) => ({ status: Number(status), path }));
}
