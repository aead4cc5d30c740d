import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLogger } from "#log.ts";

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger("info", { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("the log", () => {
  test("writes one JSON line for an event, its data as fields", () => {
    const [line] = logged((log) => log.info({ request_id: "r1", status: 200 }, "request finished"));
    const { time, ...rest } = line ?? {};
    assert.deepEqual(rest, {
      level: "info",
      request_id: "r1",
      status: 200,
      msg: "request finished",
    });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.+Z$/);
  });

  test("never writes a secret", () => {
    const [line] = logged((log) => log.warn({ token: "dop_v1_x", authorization: "Bearer x" }, "m"));
    assert.equal(line?.["token"], "[redacted]");
    assert.equal(line?.["authorization"], "[redacted]");
  });

  test("writes an error with its cause", () => {
    const [line] = logged((log) =>
      log.error({ err: new Error("outer", { cause: new Error("inner") }) }, "failed"),
    );
    assert.match(JSON.stringify(line?.["err"]), /outer.*inner/);
  });
});
