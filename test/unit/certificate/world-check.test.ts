import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import { wildcardRefusal } from "#certificate/wildcard-refusal.ts";
import { selfCheck } from "#certificate/world-check.ts";

const LETSENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
const TARGET = { zone: "acme.example.net", name: "api.example.net" };

/** What there is in this world; a name that is asked for and is in none of it does not exist. */
const RECORDS: readonly Answer[] = [
  { name: "here.example.com", type: "A", data: "127.0.0.1" },
  {
    name: "_acme-challenge.alias.example.com",
    type: "CNAME",
    data: "alias.example.com.acme.example.net",
  },
  { name: "_acme-challenge.zone.example.com", type: "NS", data: "API.example.net" },
  { name: "_acme-challenge.other.example.com", type: "CNAME", data: "other.example.org" },
  { name: "_acme-challenge.txt.example.com", type: "TXT", data: ["right"] },
];

const server = createSocket("udp4").on("message", (message, { port, address }) => {
  const { id, questions } = decode(message);
  const [question] = questions ?? [];
  const ofName = RECORDS.filter(({ name }) => name === question?.name);
  const answers = ofName.filter(({ type }) => type === question?.type);
  const rcode = ofName.length === 0 ? 3 : 0;
  const broken = question?.name.includes("broken") === true ? 2 : rcode;
  const reply = {
    type: "response",
    flags: broken,
    answers,
    ...(id !== undefined && { id }),
  } as const;
  server.send(encode({ ...reply, ...(questions && { questions }) }), port, address);
});
server.bind(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());

const resolver = `127.0.0.1:${server.address().port}`;
const check = selfCheck({ directory: LETSENCRYPT, resolver, ...TARGET });

describe("the look at the world before a CA is told", () => {
  test("finds a delegation by CNAME into the zone, and by NS to this server", async () => {
    for (const [name, delegated] of [
      ["alias.example.com", true],
      ["zone.example.com", true],
      ["other.example.com", false],
      ["nothing.example.com", false],
    ] as const) {
      assert.equal(await check.delegated(name), delegated, name);
    }
  });

  test("finds fault with a name that has no address", async () => {
    for (const kind of ["http-01", "tls-alpn-01"] as const) {
      const answer = { kind, name: "nowhere.example.com", token: "t", keyAuthorization: "k" };
      assert.equal(await check.fault(answer), "DNS has no address for nowhere.example.com");
      assert.equal(await check.fault({ ...answer, name: "broken.example.com" }), undefined);
    }
  });

  test("finds no fault with what it cannot reach from here, as behind some routers", async () => {
    const answer = {
      kind: "tls-alpn-01",
      name: "here.example.com",
      keyAuthorization: "k",
    } as const;
    assert.equal(await check.fault(answer), undefined);
  });

  test("finds fault with a TXT value that is not there, and with none", async () => {
    const fault = (name: string, value: string) => check.fault({ kind: "dns-01", name, value });
    assert.equal(await fault("txt.example.com", "right"), undefined);
    assert.match((await fault("txt.example.com", "wrong")) ?? "", /_acme-challenge\.txt.* has not/);
    assert.match((await fault("nowhere.example.com", "right")) ?? "", /has not the value/);
    assert.equal(await fault("broken.example.com", "right"), undefined);
  });

  test("is not had at a CA on this machine, whose world is its own", async () => {
    for (const directory of ["https://localhost:14000/dir", "http://127.0.0.1:4001/directory"]) {
      const local = selfCheck({ directory, resolver: undefined, ...TARGET });
      assert.equal(await local.delegated("nothing.example.com"), true);
      assert.equal(await local.fault({ kind: "dns-01", name: "x", value: "y" }), undefined);
    }
  });
});

describe("a wildcard", () => {
  const refusal = (names: readonly string[], zone: string | undefined = TARGET.zone) =>
    wildcardRefusal(names, check, { ...TARGET, zone });

  test("is had where its DNS leads here, and so is any other name", async () => {
    assert.equal(await refusal(["*.alias.example.com", "nothing.example.com"]), undefined);
  });

  test("is refused elsewhere, with what to set up", async () => {
    assert.equal(
      await refusal(["example.com", "*.nothing.example.com"]),
      "*.nothing.example.com can be proved by DNS only: make _acme-challenge.nothing.example.com an " +
        "NS record of api.example.net, or a CNAME to nothing.example.com.acme.example.net",
    );
  });
});
