import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { registryPath } from "./registry-path.ts";
import { type Session, sessionOf, table } from "./session.ts";
import { usageError, type World } from "./world.ts";

const Preview = z.looseObject({
  tags: z.array(z.looseObject({ repository: z.string(), tag: z.string(), updated_at: z.string() })),
  total: z.number(),
  truncated: z.boolean(),
});

const Applied = z.looseObject({ deleted: z.number() });
const Saved = z.looseObject({ settings: z.looseObject({ retention: z.array(z.unknown()) }) });

interface RetentionOptions {
  readonly keepLast?: number;
  readonly keepDays?: number;
  readonly repositories?: readonly string[];
  readonly tags?: readonly string[];
  readonly save?: true;
  readonly off?: true;
  readonly apply?: true;
}

const HELP = `
Without --apply nothing is deleted: the tags are listed that the registry's rules would take, or those
that the rule of --keep-last and --keep-days would. A tag stays when either keeps it. --save makes that
rule the registry's only one; the API takes several. Blobs are freed by atoll registry gc.`;

/** `atoll registry retention` */
export function addRetentionCommand(registry: Command, world: World): void {
  registry
    .command("retention")
    .description("show which tags the rules would delete, change the rules, or apply them")
    .argument("<name>", "the registry")
    .option("--keep-last <n>", "a rule: keep the latest so many tags of a repository", parseWhole)
    .option("--keep-days <n>", "a rule: keep tags pushed within so many days", parseWhole)
    .option("--repositories <pattern...>", "which repositories the rule is about (default: all)")
    .option("--tags <pattern...>", "which tags the rule is about, as build-* (default: all)")
    .option("--save", "make it the registry's rule")
    .option("--off", "remove the registry's rules")
    .option("--apply", "delete the tags that the registry's rules take, now")
    .addHelpText("after", HELP)
    .action(async (name: string, options: RetentionOptions, command: Command) => {
      const session = sessionOf(world, command);
      const rule = ruleOf(options);
      await using api = await connect(session);
      const path = registryPath(name);
      if (options.save === true || options.off === true) {
        const body = { retention: rule === undefined ? null : [rule] };
        await api.call({ method: "PATCH", path: `${path}/settings`, body }, Saved);
      }
      if (options.apply === true) {
        const applied = await api.call({ method: "POST", path: `${path}/retention` }, Applied);
        session.show(applied, () => [`deleted ${applied.deleted} tags of ${name}`]);
        return;
      }
      await showPreview(session, api, `${path}/retention/preview`, rule);
    });
}

/** The rule that the options make; undefined: they make none. */
function ruleOf(options: RetentionOptions): object | undefined {
  const { keepLast, keepDays, repositories, tags, save, off, apply } = options;
  const isRule = keepLast !== undefined || keepDays !== undefined;
  if (!isRule && (repositories !== undefined || tags !== undefined)) {
    throw usageError("--repositories and --tags say what a rule is about: add --keep-last or so.");
  }
  if (save === true && !isRule) throw usageError("--save needs --keep-last or --keep-days.");
  if (off === true && isRule) throw usageError("--off removes rules, and takes none.");
  if (apply === true && isRule && save !== true) {
    throw usageError("--apply goes by the registry's own rules: --save this one with it.");
  }
  if (!isRule) return undefined;
  return {
    ...(keepLast === undefined ? {} : { keep_last: keepLast }),
    ...(keepDays === undefined ? {} : { keep_days: keepDays }),
    ...(repositories === undefined ? {} : { repositories }),
    ...(tags === undefined ? {} : { tags }),
  };
}

async function showPreview(
  session: Session,
  api: Api,
  path: string,
  rule: object | undefined,
): Promise<void> {
  const body = rule === undefined ? {} : { retention: [rule] };
  const preview = await api.call({ method: "POST", path, body }, Preview);
  session.show(preview, () => [
    ...table([
      ["REPOSITORY", "TAG", "PUSHED"],
      ...preview.tags.map(({ repository, tag, updated_at: at }) => [repository, tag, at]),
    ]),
    preview.truncated
      ? `${preview.total} tags would be deleted, not all are shown`
      : `${preview.total} tags would be deleted`,
  ]);
}

function parseWhole(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number.");
}
