import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, test } from "node:test";
import { ASK, type Question } from "../support/ask.ts";
import { openAuthority } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { type Asked, startRawOrigin } from "../support/raw-origin.ts";

/** What the origin answers to a target, octet by octet; to all others it says what it was asked. */
const answers = new Map<string, (asked: Asked) => string>();
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const origin = stack.use(
  await startRawOrigin((asked) => answers.get(asked.target)?.(asked) ?? echo(asked)),
);
const authority = stack.use(await openAuthority());
const pair = await authority.issue("127.0.0.1", "localhost");
const files = await authority.filesOf(pair);
const edge = stack.use(
  await startEdgeAlone({ origin: origin.url, files, args: ["--default-ttl", "none"] }),
);

const WAYS = [
  { way: "HTTP/1.1", ask: ASK["HTTP/1.1"], url: edge.url },
  { way: "HTTP/1.1 over TLS", ask: ASK["HTTP/1.1"], url: edge.tlsUrl },
  { way: "HTTP/2 with prior knowledge", ask: ASK["HTTP/2"], url: edge.url },
  { way: "HTTP/2 over TLS", ask: ASK["HTTP/2"], url: edge.tlsUrl },
];

function echo({ method, target, body }: Asked): string {
  const text = `${method} ${target} ${body.toString("latin1")}`;
  return reply(200, {}, method === "HEAD" ? "" : text, text.length);
}

function reply(
  status: number,
  fields: Readonly<Record<string, string>>,
  body: string,
  length = body.length,
): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const hasLength = status !== 204 && status !== 304;
  const framing = hasLength ? `content-length: ${length}\r\n` : "";
  return `HTTP/1.1 ${status} As It Is\r\n${lines.join("")}${framing}\r\n${body}`;
}

/** A target that nobody has asked for, and what is answered to it. */
let made = 0;
function scripted(answer: (asked: Asked) => string): string {
  made += 1;
  const target = `/scripted/${made}`;
  answers.set(target, answer);
  return target;
}

function timesAsked(target: string): number {
  return origin.asked.filter((asked) => asked.target === target).length;
}

const METHODS = "GET POST PUT DELETE OPTIONS PATCH TRACE PROPFIND MKCOL M-SEARCH FOO".split(" ");
const STATUSES = `200 201 202 203 205 207 226 299 300 301 302 303 305 307 308 399
  400 401 402 403 404 405 410 417 418 421 429 451 499 500 501 502 503 504 508 511 599`;
const WITHOUT_CONTENT = new Set([205]);

for (const { way, ask: askWith, url } of WAYS) {
  const ask = (target: string, question: Question = {}) =>
    askWith(url + target, { ca: authority.caPem, ...question });

  describe(`atoll edge over ${way}`, () => {
    test("passes every method", async () => {
      for (const method of METHODS) {
        const { status, text } = await ask("/methods", { method });
        assert.deepEqual({ status, text }, { status: 200, text: `${method} /methods ` });
      }
    });

    test("answers HEAD with the fields of a GET, and no content", async () => {
      const target = scripted(({ method }) =>
        reply(200, {}, method === "HEAD" ? "" : "content", 7),
      );
      const { status, fields, text } = await ask(target, { method: "HEAD" });
      assert.deepEqual({ status, text }, { status: 200, text: "" });
      assert.equal(fields["content-length"], "7");
    });

    test("passes every status with its fields and its content", async () => {
      for (const status of STATUSES.split(/\s+/).map(Number)) {
        const body = WITHOUT_CONTENT.has(status) ? "" : `the body of ${status}`;
        const target = scripted(() => reply(status, { "x-custom": "kept" }, body));
        const answer = await ask(target);
        assert.equal(answer.status, status);
        assert.equal(answer.text, body, String(status));
        assert.equal(answer.fields["x-custom"], "kept");
      }
    });

    test("passes 204, 206 and 304, which have a form of their own", async () => {
      const none = scripted(() => reply(204, {}, ""));
      assert.equal((await ask(none)).status, 204);
      const unmodified = scripted(() => reply(304, { etag: '"a"' }, ""));
      const condition = { method: "POST", fields: { "if-none-match": '"a"' }, body: "?" };
      assert.equal((await ask(unmodified, condition)).status, 304);
      const part = scripted(() => reply(206, { "content-range": "bytes 0-3/9" }, "part"));
      const range = { method: "POST", fields: { range: "bytes=0-3" }, body: "?" };
      const { status, text } = await ask(part, range);
      assert.deepEqual({ status, text }, { status: 206, text: "part" });
    });

    test("passes content both ways, with a length and without", async () => {
      const body = randomBytes(300_000).toString("hex");
      const sent = `POST /content ${body}`;
      const counted = await ask("/content", { method: "POST", body });
      assert(counted.text === sent, `${counted.status}, ${counted.text.length} octets`);
      const trailers = { "x-sum": "1" };
      const chunked = await ask("/content", { method: "POST", body, trailers });
      assert(chunked.text === sent, `${chunked.status}, ${chunked.text.length} octets`);
      const chunk = (text: string) => `${text.length.toString(16)};odd="x"\r\n${text}\r\n`;
      const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
      const target = scripted(() => `${head}${chunk(body)}${chunk("end")}0\r\n\r\n`);
      assert((await ask(target)).text === `${body}end`);
    });

    test("passes content in a GET, and asks the origin every time", async () => {
      const question = { method: "GET", body: "in a GET" };
      for (const _ of [1, 2]) {
        const { text, fields } = await ask("/get-content", question);
        assert.equal(text, "GET /get-content in a GET");
        assert.equal(fields["x-cache"], "BYPASS");
      }
    });

    test("passes interim answers and trailers", async () => {
      const link = "</style.css>; rel=preload";
      const target = scripted(
        () =>
          `HTTP/1.1 103 Early Hints\r\nlink: ${link}\r\n\r\n` +
          "HTTP/1.1 102 Processing\r\n\r\n" +
          "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ntransfer-encoding: chunked\r\n" +
          "trailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n",
      );
      const { status, text, interim, trailers } = await ask(target, { fields: { te: "trailers" } });
      assert.deepEqual({ status, text }, { status: 200, text: "hello" });
      assert.deepEqual(
        interim.map((one) => one.status),
        [103, 102],
      );
      assert.equal(interim[0]?.fields["link"], link);
      assert.equal(trailers["x-sum"], "42");
    });

    test("remembers no failure that the origin has not said how long to", async () => {
      for (const status of [302, 400, 403, 404, 410, 429, 500, 503]) {
        const target = scripted(() => reply(status, { etag: '"a"' }, "no"));
        for (const _ of [1, 2]) assert.equal((await ask(target)).fields["x-cache"], "MISS");
        assert.equal(timesAsked(target), 2, String(status));
      }
      const lasting = scripted(() => reply(404, { "cache-control": "max-age=60" }, "no"));
      for (const _ of [1, 2]) assert.equal((await ask(lasting)).status, 404);
      assert.equal(timesAsked(lasting), 1);
    });

    test("stores what sets a cookie only where the origin says for how long", async () => {
      const cookie = { "set-cookie": "a=b", etag: '"a"' };
      const old = { "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" };
      const unsaid = scripted(() => reply(200, { ...cookie, ...old }, "mine"));
      const said = scripted(() =>
        reply(200, { ...cookie, "cache-control": "max-age=60" }, "all's"),
      );
      for (const target of [unsaid, said]) {
        for (const _ of [1, 2]) {
          assert.deepEqual((await ask(target)).fields["set-cookie"], ["a=b"]);
        }
      }
      assert.equal(timesAsked(unsaid), 2);
      assert.equal(timesAsked(said), 1);
    });

    test("guesses by Last-Modified how long what says nothing is fresh", async () => {
      const old = "Mon, 01 Jan 2024 00:00:00 GMT";
      const dated = scripted(() => reply(200, { "last-modified": old }, "dated"));
      const undated = scripted(() => reply(200, { etag: '"a"' }, "undated"));
      for (const target of [dated, undated]) for (const _ of [1, 2]) await ask(target);
      assert.equal(timesAsked(dated), 1);
      assert.equal(timesAsked(undated), 2);
    });

    test("revalidates what is no longer fresh, and serves the stored body", async () => {
      const target = scripted(({ fields }) => {
        const head = { etag: '"v"', "cache-control": "max-age=0" };
        return fields.has("if-none-match") ? reply(304, head, "") : reply(200, head, "stored");
      });
      assert.equal((await ask(target)).fields["x-cache"], "MISS");
      const { status, text, fields } = await ask(target);
      assert.deepEqual({ status, text }, { status: 200, text: "stored" });
      assert.equal(fields["x-cache"], "REVALIDATED");
    });

    test("tells the origin who asks, and by what", async () => {
      const target = scripted(echo);
      await ask(target, { fields: { "x-forwarded-for": "192.0.2.1" } });
      const asked = origin.asked.find((one) => one.target === target);
      const version = way.startsWith("HTTP/2") ? "2" : "1.1";
      assert.match(asked?.fields.get("via") ?? "", new RegExp(`^${version}(?:\\.0)? atoll$`));
      assert.equal(asked?.fields.get("x-forwarded-for"), "127.0.0.1");
      const scheme = url.startsWith("https:") ? "https" : "http";
      assert.equal(asked?.fields.get("x-forwarded-proto"), scheme);
      assert.equal(asked?.fields.get("host"), new URL(url).host);
    });
  });
}

describe("atoll edge", () => {
  test("keeps apart what it has of a name in the clear and over TLS", async () => {
    // RFC 9111 §2: the key is the target URI, and its scheme is what such origins go by.
    const target = scripted(({ fields }) => {
      const lasting = { "cache-control": "max-age=60" };
      return fields.get("x-forwarded-proto") === "http"
        ? reply(301, { ...lasting, location: `https://localhost${target}` }, "")
        : reply(200, lasting, "secure");
    });
    for (const ask of Object.values(ASK)) {
      const fields = ask === ASK["HTTP/2"] ? { ":authority": "localhost" } : { host: "localhost" };
      const plain = await ask(edge.url + target, { fields });
      assert.equal(plain.status, 301);
      const secure = await ask(edge.tlsUrl + target, { fields, ca: authority.caPem });
      assert.equal(secure.text, "secure");
    }
  });
});

describe("atoll edge --default-ttl 60", () => {
  test("stores so long what says nothing, but no failure, and no cookie", async () => {
    await using other = await startEdgeAlone({
      origin: origin.url,
      args: ["--default-ttl", "60"],
    });
    const plain = scripted(() => reply(200, {}, "plain"));
    const missing = scripted(() => reply(404, {}, "missing"));
    const cookie = scripted(() => reply(200, { "set-cookie": "a=b" }, "mine"));
    for (const target of [plain, missing, cookie]) {
      for (const _ of [1, 2]) await ASK["HTTP/1.1"](other.url + target);
    }
    assert.deepEqual([plain, missing, cookie].map(timesAsked), [1, 2, 2]);
  });
});
