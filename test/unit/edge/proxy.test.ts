import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import {
  type EdgeUnderTest,
  fetchOnce,
  host,
  request,
  startEdge,
  startEdgeBefore,
} from "./support.ts";

const HOP_BY_HOP = ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/** `atoll edge` before a server that reads a whole head and says this, whatever it was. */
async function before(answer: string, seen: string[] = []): Promise<EdgeUnderTest> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let head = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      seen.push(head);
      head = "";
      socket.write(answer, "latin1");
    });
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return await startEdgeBefore(server, { proxy: {} }, cut);
}

/** The fields of a head as it was read, without those that its connection has for itself. */
function fieldsOf(head: string | undefined): readonly string[] {
  const lines = head?.split("\r\n\r\n")[0]?.split("\r\n").slice(1) ?? [];
  return lines.filter((line) => !/^(?:connection|x-request-id):/i.test(line)).toSorted();
}

describe("a proxy passes", () => {
  const methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW", "g!t"];
  for (const method of methods) {
    test(method, async () => {
      const seen: string[] = [];
      await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", seen);
      using client = new Client(edge.port);
      client.send(request(method, "/a?b"));
      const response = await client.receive();
      assert.equal(response.status, 200);
      assert.equal(response.body.toString(), "ok");
      assert.equal(response.fields.get("x-cache"), "BYPASS");
      assert(seen[0]?.startsWith(`${method} /a?b HTTP/1.1\r\n`));
    });
  }

  for (const status of [
    200, 201, 202, 205, 226, 300, 302, 307, 402, 418, 451, 499, 500, 511, 599, 799, 999,
  ]) {
    test(`a ${status}`, async () => {
      await using edge = await before(
        `HTTP/1.1 ${status} Odd\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok`,
      );
      using client = new Client(edge.port);
      for (const method of ["GET", "POST"]) {
        client.send(request(method, "/a"));
        const response = await client.receive();
        assert.equal(response.status, status);
        assert.equal(response.fields.get("x-a"), "b");
        assert.equal(response.body.toString(), "ok");
      }
    });
  }

  for (const [status, method] of [
    [204, "GET"],
    [204, "DELETE"],
    [304, "POST"],
    [200, "HEAD"],
  ] as const) {
    test(`a ${status} to ${method} without content, and serves the next request after it`, async () => {
      const fields = status === 200 ? "content-length: 5\r\n" : "";
      await using edge = await before(`HTTP/1.1 ${status} R\r\netag: "a"\r\n${fields}\r\n`);
      using client = new Client(edge.port);
      for (let i = 0; i < 2; i += 1) {
        // Presigned: the cache has nothing to do with it.
        client.send(request(method, "/a?x-amz-signature=s", 'if-none-match: "a"'));
        const response = await client.receive(method);
        assert.equal(response.status, status);
        assert.equal(response.fields.get("content-length"), status === 200 ? "5" : undefined);
      }
    });
  }

  test("octets of fields as they are, either way", async () => {
    const seen: string[] = [];
    const odd = "\xe9 \xc4\x8d\xc4\x8a \t\"'\\\x80\xff";
    await using edge = await before(
      `HTTP/1.1 200 OK\r\nx-odd: ${odd}\r\ncontent-length: 0\r\n\r\n`,
      seen,
    );
    const response = await fetchOnce(edge, "/a", `x-odd: ${odd}`);
    assert.equal(response.fields.get("x-odd"), odd);
    assert(seen[0]?.includes(`x-odd: ${odd}\r\n`));
  });

  test("trailers of what it has in chunks, but for those that belong in a head", async () => {
    await using edge = await before(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nCache-Control: no-store\r\nConnection: x\r\nX-More: \xc4\x8d\r\n\r\n",
    );
    using client = new Client(edge.port);
    client.send(request("GET", "/a") + request("POST", "/a"));
    for (let i = 0; i < 2; i += 1) {
      const response = await client.receive();
      assert.equal(response.body.toString(), "abc");
      assert.deepEqual(
        [...response.trailers],
        [
          ["x-sum", "1"],
          ["x-more", "\xc4\x8d"],
        ],
      );
    }
  });

  test("interim responses, with their fields, and none to a client of HTTP/1.0", async () => {
    await using edge = await before(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    for (const method of ["GET", "POST"]) {
      using client = new Client(edge.port);
      client.send(request(method, `/${method}`));
      const hints = await client.receive();
      assert.equal(hints.status, 103);
      assert.deepEqual([...hints.fields], [["link", "</a>"]]);
      assert.equal((await client.receive()).status, 102);
      assert.equal((await client.receive()).body.toString(), "ok");
      using old = new Client(edge.port);
      old.send(`${method} /old HTTP/1.0\r\nhost: ${host}\r\n\r\n`);
      assert.equal((await old.receive()).body.toString(), "ok");
    }
  });
});

describe("an origin is told", () => {
  test("what the client said, by whom and for whom, and nothing that confuses it", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    using client = new Client(edge.port);
    const confusing = [
      "X-Forwarded-Host: evil",
      "x-original-url: /",
      "X-HTTP-Method-Override: PUT",
    ];
    client.send(
      [
        "POST /a HTTP/1.1\r\nHost: Any.test:81\r\nAccept: a\r\naccept: b\r\nCookie: c=d",
        "Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\nForwarded: for=evil",
        "X-Forwarded-Proto: https\r\nX-Request-Id: mine\r\nProxy-Connection: x\r\nEmpty:",
        ...confusing,
        "Range: bytes=0-1\r\nIf-Match: *\r\nContent-Length: 2\r\n\r\nab",
      ].join("\r\n"),
    );
    await client.receive();
    assert.deepEqual(fieldsOf(seen[0]), [
      "accept: a",
      "accept: b",
      "cdn-loop: atoll",
      "content-length: 2",
      "cookie: c=d",
      "empty: ",
      "host: Any.test:81",
      "if-match: *",
      "range: bytes=0-1",
      "via: 1.1 atoll",
      "x-forwarded-for: 127.0.0.1",
      "x-forwarded-proto: http",
    ]);
    assert.equal(seen[0]?.includes("mine"), false);
  });

  test("nothing by the other spelling of such a name: to CGI both are one", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    const forged = ["x_forwarded_for: 1.2.3.4", "X_Forwarded_Host: evil", "content_length: 9"];
    await fetchOnce(edge, "/a", ...forged, "my_own: 1");
    const names = fieldsOf(seen[0]).map((line) => line.split(":")[0] ?? "");
    assert.deepEqual(
      names.filter((name) => name.includes("_")),
      ["my_own"],
    );
  });

  test("RFC 9110 §7.6.3, RFC 8586 §2: by whom else the request came", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    await fetchOnce(edge, "/a", "via: 1.0 other", "cdn-loop: other; v=1");
    const lines = seen[0]?.split("\r\n") ?? [];
    const valueOf = (name: string): string =>
      lines
        .filter((line) => line.startsWith(`${name}: `))
        .map((line) => line.slice(name.length + 2))
        .join(", ");
    assert.equal(valueOf("cdn-loop"), "other; v=1, atoll");
    assert.equal(valueOf("via"), "1.0 other, 1.1 atoll");
  });

  test("no condition where the cache asks for itself, and a range of its own", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    await fetchOnce(edge, "/a", 'if-none-match: "x"', 'if-range: "x"', "accept: a");
    await fetchOnce(edge, "/b", "range: bytes=1048577-1048578");
    const names = fieldsOf(seen[0]).map((line) => line.split(":")[0] ?? "");
    assert(names.includes("accept"));
    assert.deepEqual(
      names.filter((name) => /^(?:range|if-.*)$/i.test(name)),
      [],
    );
    // All of the slice that it begins in.
    assert(fieldsOf(seen[1]).includes("range: bytes=1048576-2097151"));
  });

  test("nothing hop-by-hop, nor are its own such fields passed back", async () => {
    const lines = HOP_BY_HOP.filter((name) => name !== "transfer-encoding").map(
      (name) => `${name}: x`,
    );
    await using edge = await before(
      `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\nproxy-authenticate: x\r\ncontent-length: 2\r\n\r\nok`,
    );
    const { fields } = await fetchOnce(edge, "/a", "authorization: x");
    assert.deepEqual(
      [...fields.keys()].filter((name) => HOP_BY_HOP.includes(name)),
      [],
    );
  });
});

describe("OPTIONS *", () => {
  test("is answered by the edge itself: it asks about the server that it has reached", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\n\r\n", seen);
    using client = new Client(edge.port);
    client.send(request("OPTIONS", "*"));
    const response = await client.receive();
    assert.equal(response.status, 204);
    assert.equal(response.fields.has("content-length"), false);
    assert.deepEqual(seen, []);
  });
});

describe("RFC 9110 §7.6.2: Max-Forwards of TRACE and OPTIONS", () => {
  test("is one less at the origin", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    using client = new Client(edge.port);
    client.send(request("OPTIONS", "/a", "max-forwards: 5"));
    await client.receive();
    assert(fieldsOf(seen[0]).includes("max-forwards: 4"));
  });

  test("of 0 ends here", async () => {
    const seen: string[] = [];
    await using edge = await before("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", seen);
    using client = new Client(edge.port);
    client.send(request("OPTIONS", "/a", "max-forwards: 0"));
    assert.equal((await client.receive()).status, 204);
    assert.deepEqual(seen, []);
  });
});

describe("a Space", () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"]) {
    test(`answers 405 to ${method}, and the next request after it`, async () => {
      await using edge = await startEdge((_incoming, response) => void response.end("ok"));
      using client = new Client(edge.port);
      client.send(`${request(method, "/a", "content-length: 3")}abc${request("GET", "/a")}`);
      assert.equal((await client.receive()).status, 405);
      assert.equal((await client.receive()).body.toString(), "ok");
    });
  }

  for (const line of ["content-length: 3", "transfer-encoding: chunked"]) {
    test(`answers 400 to a GET with ${line}`, async () => {
      await using edge = await startEdge((_incoming, response) => void response.end("ok"));
      using client = new Client(edge.port);
      client.send(request("GET", "/a", line));
      const response = await client.receive();
      assert.equal(response.status, 400);
      assert.equal(response.fields.get("connection"), "close");
      assert.equal(edge.store.size, 0);
    });
  }
});
