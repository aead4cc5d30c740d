import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { EdgeTarget } from "./client.ts";
import { runTool } from "./tool.ts";

/** With those that the RFC only advises. */
const CASES = 146;

/**
 * Cases that fail, with what they say; the list may only shrink. Who does not begin with HTTP/2's
 * preface in the clear is taken to speak HTTP/1.1, and is told 400 in it before the connection
 * ends: h2spec reads that answer as a frame.
 */
const KNOWN_IN_THE_CLEAR = new Map([
  ["3.5. HTTP/2 Connection Preface: Sends invalid connection preface", /HTTP\/1\.1 header/],
]);

/** Every case of RFC 9113 and 7541 that h2spec has, as a test of its own. */
export function h2specSuite(program: string, edge: EdgeTarget, folder: string): void {
  const over = [
    { name: "h2spec over TLS", url: edge.secure, options: ["--tls", "--insecure"] },
    { name: "h2spec in the clear", url: edge.plain, options: [] },
  ];
  for (const { name, url, options } of over) {
    const known = options.length === 0 ? KNOWN_IN_THE_CLEAR : new Map<string, RegExp>();
    describe(name, async () => {
      const report = join(folder, `${name.replaceAll(" ", "-")}.xml`);
      const { hostname, port } = new URL(url);
      const target = ["--host", hostname, "--port", port, "--path", "/small?h2spec"];
      const args = [...target, "--strict", "--timeout", "5", "--junit-report", report, ...options];
      const { stdout } = await runTool(program, args);
      const cases = casesOf(await readFile(report, "utf8"));
      test(`has run its ${CASES} cases`, () => {
        assert.equal(cases.length, CASES, stdout);
      });
      for (const one of cases) {
        test(one.name, () => {
          const expected = known.get(one.name);
          if (expected === undefined) assert.equal(one.failure, undefined);
          else assert.match(one.failure ?? "it passes now", expected);
        });
      }
    });
  }
}

interface Case {
  readonly name: string;
  /** Absent: it passed. */
  readonly failure: string | undefined;
}

/** Of a JUnit report as h2spec writes it: its elements are never nested in their own kind. */
function casesOf(xml: string): Case[] {
  return [...xml.matchAll(/<testsuite name="([^"]*)"[^>]*>(.*?)<\/testsuite>/gs)].flatMap(
    ([, suite = "", inside = ""]) =>
      [
        ...inside.matchAll(/<testcase [^>]*classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs),
      ].map(([, name = "", outcome = ""]) => ({
        name: plain(`${suite}: ${name}`),
        failure: outcome.trim() === "" ? undefined : plain(outcome),
      })),
  );
}

function plain(xml: string): string {
  return xml
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}
