import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateFamilies } from "#usage/certificate-families.ts";

const USE = { states: { pending: 1, verified: 2, error: 0 }, issued: 3, renewed: 4, failed: 5 };

test("the metrics of certificates are their states, the first end, and attempts by result", () => {
  const [states, soonest, attempts] = certificateFamilies({ ...USE, soonestEndSeconds: 60 });
  assert.deepEqual(states?.series, [
    [["state", "pending"], 1],
    [["state", "verified"], 2],
    [["state", "error"], 0],
  ]);
  assert.deepEqual(soonest?.series, [[[], 60]]);
  assert.deepEqual(attempts?.series, [
    [["result", "issued"], 3],
    [["result", "renewed"], 4],
    [["result", "failed"], 5],
  ]);
});

test("the metrics of certificates have no first end while there is none", () => {
  assert.deepEqual(certificateFamilies(USE)[1]?.series, []);
});
