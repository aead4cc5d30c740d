import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { connect } from "./api.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import type { World } from "./world.ts";

const PATH = "/atoll/v1/tokens";

const Token = z.looseObject({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  created_at: z.string(),
  expires_at: z.string().nullish(),
  last_used_at: z.string().nullish(),
});

interface CreateOptions {
  readonly scopes?: readonly string[];
  readonly expiresIn?: number;
}

/** `atoll token …` */
export function addTokenCommands(program: Command, world: World): void {
  const token = program.command("token").description("API tokens of an account");
  token
    .command("create")
    .description("make a token; standard output gets its text, this once, and nothing else")
    .argument("<name>", "what it is for")
    .option("--scopes <list>", "as cdn:read,cdn:update (default: full access)", commaSeparated)
    .option("--expires-in <time>", "as 3600s, 90m, 12h or 30d (default: never)", parseSeconds)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const body = {
        name,
        ...(options.scopes === undefined ? {} : { scopes: options.scopes }),
        ...(options.expiresIn === undefined ? {} : { expires_in_seconds: options.expiresIn }),
      };
      const Reply = z.looseObject({ token: Token, secret: z.string() });
      const reply = await api.call({ method: "POST", path: PATH, body }, Reply);
      session.show(reply, () => {
        for (const line of tokenTable([reply.token])) world.stderr(line);
        return [reply.secret];
      });
    });
  token
    .command("list")
    .description("list the tokens, without their text: only its hash is stored")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const tokens = await api.list(PATH, "tokens", Token);
      session.show({ tokens }, () => tokenTable(tokens));
    });
  token
    .command("revoke")
    .description("end a token at once")
    .argument("<id>", "from `atoll token list`")
    .action(async (id: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const path = `${PATH}/${encodeURIComponent(id)}`;
      await api.call({ method: "DELETE", path }, Nothing);
      session.show({ revoked: id }, () => [`revoked ${id}`]);
    });
}

function tokenTable(tokens: readonly z.output<typeof Token>[]): readonly string[] {
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.scopes.join(","),
    token.created_at,
    token.expires_at ?? "never",
    token.last_used_at ?? "never",
  ]);
  return table([["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"], ...rows]);
}

function commaSeparated(text: string): readonly string[] {
  return text.split(",").map((scope) => scope.trim());
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

function parseSeconds(text: string): number {
  const match = /^([1-9][0-9]{0,9})([smhd]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Expected a time, as 3600s, 90m, 12h or 30d.");
  const unit = (match[2] === "" ? "s" : match[2]) as keyof typeof UNIT_SECONDS;
  return Number(match[1]) * UNIT_SECONDS[unit];
}
