import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { EdgeTarget } from "./client.ts";
import { missing, type Ran, runTool } from "./tool.ts";

/** What both protocols answer, and end the connection: who speaks HTTP/2 gets a GOAWAY. */
const REQUEST = "GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const VERSIONS = [
  { version: "TLSv1.2", option: "-tls1_2", curl: ["--tls-max", "1.2"] },
  { version: "TLSv1.3", option: "-tls1_3", curl: ["--tlsv1.3"] },
] as const;
const OLD_VERSIONS = ["-tls1", "-tls1_1"] as const;
const RESUMPTIONS = 6;

/** Handshakes of OpenSSL's own client, and of curl. */
export async function tlsContract(edge: EdgeTarget, folder: string): Promise<void> {
  const noOpenssl = await missing("openssl", ["version"]);
  const noCurl = await missing("curl");

  describe("OpenSSL", { skip: noOpenssl }, () => {
    const shake = (...args: readonly string[]) => handshake(edge, args);

    for (const { version, option } of VERSIONS) {
      for (const protocol of ["h2", "http/1.1"]) {
        test(`resumes a session of ${version} and ${protocol}, at any worker`, async () => {
          const file = join(folder, `session-${version}-${protocol.replace("/", "-")}`);
          const terms = [option, "-alpn", protocol];
          const first = await shake(...terms, "-sess_out", file);
          assert.match(first.stdout, new RegExp(`^New, ${version}`, "m"));
          for (let time = 0; time < RESUMPTIONS; time += 1) {
            const again = await shake(...terms, "-sess_in", file, "-sess_out", file);
            assert.match(again.stdout, new RegExp(`^Reused, ${version}`, "m"));
            assert.match(again.stdout, new RegExp(`^ALPN protocol: ${protocol}$`, "m"));
          }
        });
      }
    }

    test("resumes five times when it reconnects", async () => {
      const { stdout } = await shake("-tls1_2", "-reconnect");
      assert.equal(stdout.match(/^Reused, TLSv1\.2/gm)?.length, 5);
    });

    for (const option of OLD_VERSIONS) {
      test(`is refused with ${option}`, async () => {
        const { code, stderr } = await shake(option, "-cipher", "DEFAULT@SECLEVEL=0");
        assert.notEqual(code, 0);
        assert.match(stderr, /alert protocol version/);
      });
    }

    test("that offers both protocols gets HTTP/2", async () => {
      const { stdout } = await shake("-alpn", "http/1.1,h2");
      assert.match(stdout, /^ALPN protocol: h2$/m);
    });

    test("that offers no protocol is answered in HTTP/1.1", async () => {
      const { stdout } = await shake();
      assert.match(stdout, /^No ALPN negotiated$/m);
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r$/m);
    });

    test("that offers a protocol that nobody knows is refused", async () => {
      const { code, stderr } = await shake("-alpn", "spdy/3");
      assert.notEqual(code, 0);
      assert.match(stderr, /alert no application protocol/);
    });

    test("that names nobody is served by an edge that has one certificate", async () => {
      const { stdout } = await shake("-noservername");
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r$/m);
    });
  });

  describe("curl", { skip: noCurl }, () => {
    const base = ["--disable", "--silent", "--verbose", "--noproxy", "*", "--http1.1"];
    const trust = ["--cacert", edge.caFile];

    for (const { version, curl } of VERSIONS) {
      test(`resumes its session of ${version} with the next connection`, async () => {
        const url = `${edge.secure}/small`;
        const urls = ["--output", "/dev/null", url, "--output", "/dev/null", url];
        const close = ["--header", "connection: close"];
        const { code, stderr } = await runTool("curl", [
          ...base,
          ...trust,
          ...curl,
          ...close,
          ...urls,
        ]);
        assert.equal(code, 0, stderr);
        assert.equal(stderr.match(/^\* Connected to/gm)?.length, 2);
        assert.match(stderr, /^\* SSL re-?using session/m);
      });
    }

    test("is refused with TLS 1.1", async () => {
      const old = ["--tlsv1.1", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"];
      const { code, stderr } = await runTool("curl", [...base, ...trust, ...old, edge.secure]);
      assert.equal(code, 35);
      assert.match(stderr, /protocol version/);
    });
  });
}

async function handshake({ secure, caFile }: EdgeTarget, args: readonly string[]): Promise<Ran> {
  const { host } = new URL(secure);
  const named = args.includes("-noservername") ? [] : ["-servername", "localhost"];
  const peer = ["-connect", host, ...named, "-CAfile", caFile, "-verify_return_error"];
  return runTool("openssl", ["s_client", "-ign_eof", ...peer, ...args], REQUEST);
}
