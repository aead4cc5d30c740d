import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { allPages, type ClientKind, type Seen } from "./client.ts";

/** godo's JSON of an endpoint, as the tools print it. */
interface GodoEndpoint {
  readonly id: string;
  readonly origin: string;
  readonly ttl: number;
  readonly custom_domain?: string;
}

interface Answer {
  readonly id?: number;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly isError?: boolean;
    readonly content?: readonly { readonly text: string }[];
  };
}

const PER_PAGE = 50;

/** DigitalOcean's MCP server over stdio: godo behind JSON-RPC 2.0. It has no update. */
export function mcp(folder: string): ClientKind {
  return {
    name: "@digitalocean/mcp",
    whenLimited: "waits",
    open: async ({ url, token }) => {
      const program = join(folder, "node_modules/@digitalocean/mcp/index.js");
      const child = spawn(process.execPath, [program, "-services", "accounts,networking,spaces"], {
        env: {
          PATH: process.env["PATH"] ?? "",
          DIGITALOCEAN_API_ENDPOINT: url,
          DIGITALOCEAN_API_TOKEN: token,
        },
        stdio: ["pipe", "pipe", "ignore"],
      });
      const waiting = new Map<number, (answer: Answer) => void>();
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("{")) return;
        const answer = JSON.parse(line) as Answer;
        if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
      });
      const send = (message: object) =>
        child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
      let calls = 0;
      const call = async (method: string, params: object): Promise<string> => {
        calls += 1;
        const id = calls;
        const { promise, resolve } = Promise.withResolvers<Answer>();
        waiting.set(id, resolve);
        send({ id, method, params });
        const { error, result } = await promise;
        const text = result?.content?.[0]?.text ?? error?.message ?? "";
        if (error !== undefined || result?.isError === true) throw new Error(text);
        return text;
      };
      const tool = async (name: string, args: object) =>
        call("tools/call", { name, arguments: args });

      await call("initialize", {
        protocolVersion: "2024-11-05",
        capabilities: {},
        clientInfo: { name: "atoll-tests", version: "1" },
      });
      send({ method: "notifications/initialized" });
      return {
        create: async (Origin, TTL) => seen(await tool("spaces-cdn-create", { Origin, TTL })),
        get: async (ID) => seen(await tool("spaces-cdn-get", { ID })),
        list: () =>
          allPages(PER_PAGE, async (Page) => {
            const text = await tool("spaces-cdn-list", { Page, PerPage: PER_PAGE });
            return (JSON.parse(text) as GodoEndpoint[]).map(seenOf);
          }),
        flush: async (ID, Files) => {
          await tool("spaces-cdn-flush-cache", { ID, Files });
        },
        delete: async (ID) => {
          await tool("spaces-cdn-delete", { ID });
        },
        async [Symbol.asyncDispose]() {
          const ended = once(child, "exit");
          child.kill();
          await ended;
        },
      };
    },
  };
}

function seen(text: string): Seen {
  return seenOf(JSON.parse(text) as GodoEndpoint);
}

function seenOf({ id, origin, ttl, custom_domain }: GodoEndpoint): Seen {
  return { id, origin, ttl, customDomain: custom_domain };
}
