import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import * as fc from "fast-check";
import { basic, OCI_MANIFEST, sha256, startOci } from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());
const blob = await oci.push("acme/app", "0123456789");

const RUNS = { numRuns: 150 };

/** As it stands, on a connection of its own: nothing tidies the target. */
async function raw(method: string, target: string, fields: readonly string[] = [], body = "") {
  const socket = connect(Number(new URL(oci.url).port), "127.0.0.1");
  const head = [
    `${method} ${target} HTTP/1.1`,
    "host: localhost",
    "connection: close",
    `authorization: ${basic(oci.owner.token)}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...fields,
  ];
  // Not ended: node:http takes a half-closed connection for a client that has left.
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  const answer = await text(socket);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
  assert(status >= 200 && status < 500, `${method} ${target}: ${answer.slice(0, 300)}`);
  return { status, answer };
}

/** Pieces that parsers and file systems have been fooled by. */
const piece = fc.oneof(
  fc.constantFrom("..", ".", "%2e%2e", "%2F", "%00", "%", "%ff", "//", "blobs", "uploads", "tags"),
  fc.constantFrom("acme", "app", "manifests", "list", "referrers", "_catalog", "sha256:", blob),
  fc.string({ maxLength: 20 }).map((each) => encodeURIComponent(each)),
  fc.stringMatching(/^[a-zA-Z0-9._:+-]{1,140}$/),
);
const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE");

describe("whatever comes", () => {
  test("as a path is answered below 500, and makes no file outside the store", async () => {
    const paths = fc.array(piece, { maxLength: 7 }).map((pieces) => `/v2/${pieces.join("/")}`);
    await fc.assert(
      fc.asyncProperty(method, paths, async (verb, path) => {
        await raw(verb, path);
      }),
      RUNS,
    );
    const registry = join(dirname(oci.storage.database), "registry");
    assert.deepEqual(readdirSync(registry).toSorted(), ["blobs", "uploads"]);
    assert.deepEqual(readdirSync(join(registry, "blobs")).toSorted(), ["sha256", "sha512"]);
  });

  test("as a query is", async () => {
    const names = fc.constantFrom("n", "last", "digest", "mount", "from", "tag", "artifactType");
    const query = fc
      .array(fc.tuple(names, piece), { maxLength: 5 })
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("&"));
    const targets = fc.constantFrom(
      ["GET", "/v2/acme/app/tags/list"],
      ["GET", "/v2/_catalog"],
      ["POST", "/v2/acme/app/blobs/uploads/"],
      ["GET", `/v2/acme/app/referrers/${blob}`],
      ["PUT", "/v2/acme/app/manifests/v1"],
      ["GET", "/token"],
    );
    await fc.assert(
      fc.asyncProperty(targets, query, async ([verb = "", path = ""], search) => {
        await raw(verb, `${path}?${search}`);
      }),
      RUNS,
    );
  });

  test("as a range is answered with octets that the blob has there", async () => {
    const position = fc.oneof(fc.nat(20), fc.constantFrom("", "-1", "x", "9".repeat(30), "1e3"));
    const range = fc.tuple(position, position).map(([first, last]) => `bytes=${first}-${last}`);
    await fc.assert(
      fc.asyncProperty(range, async (value) => {
        const reply = await oci.ask("GET", `/v2/acme/app/blobs/${blob}`, {
          headers: { range: value },
        });
        assert([200, 206, 416].includes(reply.status), `${value}: ${reply.status}`);
        if (reply.status !== 206) return;
        const [, first = "", last = ""] =
          /^bytes (\d+)-(\d+)\/10$/.exec(reply.headers["content-range"] ?? "") ?? [];
        assert.equal(reply.text, "0123456789".slice(Number(first), Number(last) + 1));
      }),
      RUNS,
    );
  });

  test("as a chunk's position is, and never leaves a hole", async () => {
    const field = fc.oneof(
      fc.tuple(fc.nat(8), fc.nat(8)).map(([first, last]) => `${first}-${last}`),
      fc.stringMatching(/^[\x21-\x7e]{1,30}$/),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 4 }), async (ranges) => {
        const { headers } = await oci.ask("POST", "/v2/acme/app/blobs/uploads/");
        const location = headers.location ?? "";
        let sent = "";
        for (const range of ranges) {
          const body = "abcd";
          const fields = { "content-range": range };
          const reply = await oci.ask("PATCH", location, { body, headers: fields });
          assert([202, 400, 416].includes(reply.status), `${range}: ${reply.status}`);
          if (reply.status === 202) sent += body;
        }
        const target = `${location}?digest=${sha256(sent)}`;
        assert.equal((await oci.ask("PUT", target)).status, 201);
      }),
      { numRuns: 40 },
    );
  });

  test("as a manifest is taken or refused", async () => {
    const names = fc.constantFrom(
      "schemaVersion",
      "mediaType",
      "config",
      "layers",
      "manifests",
      "subject",
      "annotations",
      "artifactType",
    );
    const value = fc.oneof(
      fc.json({ maxDepth: 3 }).map((each) => JSON.parse(each) as unknown),
      fc.constantFrom<unknown>(2, [], {}, OCI_MANIFEST, { digest: blob, size: 10 }, "sha256:x"),
    );
    const content = fc.oneof(
      fc.dictionary(names, value).map((each) => JSON.stringify(each)),
      fc.string(),
    );
    const type = fc.constantFrom(OCI_MANIFEST, "application/json", "text/plain; x=y", "nothing");
    await fc.assert(
      fc.asyncProperty(content, type, async (body, contentType) => {
        const headers = { "content-type": contentType };
        const reply = await oci.ask("PUT", "/v2/acme/app/manifests/fuzz", { body, headers });
        assert([201, 400, 404].includes(reply.status), `${body}: ${reply.status} ${reply.text}`);
        if (reply.status !== 201) return;
        assert.equal((await oci.ask("GET", "/v2/acme/app/manifests/fuzz")).text, body);
      }),
      RUNS,
    );
  });

  test("as a credential is a 401", async () => {
    const field = fc.oneof(
      fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
      fc.base64String().map((each) => `Basic ${each}`),
      fc
        .stringMatching(/^eyJ[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}$/)
        .map((each) => `Bearer ${each}`),
    );
    await fc.assert(
      fc.asyncProperty(field, async (authorization) => {
        const reply = await oci.ask("GET", "/v2/", { token: null, headers: { authorization } });
        assert.equal(reply.status, 401, authorization);
      }),
      RUNS,
    );
  });

  test("as a target may be a whole URL (RFC 9112 §3.2.2)", async () => {
    const { status } = await raw("GET", `http://localhost/v2/acme/app/blobs/${blob}?x=http://y/`);
    assert.equal(status, 200);
  });

  test("with two Hosts is a 400 (RFC 9112 §3.2)", async () => {
    const { status, answer } = await raw("GET", "/v2/", ["host: elsewhere"]);
    assert.equal(status, 400);
    assert.match(answer, /\{"errors":\[\{"code":"UNSUPPORTED"/);
  });

  test("that is no HTTP is a 400 in the registry's words", async () => {
    const socket = connect(Number(new URL(oci.url).port), "127.0.0.1");
    socket.end("NOT HTTP\r\n\r\n");
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /\{"errors":\[\{"code":"UNSUPPORTED"/);
  });
});
