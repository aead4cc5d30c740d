import process from "node:process";
import { systemClock } from "#clock.ts";
import { useCompileCache } from "#compile-cache.ts";

// Before all else is imported.
useCompileCache();
const { runAtoll } = await import("./run.ts");

/** The `atoll` command: the world as it is, and nothing else. */
const stop = new AbortController();
const end = (): void => stop.abort(new Error("Stopped before it was done."));

// Not `once`: a terminal sends Ctrl-C to us and to our launcher, which hands it on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
if (process.channel !== undefined) {
  // The launcher holds the other end, and its death, even by SIGKILL, closes it.
  process.on("disconnect", end);
  process.channel.unref();
}
// A reader such as `head` has enough; so have we. The server goes on without one.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

process.exitCode = await runAtoll(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  signal: stop.signal,
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
});
