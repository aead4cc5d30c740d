import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { z } from "zod";
import { CommandError, type World } from "./world.ts";

/** The server that a command talks to, and as whom. */
export interface Server {
  readonly url: URL;
  readonly token: string;
  /** PEM of the local CA, where there is one. */
  readonly ca: string | undefined;
}

const HOW_TO_START = "Start it with `npm start`, or set ATOLL_URL and ATOLL_TOKEN.";

/** Larger ones are not ours. */
const FILE_LENGTH_MAX = 65_536;

/** `<data dir>/runtime.json`: where the parts of the running server listen. */
const Runtime = z.looseObject({
  pid: z.int().positive(),
  api: z.url().nullish(),
  api_tls: z.url().nullish(),
});
export type Runtime = z.output<typeof Runtime>;

/** Everything that lasts is in here. */
export function dataDirectory(env: NodeJS.ProcessEnv): string {
  return resolve(env["ATOLL_DATA_DIR"] || "./data");
}

/** The file as its server wrote it, if that server still runs. */
export async function readRuntime(dataDir: string): Promise<Runtime | undefined> {
  const text = await readIfThere(join(dataDir, "runtime.json"));
  if (text === undefined) return undefined;
  const runtime = Runtime.safeParse(parseJson(text)).data;
  return runtime !== undefined && isRunning(runtime.pid) ? runtime : undefined;
}

/**
 * Finds the server: by ATOLL_URL and ATOLL_TOKEN, else the one that runs on the data folder.
 * @throws CommandError that says how to start or to name one.
 */
export async function findServer({ env }: World): Promise<Server> {
  const dataDir = dataDirectory(env);
  const ca = await readIfThere(join(dataDir, "ca", "ca.pem"));
  const named = env["ATOLL_URL"];
  if (named) return { url: parseUrl(named), token: tokenFor(env, named), ca };
  const runtime = await readRuntime(dataDir);
  const url = runtime?.api ?? runtime?.api_tls;
  if (!url) throw new CommandError(`No server runs on ${dataDir}. ${HOW_TO_START}`);
  return { url: new URL(url), token: await operatorToken(env, dataDir), ca };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "") return url;
  throw new CommandError(`ATOLL_URL should be an http(s) URL, as http://127.0.0.1:8080.`);
}

/** The operator's credential is never sent to a server that somebody has only named. */
function tokenFor(env: NodeJS.ProcessEnv, url: string): string {
  const token = env["ATOLL_TOKEN"];
  if (token) return token;
  throw new CommandError(`ATOLL_URL is ${url}, so ATOLL_TOKEN should be one of its tokens.`);
}

async function operatorToken(env: NodeJS.ProcessEnv, dataDir: string): Promise<string> {
  const path = join(dataDir, "operator.token");
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    const token = env["ATOLL_TOKEN"];
    if (token) return token;
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `Cannot read ${path} (${code}): run this as the user that runs the server, or set ATOLL_TOKEN.`,
      { cause: error },
    );
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).slice(0, FILE_LENGTH_MAX);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Cut short by a crash: it describes no server.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
