import { setTimeout as delay } from "node:timers/promises";
import { createProfessional, type Tenant } from "../../support/registry.ts";
import { until } from "../../support/until.ts";
import { createToken } from "../../support/world.ts";
import type { Check } from "../checks.ts";
import { randomFrom } from "../random.ts";
import { pairs } from "../report.ts";
import { inMib } from "../vitals.ts";
import type { SoakTerms } from "../wire-soak.ts";
import { RegistryClient } from "./client.ts";
import { Collections } from "./collections.ts";
import { Line } from "./line.ts";
import { Lives } from "./lives.ts";
import { Owner } from "./owner.ts";
import { bytesOf, disagreements, remainsIn } from "./remains.ts";
import { Tally } from "./tally.ts";

const CLIENTS = 8;
const KILL_EVERY_MS = 20_000;
const NAME = "soak";

/** A registry's years in minutes: clients and collections at once, and the server killed under them. */
export async function soakRegistry({ minutes, seed, say }: SoakTerms): Promise<readonly Check[]> {
  await using stack = new AsyncDisposableStack();
  const lives = stack.use(await Lives.open());
  const { atoll } = lives;
  const tenant = await createProfessional(atoll, NAME);
  const tally = new Tally();
  const owners: Owner[] = [];
  for (let number = 0; number < CLIENTS; number += 1) {
    owners.push(await newOwner(stack, { lives, tenant, tally, seed, number }));
  }
  const line = stack.use(new Line(lives, tally, tenant.token, []));
  const collections = new Collections(tenant, line, tally);
  const ending = new AbortController();
  const { signal } = ending;
  const work = Promise.all([
    ...owners.map((owner) => owner.run(signal)),
    collections.run(randomFrom(seed + CLIENTS), signal),
    lives.killEvery(KILL_EVERY_MS, signal),
  ]);
  await Promise.race([delay(minutes * 60_000), work]);
  ending.abort();
  await work;

  const facts = await atRest(lives, tenant, owners, collections);
  say(`done: ${pairs(tally.acts)}`);
  say(`answers: ${pairs(tally.answers)}`);
  say(`kills: ${lives.kills}; begun again: ${tally.cut}; images at the end: ${facts.images}`);
  say(`collections: ${facts.collections}; last one freed ${inMib(facts.freedBytes)}`);
  say(`disk: ${inMib(facts.before)} → ${inMib(facts.after)}; the API says ${inMib(facts.usage)}`);
  return checksOf(lives, tally, facts);
}

interface Begun {
  readonly lives: Lives;
  readonly tenant: Tenant;
  readonly tally: Tally;
  readonly seed: number;
  readonly number: number;
}

/** Each has a token of its own, as people have; every other one signs in for sessions. */
async function newOwner(
  stack: AsyncDisposableStack,
  { lives, tenant, tally, seed, number }: Begun,
): Promise<Owner> {
  const { secret } = await createToken(lives.atoll, { account: `${NAME}@example.test` });
  const repositories = Owner.repositories(tenant.name, CLIENTS);
  const scopes = repositories.map((name) => `repository:${name}:pull,push,delete`);
  const line = stack.use(new Line(lives, tally, secret, number % 2 === 0 ? [] : scopes));
  const random = randomFrom(seed + number);
  const client = new RegistryClient(line, random, tally);
  return new Owner({ number, clients: CLIENTS, tenant, line, client, random, tally });
}

/** What is seen when nobody pushes any more. */
interface Facts {
  readonly images: number;
  /** Counts of how they ended. */
  readonly collections: string;
  readonly failed: number;
  readonly freedBytes: number;
  /** Octets of blobs on the disk before the last collection, and after it. */
  readonly before: number;
  readonly after: number;
  /** As the API says. */
  readonly usage: number;
  readonly disagreements: readonly string[];
}

async function atRest(
  lives: Lives,
  tenant: Tenant,
  owners: readonly Owner[],
  collections: Collections,
): Promise<Facts> {
  const { atoll } = lives;
  await collections.collect();
  await noFileWithoutRow(atoll.dataDir);
  const before = bytesOf(remainsIn(atoll.dataDir));
  for (const owner of owners) await owner.deleteHalf();
  const last = await collections.collect();
  await lives.restart();
  await noFileWithoutRow(atoll.dataDir);
  let images = 0;
  for (const owner of owners) images += await owner.pullAll();
  const remains = remainsIn(atoll.dataDir);
  const all = await collections.all();
  const ends = Map.groupBy(all, ({ status }) => status);
  const reply = await tenant.api("GET", `/v2/registries/${tenant.name}`);
  return {
    images,
    collections: [...ends].map(([status, ended]) => `${status} ${ended.length}`).join(", "),
    failed: ends.get("failed")?.length ?? 0,
    freedBytes: last.freed_bytes,
    before,
    after: bytesOf(remains),
    usage: reply.json.registry.storage_usage_bytes,
    disagreements: disagreements(remains),
  };
}

/** The start looks for them, while it answers already. What is found in vain is a disagreement. */
async function noFileWithoutRow(dataDir: string): Promise<void> {
  const remaining = (): boolean => {
    const { files, rows } = remainsIn(dataDir);
    return files.some(({ digest }) => !rows.has(digest));
  };
  await until("files without rows go", () => !remaining()).catch(() => undefined);
}

function checksOf(lives: Lives, tally: Tally, facts: Facts): readonly Check[] {
  const { before, after, freedBytes, usage } = facts;
  const missing = ACTS.filter((act) => !tally.acts.has(act));
  const serverErrors = [...tally.answers.keys()].filter((answer) => / 5\d\d$/.test(answer));
  const [error] = lives.errors;
  const found: readonly (readonly [string, string | undefined])[] = [
    [
      "every push, pull, tag and delete came to its end, and every image pulls to the octet",
      tally.faultCount === 0 ? undefined : `${tally.faultCount}:\n${tally.faults.join("\n")}`,
    ],
    ["everything was done at least once", listed(missing)],
    ["no answer is a 5xx", listed(serverErrors)],
    ["no collection failed", facts.failed === 0 ? undefined : `${facts.failed} did`],
    [
      "the disk got back what the last collection says",
      freedBytes > 0 && before - after === freedBytes
        ? undefined
        : `it says ${freedBytes}, and the disk has ${before - after} less`,
    ],
    [
      "the disk has what the API says",
      usage === after ? undefined : `it says ${usage}, and the disk has ${after}`,
    ],
    ["every file has its row and every row its file", listed(facts.disagreements)],
    ["the log has no error", error],
  ];
  return found.map(([what, failure]) => ({ what, failure }));
}

const ACTS: readonly string[] = [
  "blob there",
  "blob mounted",
  "blob posted",
  "blob sent in chunks",
  "upload abandoned",
  "upload cancelled",
  "image pushed",
  "index pushed",
  "referrer pushed",
  "tag added",
  "tag moved",
  "tag deleted",
  "manifest deleted",
  "repository deleted",
  "pulled",
  "collection started",
];

function listed(all: readonly string[]): string | undefined {
  return all.length === 0 ? undefined : all.slice(0, 10).join("\n");
}
