import type { Command } from "commander";
import { z } from "zod";
import { connect } from "./api.ts";
import { type Endpoint, endpointPath, findEndpoint } from "./cdn-endpoints.ts";
import { addSettingsCommand } from "./cdn-settings.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import { usageError, type World } from "./world.ts";

const Match = z.looseObject({
  path: z.string(),
  bytes: z.number(),
  stored_bytes: z.number().nullish(),
  tier: z.string(),
});
const Preview = z.looseObject({
  matches: z.array(Match),
  total: z.number(),
  truncated: z.boolean(),
});

interface PurgeOptions {
  readonly soft?: true;
  readonly dryRun?: true;
}

const HELP = `
A pattern is a path (css/site.css, with or without its leading slash), which means all that is stored
for it; a path with a query string, which means that one; a path with * in it, for any run of
characters; a URL of the endpoint's; or tag:NAME, for what came with that Cache-Tag or Surrogate-Key.`;

/** `atoll cdn settings|purge` */
export function addCdnCommands(program: Command, world: World): void {
  const cdn = program.command("cdn").description("CDN endpoints: what is settled, what is stored");
  addSettingsCommand(cdn, world);
  cdn
    .command("purge")
    .description("drop what the edges have stored, everywhere before it returns")
    .argument("<endpoint>", "its id or host, or its Space's name")
    .argument("<pattern...>", "quoted, where it has a *")
    .option("--soft", "make it stale instead: it is confirmed before it is used, or stands in")
    .option("--dry-run", "drop nothing: list what is stored and would be dropped")
    .addHelpText("after", HELP)
    .action(async (name: string, files: string[], options: PurgeOptions, command: Command) => {
      if (options.soft === true && options.dryRun === true) {
        throw usageError("--dry-run drops nothing, so --soft says nothing with it.");
      }
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const endpoint = await findEndpoint(api, name);
      const path = `${endpointPath(endpoint)}/cache`;
      if (options.dryRun === true) {
        const call = { method: "POST", path: `${path}/preview`, body: { files } } as const;
        const preview = await api.call(call, Preview);
        session.show(preview, () => previewLines(preview));
        return;
      }
      const soft = options.soft === true;
      const body = soft ? { files, soft } : { files };
      await api.call({ method: "DELETE", path, body }, Nothing);
      session.show({ purged: { id: endpoint.id, files, soft } }, () => [
        purgedLine(endpoint, soft),
      ]);
    });
}

function purgedLine({ endpoint }: Endpoint, soft: boolean): string {
  return soft ? `made stale at ${endpoint}` : `purged from ${endpoint}`;
}

function previewLines({ matches, total, truncated }: z.output<typeof Preview>): readonly string[] {
  const bytes = matches.reduce((sum, match) => sum + match.bytes, 0);
  const rows = matches.map((match) => [match.path, String(match.bytes), whereOf(match)]);
  const more = truncated ? `at least ${total} match, not all are shown` : `${total} match`;
  return [...table([["PATH", "BYTES", "TIER"], ...rows]), `${more}: ${bytes} bytes`];
}

/** Of what is kept in slices, some may be there. */
function whereOf({ tier, stored_bytes: stored }: z.output<typeof Match>): string {
  return typeof stored === "number" ? `${tier}, ${stored} of them` : tier;
}
