import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createServer, connect as tlsConnect } from "node:tls";
import { promisify } from "node:util";
import {
  decideLeaf,
  LEAF_LIFETIME_DAYS,
  leafValidity,
  parseLeafName,
  parseLeafNames,
  type StoredLeaf,
} from "#certificate/local-ca.ts";
import { type Clock, manualClock, systemClock } from "#clock.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "../support/ca-store.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
const NAMES = ["localhost", "*.spaces.localhost", "127.0.0.1", "::1"];

const root = await mkdtemp(join(tmpdir(), "atoll-ca-"));
after(() => rm(root, { recursive: true }));
const folder = async (): Promise<string> => join(await mkdtemp(join(root, "x-")), "ca");

async function opensslSays(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)("openssl", args);
  return stdout + stderr;
}

describe("a leaf of the local CA", () => {
  const stored: StoredLeaf = {
    names: ["localhost", "::1"],
    notBefore: NOW,
    notAfter: NOW + 300 * DAY,
    keyMatches: true,
    issuedByThisCa: true,
  };
  const cases = [
    { when: "it is good", change: {}, at: 0, is: "keep" },
    { when: "it is just short of its last third", change: {}, at: 200 * DAY - 1, is: "keep" },
    { when: "a third of its life is left", change: {}, at: 200 * DAY, is: "due" },
    { when: "it has expired", change: {}, at: 301 * DAY, is: "due" },
    { when: "the clock was set back", change: {}, at: -DAY, is: "not-yet-valid" },
    { when: "a name is missing", change: { names: ["localhost"] }, at: 0, is: "names" },
    { when: "it has a name too many", change: { names: ["localhost", "::1", "a"] }, is: "names" },
    { when: "another CA signed it", change: { issuedByThisCa: false }, at: 0, is: "issuer" },
    { when: "its key is another's", change: { keyMatches: false }, at: 0, is: "key" },
  ] as const;
  for (const { when, change, is, ...rest } of cases) {
    const at = "at" in rest ? rest.at : 0;
    test(`is ${is === "keep" ? "kept" : `issued anew (${is})`} when ${when}`, () => {
      const wanted = parseLeafNames(["localhost", "::1"]);
      const decision = decideLeaf({ ...stored, ...change }, wanted, NOW + at);
      assert.equal(decision.kind === "keep" ? "keep" : decision.reason, is);
    });
  }

  test("is issued when there is none", () => {
    const decision = decideLeaf(undefined, parseLeafNames(["a"]), NOW);
    assert.deepEqual(decision, { kind: "issue", reason: "missing" });
  });

  test("never outlives its CA", () => {
    const end = new Date(NOW + 30 * DAY);
    assert.equal(leafValidity(NOW, end).notAfter, end);
  });

  test("is valid for no longer than clients accept", () => {
    const { notBefore, notAfter } = leafValidity(NOW, new Date(NOW + 3_650 * DAY));
    assert.equal(notAfter.getTime() - notBefore.getTime(), LEAF_LIFETIME_DAYS * DAY);
    assert.ok(notBefore.getTime() < NOW);
  });
});

describe("a name on a leaf", () => {
  const names = [
    ["LocalHost", "localhost"],
    ["api.example.net", "api.example.net"],
    ["*.cdn.spaces.localhost", "*.cdn.spaces.localhost"],
    ["10.0.0.1", "10.0.0.1"],
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8::1", "2001:db8::1"],
  ] as const;
  for (const [text, canonical] of names) {
    test(`may be ${text}`, () => assert.equal(parseLeafName(text)?.text, canonical));
  }
  for (const text of ["", "a b", "*.net", "a.*.net", "-a.net", "a..b", "fe80::1%eth0", "a,DNS:b"]) {
    test(`cannot be ${JSON.stringify(text)}`, () => assert.equal(parseLeafName(text), undefined));
  }
  test("is wanted at least once, and not without end", () => {
    assert.throws(() => parseLeafNames([]), /1 to 100 names, not 0/);
    assert.throws(() => parseLeafNames(Array.from({ length: 101 }, (_, n) => `h${n}`)), /not 101/);
  });
});

describe("a leaf that is asked for again", () => {
  test("is the same until a third of its life is left", async () => {
    const clock = manualClock(NOW);
    const ca = await openLocalCa(await folder(), memoryCaStore(), clock);
    const first = await ca.leafFor(NAMES, "api");
    clock.advance(260 * DAY);
    assert.equal((await ca.leafFor(NAMES, "api")).cert, first.cert);
    clock.advance(10 * DAY);
    const second = await ca.leafFor(NAMES, "api");
    assert.notEqual(second.cert, first.cert);
    assert.ok(second.notAfter > first.notAfter);
  });

  test("is another when the names change, or after a start: its key was in memory only", async () => {
    const directory = await folder();
    const store = memoryCaStore();
    const ca = await openLocalCa(directory, store, manualClock(NOW));
    const first = await ca.leafFor(NAMES, "api");
    const second = await ca.leafFor([...NAMES, "api.example.net"], "api");
    assert.notEqual(second.cert, first.cert);
    const later = await openLocalCa(directory, store, manualClock(NOW));
    const third = await later.leafFor(NAMES, "api");
    assert.notEqual(third.cert, first.cert);
    assert(new X509Certificate(third.cert).verify(new X509Certificate(ca.caPem).publicKey));
  });

  test("is one for each purpose", async () => {
    const ca = await openLocalCa(await folder(), memoryCaStore(), manualClock(NOW));
    const leaf = await ca.leafFor(NAMES, "api");
    assert.notEqual((await ca.leafFor(NAMES, "registry")).cert, leaf.cert);
    assert.equal((await ca.leafFor(NAMES, "api")).cert, leaf.cert);
  });
});

describe("a leaf as others see it", () => {
  async function issued(clock: Clock): Promise<string> {
    const directory = await folder();
    const ca = await openLocalCa(directory, memoryCaStore(), clock);
    await writeFile(join(directory, "leaf.pem"), (await ca.leafFor(NAMES, "api")).cert);
    return directory;
  }

  test("passes OpenSSL's strict check, for a host name, a wildcard and an address", async () => {
    const directory = await issued(systemClock);
    const strict = ["-x509_strict", "-purpose", "sslserver", "-CAfile", join(directory, "ca.pem")];
    const leaf = join(directory, "leaf.pem");
    for (const target of ["localhost", "images.spaces.localhost"]) {
      const said = await opensslSays("verify", ...strict, "-verify_hostname", target, leaf);
      assert.match(said, /: OK\n/);
    }
    for (const target of ["127.0.0.1", "::1"]) {
      assert.match(await opensslSays("verify", ...strict, "-verify_ip", target, leaf), /: OK\n/);
    }
  });

  test("has the extensions that strict clients ask for", async () => {
    const directory = await issued(manualClock(NOW));
    const printed = await opensslSays(
      "x509",
      "-in",
      join(directory, "leaf.pem"),
      "-noout",
      "-text",
    );
    for (const line of [
      /Basic Constraints: critical\s+CA:FALSE/,
      /Key Usage: critical\s+Digital Signature\n/,
      /Extended Key Usage:\s+TLS Web Server Authentication/,
      /Authority Key Identifier:\s+([0-9A-F]{2}:)+/,
      /Subject Key Identifier:/,
      /DNS:localhost, DNS:\*\.spaces\.localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/,
    ]) {
      assert.match(printed, line);
    }
  });

  test("is what a TLS client that trusts the CA connects to", async () => {
    const ca = await openLocalCa(await folder(), memoryCaStore(), systemClock);
    await using server = createServer(await ca.leafFor(NAMES, "api"), (socket) => socket.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = tlsConnect({ port, host: "127.0.0.1", servername: "localhost", ca: ca.caPem });
    await once(socket, "secureConnect");
    assert.equal(socket.authorized, true);
    socket.destroy();
  });
});
