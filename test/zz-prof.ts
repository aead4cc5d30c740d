import { Agent, get } from "node:http";
import { startWorkers } from "./unit/edge/siblings/support.ts";
import { inParallel } from "./support/until.ts";
const body = Buffer.alloc(1024, "a");
const workers = await startWorkers((_q, r) => r.writeHead(200, { "cache-control": "max-age=600", etag: '"1"', "content-length": 1024 }).end(body), { proxy: true });
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const mode = process.argv[2];
const host = "static.nyc3.cdn.spaces.localhost";
const run = async (n: number, tag: string) => {
  const targets = Array.from({ length: n }, (_, i) => `/${tag}/${i}`);
  await inParallel(targets, 32, (t) => new Promise<void>((res, rej) => {
    const w = mode === "hop" ? workers.otherOf(t) : workers.ownerOf(t);
    get(w.url + t, { agent, headers: { host } }, (r) => { r.resume(); r.on("end", () => res()); }).on("error", rej);
  }));
};
await run(3000, "warm");
const a = process.cpuUsage();
await run(12000, "x");
const b = process.cpuUsage(a);
console.log(mode, ((b.user + b.system) / 12000).toFixed(0), "us in all");
agent.destroy();
await workers[Symbol.asyncDispose]();
process.exit(0);
