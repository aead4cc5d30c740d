import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { EdgeTarget } from "./client.ts";
import { contentOf } from "./content.ts";
import { LARGE_BYTES, SMALL_BYTES } from "./origin.ts";
import { missing, runTool } from "./tool.ts";

const REQUESTS = 2_000;
const CONNECTIONS = 10;
const LARGE_REQUESTS = 40;

/** Load, in which not one request may fail. */
export async function h2loadContract(edge: EdgeTarget, folder: string): Promise<void> {
  const noH2load = await missing("h2load");
  const protocols = [
    { name: "HTTP/2 over TLS", url: edge.secure, options: [] },
    { name: "HTTP/2 in the clear", url: edge.plain, options: [] },
    { name: "HTTP/1.1 over TLS", url: edge.secure, options: ["--h1"] },
    { name: "HTTP/1.1 in the clear", url: edge.plain, options: ["--h1"] },
  ];

  describe("h2load", { skip: noH2load }, () => {
    for (const { name, url, options } of protocols) {
      for (const at of [1, 10, 100]) {
        test(`gets ${REQUESTS} responses, ${at} at a time, by ${name}`, async () => {
          const args = [...options, "-m", String(at), `${url}/small?load`];
          await load({ requests: REQUESTS, bytes: REQUESTS * SMALL_BYTES }, args);
        });
      }

      test(`gets ${LARGE_REQUESTS} responses of 10 MiB by ${name}`, async () => {
        const args = [...options, "-m", "4", `${url}/large?load`];
        await load({ requests: LARGE_REQUESTS, bytes: LARGE_REQUESTS * LARGE_BYTES }, args);
      });
    }

    test("gets them through the smallest windows that it has", async () => {
      const args = ["-w", "10", "-W", "16", "-m", "10", `${edge.secure}/item?load`];
      await load({ requests: 200, bytes: 200 * 20_000 }, args);
    });

    test("sends content with each request", async () => {
      const file = join(folder, "load");
      await writeFile(file, contentOf(SMALL_BYTES));
      const args = ["-d", file, "-m", "10", `${edge.secure}/echo`];
      await load({ requests: 500, bytes: 500 * SMALL_BYTES }, args);
    });
  });
}

async function load(
  { requests, bytes }: { readonly requests: number; readonly bytes: number },
  args: readonly string[],
): Promise<void> {
  const clients = ["-n", String(requests), "-c", String(CONNECTIONS)];
  const { code, stdout, stderr } = await runTool("h2load", [...clients, ...args]);
  assert.equal(code, 0, stderr);
  const all = `${requests} total, ${requests} started, ${requests} done, ${requests} succeeded`;
  assert(stdout.includes(`requests: ${all}, 0 failed, 0 errored, 0 timeout`), stdout);
  assert(stdout.includes(`status codes: ${requests} 2xx, 0 3xx, 0 4xx, 0 5xx`), stdout);
  assert.match(stdout, new RegExp(`\\(${bytes}\\) data$`, "m"));
}
