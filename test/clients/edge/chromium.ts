import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect } from "node:tls";
import type { Atoll } from "../../support/atoll.ts";
import { inParallel } from "../../support/until.ts";
import { createEndpoint, freshName, originOf, putObject } from "../../support/world.ts";
import { IMAGES, svg } from "./origin.ts";
import { missing } from "./tool.ts";

/** As much of playwright-core as is used here. */
interface Playwright {
  readonly chromium: {
    launch(options: {
      readonly executablePath: string;
      readonly args: readonly string[];
    }): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
  };
}

interface Page {
  goto(url: string, options: { readonly waitUntil: "load" }): Promise<unknown>;
  evaluate<T>(script: string): Promise<T>;
  screenshot(options: { readonly path: string }): Promise<unknown>;
}

/** What a page knows of each thing that it has loaded. */
interface Loaded {
  readonly name: string;
  readonly protocol: string;
  readonly status: number;
  readonly timing: readonly string[];
}

const PROGRAM = "/usr/bin/chromium";
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  // An upload of what went wrong, say, is none of a test's business.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost",
];

const LOADED = `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((entry) => ({
    name: entry.name,
    protocol: entry.nextHopProtocol,
    status: entry.responseStatus,
    timing: entry.serverTiming.map(({ name, description }) => name + "=" + description),
  }))`;
const DRAWN = `[...document.images].filter((image) => image.complete && image.naturalWidth === 40).length`;
/** The page once more, past the browser's own cache; its entry may come a little later. */
const AGAIN = `(async () => {
  const reply = await fetch(location.href, { cache: "no-store" });
  await reply.text();
  let entry;
  for (let frame = 0; frame < 100 && entry === undefined; frame += 1) {
    await new Promise(requestAnimationFrame);
    [entry] = performance.getEntriesByName(location.href, "resource");
  }
  const timing = entry.serverTiming.map(({ name, description }) => name + "=" + description);
  return { xCache: reply.headers.get("x-cache"), protocol: entry.nextHopProtocol, timing };
})()`;

/** A page with images, as a browser loads it from the platform's edge. */
export async function chromiumContract(
  atoll: Atoll,
  clients: string,
  screenshot: string,
): Promise<void> {
  const noChromium = await missing(PROGRAM);

  describe("Chromium", { skip: noChromium }, () => {
    test(`loads a page with ${IMAGES} images over HTTP/2, and sees how each was served`, async () => {
      const url = await putPage(atoll);
      const { chromium } = playwright(clients);
      const trust = `--ignore-certificate-errors-spki-list=${await keyHash(atoll, url)}`;
      const browser = await chromium.launch({
        executablePath: PROGRAM,
        args: [...ARGUMENTS, trust],
      });
      try {
        const page = await browser.newPage();
        await page.goto(url, { waitUntil: "load" });
        assert.equal(await page.evaluate(DRAWN), IMAGES);
        assertLoaded(await page.evaluate(LOADED));
        await page.screenshot({ path: screenshot });
        const again = { xCache: "HIT", protocol: "h2", timing: ["cache=HIT"] };
        assert.deepEqual(await page.evaluate(AGAIN), again);
      } finally {
        await browser.close();
      }
    });
  });
}

function assertLoaded(loaded: readonly Loaded[]): void {
  const own = loaded.filter(({ name }) => !name.endsWith("/favicon.ico"));
  assert.equal(own.length, 1 + IMAGES);
  for (const { name, protocol, status, timing } of own) {
    assert.equal(protocol, "h2", name);
    assert.equal(status, 200, name);
    assert(timing.includes("cache=MISS"), `${name}: ${timing.join(", ")}`);
    assert(
      timing.some((metric) => metric.startsWith("origin=")),
      name,
    );
  }
}

/** Puts it into a Space of its own, and answers its URL at the edge. */
async function putPage(atoll: Atoll): Promise<string> {
  const space = freshName("page");
  await createEndpoint(atoll, originOf(space));
  const numbers = Array.from({ length: IMAGES }, (_, index) => index);
  await inParallel(numbers, 8, (number) =>
    putObject(atoll, space, `${number}.svg`, svg(number * 7), { type: "image/svg+xml" }),
  );
  const images = numbers.map((number) => `<img src="${number}.svg" alt="">`).join("");
  const page = `<!doctype html><title>Images</title><h1>${IMAGES} images</h1><p>${images}</p>`;
  await putObject(atoll, space, "index.html", page, { type: "text/html; charset=utf-8" });
  const { port } = new URL(atoll.runtime.edge_tls);
  return `https://${space}.nyc3.cdn.spaces.localhost:${port}/index.html`;
}

function playwright(clients: string): Playwright {
  return createRequire(join(clients, "package.json"))("playwright-core") as Playwright;
}

/** Of the key that the edge shows, once the local CA has been found to vouch for it. */
async function keyHash(atoll: Atoll, url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const ca = readFileSync(join(atoll.dataDir, "ca", "ca.pem"));
  const socket = connect({ host: "127.0.0.1", port: Number(port), servername: hostname, ca });
  try {
    await once(socket, "secureConnect");
    const key = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
    assert(key !== undefined);
    return createHash("sha256").update(key).digest("base64");
  } finally {
    socket.destroy();
  }
}
