import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { manualClock } from "#clock.ts";
import { Body } from "#edge/cache/body.ts";
import { BodyReader } from "#edge/cache/body-reader.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { storedResponse } from "#edge/cache/stored-response.ts";
import { ErrorPages, type PageAsker } from "#edge/error-pages.ts";
import { FieldSection } from "#edge/fields.ts";
import { errorReply, type Reply } from "#edge/reply.ts";
import { storedReply } from "#edge/stored-reply.ts";
import { ask, live, NOW, textOf } from "./support.ts";

const MIB = 1024 * 1024;
const withPage = live({ settings: { errorPage: "errors/not found.html" } });
const asker = { address: "192.0.2.1" };

interface Page {
  readonly status?: number;
  readonly text?: string;
  /** As the origin has said it; absent: it has not. */
  readonly contentLength?: number;
  readonly isGrowing?: boolean;
}

function newBody(text: string): Body {
  const body = new Body(new MemoryBudget(16 * MIB), "retained");
  body.hold();
  if (text !== "") body.append(Buffer.from(text));
  return body;
}

function pageOf(
  { status = 200, text = "<p>sorry", contentLength, isGrowing = false }: Page,
  body = newBody(text),
): Reply {
  if (!isGrowing) body.end("whole");
  const fields = ["content-type", "text/html", "content-language", "en", "etag", '"p"'];
  const head = { status, fields: [...fields, "cache-control", "max-age=60"] };
  const stored = storedResponse(
    { ...head, requestTime: NOW, responseTime: NOW },
    { key: "k", body, contentLength, purgesCheckedAt: 0, selecting: [], role: "space" },
  );
  const visit = { requestId: "page", live: withPage, lines: "" };
  const outcome = { kind: "hit", ttlSeconds: 60 } as const;
  return storedReply(ask(), stored, { visit, outcome, now: NOW });
}

/** Pages in front of a cache that has this one, or whatever it is asked for. */
function pagesWith(found: Page | (() => Promise<Reply | undefined>)) {
  const targets: string[] = [];
  const clock = manualClock(NOW);
  const find = (_: PageAsker, target: string): Promise<Reply | undefined> => {
    targets.push(target);
    return typeof found === "function" ? found() : Promise.resolve(pageOf(found));
  };
  const errors: unknown[] = [];
  const note = (): void => undefined;
  const log = { info: note, warn: note, error: (fields: unknown) => void errors.push(fields) };
  return { pages: new ErrorPages({ source: { find }, clock, log }), targets, clock, errors };
}

/** What an origin has answered, as it would go out without a page. */
function notFound(content?: BodyReader): Reply {
  return {
    status: 404,
    section: new FieldSection('date: now\r\netag: "x"\r\ncontent-type: application/xml\r\n'),
    own: new FieldSection(
      "age: 3\r\ncache-control: max-age=3600\r\nx-cache: HIT\r\ncache-status: Atoll; hit\r\n" +
        "server-timing: cdn\r\nstrict-transport-security: max-age=1\r\nvary: Origin\r\n" +
        "access-control-allow-origin: *\r\n",
    ),
    requestId: "id",
    contentLength: 5,
    content,
    cache: "HIT",
    live: withPage,
  };
}

describe("an endpoint's error page", () => {
  test("is sent with the status of the error, and what the edge has said of that", async () => {
    const { pages, targets } = pagesWith({});
    const reply = await pages.standIn(ask(), asker, notFound());
    assert.deepEqual(targets, ["/errors/not%20found.html"]);
    assert(reply !== undefined);
    assert.equal(reply.status, 404);
    assert.equal(reply.requestId, "id");
    assert.equal(reply.cache, "HIT");
    assert.equal(textOf(reply), "<p>sorry");
    assert.equal(reply.contentLength, 8);
    assert.equal(
      reply.section.text,
      "content-type: text/html\r\ncontent-language: en\r\ncache-control: no-store\r\n",
    );
    assert.equal(
      reply.own.text,
      "date: now\r\nx-cache: HIT\r\ncache-status: Atoll; hit\r\nserver-timing: cdn\r\n" +
        "strict-transport-security: max-age=1\r\nvary: Origin\r\naccess-control-allow-origin: *\r\n",
    );
  });

  test("stands in for the edge's own errors, and keeps when to come back", async () => {
    const error = { status: 503, reason: "busy", requestId: "id", now: NOW, live: withPage };
    const busy = errorReply({ ...error, lines: "retry-after: 1\r\n" }, "GET");
    const reply = await pagesWith({}).pages.standIn(ask(), asker, busy);
    assert(reply !== undefined);
    assert.equal(reply.status, 503);
    assert.equal(textOf(reply), "<p>sorry");
    assert.equal(reply.own.text, "date: Sun, 22 Nov 2026 12:00:00 GMT\r\nretry-after: 1\r\n");
  });

  test("is described to HEAD, and not sent", async () => {
    const reply = await pagesWith({}).pages.standIn(ask({ method: "HEAD" }), asker, notFound());
    assert.equal(reply?.contentLength, 8);
    assert.equal(reply.content, undefined);
    assert.match(reply.section.text, /^content-type: text\/html\r\n/);
  });

  test("is given back where it is not sent", async () => {
    const body = newBody("<p>");
    const page = pageOf({ isGrowing: true, contentLength: 100 }, body);
    const { pages } = pagesWith(() => Promise.resolve(page));
    const reply = await pages.standIn(ask({ method: "HEAD" }), asker, notFound());
    assert.deepEqual([reply?.contentLength, body.hasReaders], [100, false]);
  });

  test("may still be on its way, if it is known how long it will be", async () => {
    const { pages } = pagesWith({ isGrowing: true, contentLength: 100 });
    const reply = await pages.standIn(ask(), asker, notFound());
    assert.equal(reply?.contentLength, 100);
    assert(reply.content instanceof BodyReader);
    assert.equal(String(reply.content.read()), "<p>sorry");
    reply.content.close();
  });

  test("may have a length of 1 MiB", async () => {
    const reply = await pagesWith({ text: "x".repeat(MIB) }).pages.standIn(
      ask(),
      asker,
      notFound(),
    );
    assert.equal(reply?.contentLength, MIB);
  });

  test("gives back what it stands in for", async () => {
    const content = newBody("<xml>");
    await pagesWith({}).pages.standIn(ask(), asker, notFound(content.read()));
    assert.equal(content.hasReaders, false);
  });
});

describe("an error goes out at once, as it is,", () => {
  const rows = [
    { what: "where there is no page", reply: { ...notFound(), live: live() }, request: {} },
    { what: "on an unknown host", reply: { ...notFound(), live: undefined }, request: {} },
    { what: "if it is a loop", reply: { ...notFound(), status: 508 }, request: {} },
    { what: "if it is none", reply: { ...notFound(), status: 200 }, request: {} },
    {
      what: "to who asks for a range",
      reply: notFound(),
      request: { fields: ["range", "bytes=0-"] },
    },
  ];
  for (const { what, reply, request } of rows) {
    test(what, () => {
      const { pages, targets } = pagesWith({});
      assert.equal(pages.standIn(ask(request), asker, reply), undefined);
      assert.deepEqual(targets, []);
    });
  }
});

describe("a page that cannot stand in", () => {
  const rows: readonly { readonly is: string; readonly page: Page | undefined }[] = [
    { is: "cannot be had", page: undefined },
    { is: "is an error itself", page: { status: 404 } },
    { is: "is longer than 1 MiB", page: { text: "x".repeat(MIB + 1) } },
    { is: "says that it will be", page: { isGrowing: true, contentLength: MIB + 1 } },
    { is: "grows, nobody knows how long", page: { isGrowing: true } },
  ];
  for (const { is, page } of rows) {
    test(`leaves the error as it was: it ${is}`, async () => {
      const body = newBody(page?.text ?? "");
      const found = page === undefined ? undefined : pageOf(page, body);
      const { pages } = pagesWith(() => Promise.resolve(found));
      const content = newBody("<xml>");
      const reply = notFound(content.read());
      assert.equal(await pages.standIn(ask(), asker, reply), reply);
      assert.equal(content.hasReaders, true);
      assert.equal(body.hasReaders, false);
    });
  }

  test("is not asked for again for half a second", async () => {
    const { pages, targets, clock } = pagesWith({ status: 404 });
    await pages.standIn(ask(), asker, notFound());
    clock.advance(499);
    assert.equal(pages.standIn(ask(), asker, notFound()), undefined);
    assert.equal(targets.length, 1);
    clock.advance(1);
    await pages.standIn(ask(), asker, notFound());
    assert.equal(targets.length, 2);
  });

  test("is not waited for longer than 2 s", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { pages, clock } = pagesWith(() => Promise.withResolvers<undefined>().promise);
    const reply = notFound();
    const standIn = pages.standIn(ask(), asker, reply);
    context.mock.timers.tick(2_000);
    assert.equal(await Promise.race([standIn, nextTurn("waits on")]), reply);
    clock.advance(1);
    assert.equal(pages.standIn(ask(), asker, reply), undefined);
  });

  test("that is our mistake leaves it as it was too, and is logged", async () => {
    const bug = new Error("a bug");
    const { pages, errors } = pagesWith(() => Promise.reject(bug));
    const reply = notFound();
    assert.equal(await pages.standIn(ask(), asker, reply), reply);
    assert.deepEqual(errors, [{ err: bug, request_id: "id" }]);
  });
});
