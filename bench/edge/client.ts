import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { LOAD_CORE, runLoad } from "./program.ts";
import type { Setting } from "./server.ts";

/** Our own load generators, for what wrk and h2load don't do: a program each, on a core each. */
const CLIENTS = {
  "constant-rate": new URL("./clients/constant-rate.ts", import.meta.url),
  handshakes: new URL("./clients/handshakes.ts", import.meta.url),
  idle: new URL("./clients/idle.ts", import.meta.url),
  spin: new URL("./clients/spin.ts", import.meta.url),
} as const;

/** A large nursery is emptied seldom, and by the one thread that the core is for. */
const NODE_OPTIONS = [
  "--min-semi-space-size=64",
  "--max-semi-space-size=64",
  "--single-threaded-gc",
] as const;

type Client = keyof typeof CLIENTS;

/** Runs a client to its end and returns the JSON that it prints. */
export async function runClient<Result>(
  client: Client,
  args: readonly (string | number)[],
  { seconds, setting }: { readonly seconds: number; readonly setting: Setting },
): Promise<Result> {
  const [program, ...rest] = clientCommand(client, args);
  const { signal } = setting;
  const printed = await runLoad({ program, args: rest, core: LOAD_CORE, seconds, signal });
  return JSON.parse(printed) as Result;
}

export function clientCommand(
  client: Client,
  args: readonly (string | number)[],
): [string, ...string[]] {
  return [execPath, ...NODE_OPTIONS, fileURLToPath(CLIENTS[client]), ...args.map(String)];
}
