import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { endpointPath, findEndpoint } from "./cdn-endpoints.ts";
import { printable, sessionOf, table } from "./session.ts";
import { readSmallFile } from "./small-file.ts";
import type { World } from "./world.ts";

/** Two secrets of 256 characters, and room for lines between them. */
const SECRETS_BYTES_MAX = 4_096;

const SettingsReply = z.looseObject({
  settings: z.looseObject({
    https_redirect: z.boolean(),
    hsts: z
      .looseObject({
        max_age: z.number(),
        include_subdomains: z.boolean(),
        preload: z.boolean(),
      })
      .nullable(),
    error_page: z.string().nullable(),
    compression: z.boolean(),
    query: z.looseObject({ mode: z.string(), names: z.array(z.string()) }),
    signed_urls: z.looseObject({ enabled: z.boolean(), secrets: z.number() }),
  }),
});
type Settings = z.output<typeof SettingsReply>["settings"];

/** A patch as the API takes it. */
type Patch = Readonly<Record<string, unknown>>;

interface SettingsOptions {
  readonly set?: Patch;
  readonly secretsFile?: string;
}

const HELP = `
--set may be repeated; what it does not name stays as it is:
  https_redirect=on|off                 GET and HEAD in the clear are sent to https
  hsts.max_age=SECONDS                  Strict-Transport-Security; hsts=off ends it
  hsts.include_subdomains=on|off        for all names below, too
  hsts.preload=on|off                   consents to browsers' lists
  error_page=KEY                        the object shown for 403, 404 and 5xx; empty for none
  compression=on|off                    br, zstd and gzip
  query=all|none|only:NAME,NAME…        parameters that make a difference to the cache
  signed_urls=on|off                    only URLs signed by one of the secrets are answered
Secrets of signed URLs never stand on the command line, and are never shown.`;

/** `atoll cdn settings` */
export function addSettingsCommand(cdn: Command, world: World): void {
  cdn
    .command("settings")
    .description("show what is settled for an endpoint, or change it")
    .argument("<endpoint>", "its id or host, or its Space's name")
    .option("--set <key=value>", "change one, may be repeated", parseSetting)
    .option("--secrets-file <file>", "one or two secrets of signed URLs, a line each")
    .addHelpText("after", HELP)
    .action(async (name: string, options: SettingsOptions, command: Command) => {
      const session = sessionOf(world, command);
      const patch = await patchOf(options);
      await using api = await connect(session);
      const path = `${endpointPath(await findEndpoint(api, name))}/settings`;
      const { settings } = await patchOrGet(api, path, patch);
      session.show({ settings }, () => settingsTable(settings));
    });
}

async function patchOrGet(
  api: Api,
  path: string,
  body: Patch | undefined,
): Promise<z.output<typeof SettingsReply>> {
  if (body === undefined) return api.call({ method: "GET", path }, SettingsReply);
  return api.call({ method: "PATCH", path, body }, SettingsReply);
}

async function patchOf({ set, secretsFile }: SettingsOptions): Promise<Patch | undefined> {
  if (secretsFile === undefined) return set;
  const text = await readSmallFile(secretsFile, SECRETS_BYTES_MAX);
  const secrets = text.split(/\r?\n/).filter((line) => line !== "");
  return { ...set, signed_urls: { ...(set?.["signed_urls"] as Patch | undefined), secrets } };
}

/** What a setting is sent as; `undefined` is a value that it does not take. */
const VALUES: Readonly<Record<string, (text: string) => Patch | undefined>> = {
  https_redirect: (text) => given("https_redirect", switched(text)),
  compression: (text) => given("compression", switched(text)),
  error_page: (text) => ({ error_page: text === "" ? null : text }),
  hsts: (text) => (switched(text) === false ? { hsts: null } : undefined),
  "hsts.max_age": (text) => within("hsts", given("max_age", wholeNumber(text))),
  "hsts.include_subdomains": (text) => within("hsts", given("include_subdomains", switched(text))),
  "hsts.preload": (text) => within("hsts", given("preload", switched(text))),
  query: (text) => within("query", queryOf(text)),
  signed_urls: (text) => within("signed_urls", given("enabled", switched(text))),
};

function parseSetting(text: string, before: Patch = {}): Patch {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  const valueOf = Object.hasOwn(VALUES, key) ? VALUES[key] : undefined;
  if (at < 0 || valueOf === undefined) {
    throw new InvalidArgumentError(
      `Expected key=value with one of ${Object.keys(VALUES).join(", ")}.`,
    );
  }
  const patch = valueOf(text.slice(at + 1));
  if (patch === undefined) throw new InvalidArgumentError("--help shows what it takes.");
  return merged(before, patch);
}

/** Parts of one setting come together; of two that say the same, the later. */
function merged(before: Patch, patch: Patch): Patch {
  const members = Object.entries(patch).map(([name, value]) => {
    const known = before[name];
    const both = isObject(known) && isObject(value);
    return [name, both ? { ...known, ...value } : value] as const;
  });
  return { ...before, ...Object.fromEntries(members) };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function given(name: string, value: unknown): Patch | undefined {
  return value === undefined ? undefined : { [name]: value };
}

function within(name: string, patch: Patch | undefined): Patch | undefined {
  return given(name, patch);
}

function switched(text: string): boolean | undefined {
  if (text === "on" || text === "true") return true;
  return text === "off" || text === "false" ? false : undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}

function queryOf(text: string): Patch | undefined {
  if (text === "all" || text === "none") return { mode: text, names: [] };
  const [, names] = /^only:(.+)$/s.exec(text) ?? [];
  return names === undefined ? undefined : { mode: "only", names: names.split(",") };
}

function settingsTable(settings: Settings): readonly string[] {
  const { hsts, query, signed_urls: signed } = settings;
  const words = [
    ...(hsts?.include_subdomains === true ? ["include_subdomains"] : []),
    ...(hsts?.preload === true ? ["preload"] : []),
  ];
  return table([
    ["SETTING", "VALUE"],
    ["https_redirect", onOff(settings.https_redirect)],
    ["hsts", hsts === null ? "off" : [`max_age=${hsts.max_age}`, ...words].join(" ")],
    ["error_page", settings.error_page === null ? "none" : printable(settings.error_page)],
    ["compression", onOff(settings.compression)],
    ["query", query.mode === "only" ? `only:${query.names.join(",")}` : query.mode],
    ["signed_urls", `${onOff(signed.enabled)}, ${signed.secrets} secrets`],
  ]);
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}
