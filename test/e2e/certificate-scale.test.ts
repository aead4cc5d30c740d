import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";
import { after, describe, test } from "node:test";
import { connect } from "node:tls";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { noProcesses, residentBytes } from "../support/processes.ts";
import { inParallel, until } from "../support/until.ts";
import { originOf } from "../support/world.ts";

/** 10,000 is the real thing, and what an account may have; fewer find the same mistakes. */
const TOTAL = Number(process.env["ATOLL_TEST_CERTIFICATES"] ?? 500);
const LANES = 16;
const HANDSHAKES = 50;

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

function domainOf(number: number): string {
  return `n${number}.example.com`;
}

/** Each is attached to an endpoint of its own, with the CA in its chain: so the workers hold it. */
async function createMany(from: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await inParallel(numbers, LANES, async (number) => {
    const custom_domain = domainOf(number);
    const { cert, key } = await authority.issue(custom_domain);
    const members = { private_key: key, leaf_certificate: cert };
    const body = { name: custom_domain, ...members, certificate_chain: authority.caPem };
    const created = await atoll.api("POST", "/v2/certificates", { body });
    assert.equal(created.status, 201, created.text);
    const certificate_id = created.json.certificate.id;
    const endpoint = { origin: originOf(`space-${number}`), custom_domain, certificate_id };
    const attached = await atoll.api("POST", "/v2/cdn/endpoints", { body: endpoint });
    assert.equal(attached.status, 201, attached.text);
  });
}

/** A full handshake, whose certificate is the name's own. */
async function shake(servername: string): Promise<void> {
  const port = Number(new URL(atoll.runtime.edge_tls).port);
  const socket = connect({ port, host: "127.0.0.1", servername, ca: authority.caPem });
  try {
    await once(socket, "secureConnect");
  } finally {
    socket.destroy();
  }
}

/** The quickest of some, each with a name that no handshake was for yet. */
async function handshakeMs(from: number): Promise<number> {
  const took: number[] = [];
  for (let number = from; number < from + HANDSHAKES; number += 1) {
    const startedAt = performance.now();
    await shake(domainOf(number));
    took.push(performance.now() - startedAt);
  }
  return Math.min(...took);
}

describe(`with ${TOTAL} certificates`, { skip: noProcesses }, () => {
  test("a handshake takes no longer than with a few", async (context) => {
    const few = 3 * HANDSHAKES;
    await createMany(0, few);
    await handshakeMs(0); // Warms up; not compared.
    const early = await handshakeMs(HANDSHAKES);
    await createMany(few, TOTAL);
    const late = await handshakeMs(TOTAL - HANDSHAKES);
    context.diagnostic(`${early.toFixed(1)} ms with ${few}, ${late.toFixed(1)} ms with ${TOTAL}`);
    assert(late < 3 * early, `${early} ms each at the beginning, ${late} ms at the end`);
  });

  test("a worker takes over in less than 3 s and stays below 250 MiB", async (context) => {
    const [crashed = 0] = atoll.workers;
    const startedAt = performance.now();
    process.kill(crashed, "SIGKILL");
    await until("the new worker shows the last one", () =>
      shake(domainOf(TOTAL - 1)).then(
        () => true,
        () => false,
      ),
    );
    const tookMs = performance.now() - startedAt;
    assert(tookMs < 3_000, `${tookMs} ms`);
    const [worker = 0] = atoll.workers;
    const megabytes = residentBytes(worker) / 1_048_576;
    context.diagnostic(`${tookMs.toFixed(0)} ms, ${megabytes.toFixed(0)} MiB`);
    assert(megabytes < 250, `${megabytes} MiB`);
  });

  test("and below it when every name has been asked for, twice", async (context) => {
    const [worker = 0] = atoll.workers;
    let most = 0;
    for (const round of [1, 2]) {
      const names = Array.from({ length: TOTAL }, (_, number) => domainOf(number));
      await inParallel(names, LANES, async (name) => {
        await shake(name);
        if (name.endsWith("99.example.com")) most = Math.max(most, residentBytes(worker));
      });
      context.diagnostic(`${(most / 1_048_576).toFixed(0)} MiB after round ${round}`);
    }
    assert(most > 0 && most < 250 * 1_048_576, `${most / 1_048_576} MiB`);
  });
});
