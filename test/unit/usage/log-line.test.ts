import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { LOGGED_CHARS_MAX } from "#usage/limits.ts";
import { lineFormat } from "#usage/log-line.ts";
import { recordOf } from "./support.ts";

const json = lineFormat("json");
const combined = lineFormat("combined");

function parsed(...args: Parameters<typeof recordOf>): Record<string, unknown> {
  return JSON.parse(json(recordOf(...args))) as Record<string, unknown>;
}

const BACKSLASH = "\\";

describe("a JSON line", () => {
  test("tells all that is known, in one order", () => {
    assert.equal(
      json(recordOf()),
      '{"time":"2026-11-22T12:00:00.042Z","request_id":"0c4f9f3e-6f0b-4a55-8f4e-0f6f0d6d3c55",' +
        '"client":"203.0.113.7","method":"GET","host":"static.nyc3.cdn.spaces.localhost",' +
        '"target":"/a.jpg?v=1","protocol":"HTTP/1.1","tls":"TLSv1.3","status":200,"cache":"HIT",' +
        '"endpoint_id":"19f06b6a-3ace-4315-b086-499a0e521b76","bytes":10240,"duration_ms":0.123,' +
        '"referer":"https://example.net/","user_agent":"Mozilla/5.0 (X11)"}\n',
    );
  });

  test("leaves out what there is not", () => {
    const line = parsed({ tls: undefined, endpointId: undefined }, { fields: ["host", "x"] });
    assert.deepEqual(Object.keys(line), [
      "time",
      "request_id",
      "client",
      "method",
      "host",
      "target",
      "protocol",
      "status",
      "cache",
      "bytes",
      "duration_ms",
    ]);
  });

  test("says when a reply was not sent whole", () => {
    assert.equal(parsed({ whole: false })["aborted"], true);
    assert.equal(parsed()["aborted"], undefined);
  });

  const escapes = [
    { what: "a quote", target: '/"', text: `/${BACKSLASH}"` },
    { what: "a backslash", target: `/${BACKSLASH}`, text: `/${BACKSLASH}${BACKSLASH}` },
    { what: "a tab", target: "/\t", text: `/${BACKSLASH}t` },
    { what: "NUL", target: "/\0", text: `/${BACKSLASH}u0000` },
    { what: "ESC", target: "/\x1b[2J", text: `/${BACKSLASH}u001b[2J` },
    { what: "CR and LF", target: "/\r\n", text: `/${BACKSLASH}r${BACKSLASH}n` },
    { what: "DEL", target: "/\x7f", text: `/${BACKSLASH}u007f` },
    { what: "an octet above ASCII", target: "/\xe9", text: `/${BACKSLASH}u00e9` },
    { what: "the highest octet", target: "/\xff", text: `/${BACKSLASH}u00ff` },
    { what: "a character that is no octet", target: "/\u2028", text: `/${BACKSLASH}u2028` },
  ];
  for (const { what, target, text } of escapes) {
    test(`escapes ${what}`, () => {
      assert(json(recordOf({}, { target })).includes(`"target":"${text}"`));
      assert.equal(parsed({}, { target })["target"], target);
    });
  }

  test("is one line of ASCII that gives back whatever octets a client sent", () => {
    const latin1 = fc
      .array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 })
      .map((octets) => String.fromCharCode(...octets))
      .filter((text) => !/signature|accesskeyid|amz|%/i.test(text));
    fc.assert(
      fc.property(latin1, latin1, latin1, latin1, (target, host, referer, agent) => {
        const fields = ["referer", referer, "user-agent", agent];
        const text = json(recordOf({}, { target, host, fields, method: target }));
        assert.match(text, /^[\x20-\x7e]+\n$/);
        const line = JSON.parse(text) as Record<string, unknown>;
        assert.equal(line["target"], target);
        assert.equal(line["method"], target);
        assert.equal(line["host"], host);
        assert.equal(line["referer"], referer);
        assert.equal(line["user_agent"], agent);
      }),
    );
  });

  const durations = [
    { tookMs: 0, text: "0.000" },
    { tookMs: 0.0004, text: "0.000" },
    { tookMs: 0.05, text: "0.050" },
    { tookMs: 1.9996, text: "2.000" },
    { tookMs: 60_000.5, text: "60000.500" },
    { tookMs: 86_400_000, text: "86400000.000" },
    { tookMs: -0.001, text: "0.000" },
  ];
  for (const { tookMs, text } of durations) {
    test(`has ${tookMs} ms as ${text}`, () => {
      assert(json(recordOf({ tookMs })).includes(`"duration_ms":${text},`));
    });
  }

  test("has the time of its own record, whatever line was before it", () => {
    const at = fc.integer({ min: 0, max: Date.UTC(2099, 0) });
    fc.assert(
      fc.property(at, (ms) => {
        assert.equal(parsed({ at: ms })["time"], new Date(ms).toISOString());
      }),
    );
  });

  test("has the IPv4 address of a client that came over an IPv6 socket", () => {
    assert.equal(parsed({ client: "::ffff:203.0.113.7" })["client"], "203.0.113.7");
    assert.equal(parsed({ client: "2001:db8::1" })["client"], "2001:db8::1");
  });

  test("keeps the beginning of what is too long", () => {
    const long = "a".repeat(LOGGED_CHARS_MAX + 1);
    const kept = `${"a".repeat(LOGGED_CHARS_MAX)}[cut]`;
    const line = parsed({}, { target: long, host: long, fields: ["user-agent", long] });
    assert.deepEqual([line["target"], line["host"], line["user_agent"]], [kept, kept, kept]);
  });
});

describe("a secret in a URL", () => {
  const redactions = [
    ["/a?X-Amz-Signature=abc", "/a?X-Amz-Signature=[redacted]"],
    ["/a?x-amz-signature=abc&b=1", "/a?x-amz-signature=[redacted]&b=1"],
    ["/a?v=1&X-Amz-Credential=AK%2F2026&x=y", "/a?v=1&X-Amz-Credential=[redacted]&x=y"],
    ["/a?X-Amz-Security-Token=IQ==", "/a?X-Amz-Security-Token=[redacted]"],
    [
      "/a?AWSAccessKeyId=AK&Signature=b%3D&Expires=1",
      "/a?AWSAccessKeyId=[redacted]&Signature=[redacted]&Expires=1",
    ],
    ["/a?%58-Amz-Signatur%65=abc", "/a?%58-Amz-Signatur%65=[redacted]"],
    ["/a?Signature=a&Signature=b", "/a?Signature=[redacted]&Signature=[redacted]"],
    ["/a?Signature=", "/a?Signature=[redacted]"],
    ["http://h/a?Signature=a=b?c", "http://h/a?Signature=[redacted]"],
    ["/a?X-Amz-Expires=60&X-Amz-Date=1", "/a?X-Amz-Expires=60&X-Amz-Date=1"],
    ["/Signature=a", "/Signature=a"],
    ["/a?Signature", "/a?Signature"],
    ["/a?MySignature=a&%zz=b&%", "/a?MySignature=a&%zz=b&%"],
    ["/a?", "/a?"],
    ["*", "*"],
  ] as const;
  for (const [url, logged] of redactions) {
    test(`${url} is logged as ${logged}`, () => {
      const fields = ["referer", url];
      const line = parsed({}, { target: url, fields });
      assert.equal(line["target"], logged);
      assert.equal(line["referer"], logged);
      assert(combined(recordOf({}, { target: url, fields })).includes(`GET ${logged} HTTP`));
    });
  }

  test("is not logged either when the URL is cut within it", () => {
    const target = `/a?X-Amz-Signature=${"s".repeat(LOGGED_CHARS_MAX)}`;
    assert.equal(parsed({}, { target })["target"], "/a?X-Amz-Signature=[redacted][cut]");
  });

  test("of a header has no place in a line", () => {
    const fields = ["authorization", "Bearer hunter2", "cookie", "sid=hunter2"];
    const record = recordOf({}, { fields });
    assert(!json(record).includes("hunter2"));
    assert(!combined(record).includes("hunter2"));
  });
});

describe("a combined line", () => {
  test("is as Apache and nginx have it", () => {
    assert.equal(
      combined(recordOf()),
      '203.0.113.7 - - [22/Nov/2026:12:00:00 +0000] "GET /a.jpg?v=1 HTTP/1.1" 200 10240 ' +
        '"https://example.net/" "Mozilla/5.0 (X11)"\n',
    );
  });

  test("has a hyphen for what there is not", () => {
    const record = recordOf({ status: 304, bytes: 0 }, { version: "HTTP/2.0", fields: [] });
    assert.equal(
      combined(record),
      '203.0.113.7 - - [22/Nov/2026:12:00:00 +0000] "GET /a.jpg?v=1 HTTP/2.0" 304 0 "-" "-"\n',
    );
  });

  test("pads the day of the month", () => {
    const at = Date.UTC(2027, 0, 3, 4, 5, 6);
    assert(combined(recordOf({ at })).includes("[03/Jan/2027:04:05:06 +0000]"));
  });

  // The octets that nginx's ngx_http_log_escape escapes, and how.
  const escapes = [
    { what: "a quote", agent: 'a"b', text: "a\\x22b" },
    { what: "a backslash", agent: "a\\b", text: "a\\x5Cb" },
    { what: "a tab", agent: "a\tb", text: "a\\x09b" },
    { what: "CR and LF", agent: "a\r\nb", text: "a\\x0D\\x0Ab" },
    { what: "DEL", agent: "a\x7fb", text: "a\\x7Fb" },
    { what: "octets above ASCII", agent: "a\xc3\xa9b", text: "a\\xC3\\xA9b" },
  ];
  for (const { what, agent, text } of escapes) {
    test(`escapes ${what}`, () => {
      assert(combined(recordOf({}, { fields: ["user-agent", agent] })).endsWith(`"${text}"\n`));
    });
  }

  test("can be taken apart again, whatever octets a client sent", () => {
    const octets = fc
      .uint8Array({ maxLength: 100 })
      .map((bytes) => Buffer.from(bytes).toString("latin1"));
    const shape = /^\S+ - - \[[^\]]+\] "([^"]*) HTTP\/1\.1" 200 10240 "([^"]*)" "([^"]*)"\n$/;
    fc.assert(
      fc.property(octets, (agent) => {
        const text = combined(recordOf({}, { fields: ["user-agent", agent] }));
        const [, , , logged = ""] = shape.exec(text) ?? assert.fail(text);
        const back = logged.replaceAll(/\\x([0-9A-F]{2})/g, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
        assert.equal(back, agent);
      }),
    );
  });
});
