import type { Command } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import { readSmallFile } from "./small-file.ts";
import { CommandError, usageError, type World } from "./world.ts";

const PATH = "/v2/certificates";
/** Ours: those of the platform's own names, for the operator. */
const PLATFORM_PATH = "/atoll/v1/certificates";

/** Far above what the API takes. */
const FILE_BYTES_MAX = 262_144;

const Certificate = z.looseObject({
  id: z.string(),
  name: z.string(),
  not_after: z.string().nullish(),
  sha1_fingerprint: z.string().nullish(),
  created_at: z.string(),
  dns_names: z.array(z.string()),
  state: z.string(),
  type: z.string(),
});
type Certificate = z.output<typeof Certificate>;
const CertificateReply = z.looseObject({ certificate: Certificate });

const Story = z.looseObject({
  events: z.array(z.looseObject({ kind: z.string(), message: z.string(), created_at: z.string() })),
  failures: z.number().nullish(),
  next_attempt_at: z.string().nullish(),
});
type Story = z.output<typeof Story>;

interface CreateOptions {
  readonly dnsName?: readonly string[];
  readonly key?: string;
  readonly cert?: string;
  readonly chain?: string;
}

interface WhoseOptions {
  readonly platform?: boolean;
}

const PLATFORM = ["--platform", "of the platform's own names, which are the operator's"] as const;

/** `atoll certificate …` */
export function addCertificateCommands(program: Command, world: World): void {
  const certificate = program
    .command("certificate")
    .description("certificates of custom domains: uploaded, or obtained and renewed");
  certificate
    .command("list")
    .description("list them, those too that endpoints have obtained for themselves")
    .option(...PLATFORM)
    .action(async (whose: WhoseOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const certificates = await listCertificates(api, whose);
      session.show({ certificates }, () => certificateTable(certificates, world.clock.now()));
    });
  certificate
    .command("show")
    .description("tell its story: attempts, the CA's words, the next try, days left")
    .argument("<certificate>", "its id or name")
    .option(...PLATFORM)
    .action(async (text: string, whose: WhoseOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const found = await findCertificate(api, text, whose);
      const path = `${pathOf(found, whose)}/events`;
      const story = await api.call({ method: "GET", path }, Story);
      session.show({ certificate: found, ...story }, () =>
        storyLines(found, story, world.clock.now()),
      );
    });
  addCreateCommand(certificate, world);
  certificate
    .command("delete")
    .description("delete one that no endpoint uses")
    .argument("<certificate>", "its id or name")
    .action(async (text: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const found = await findCertificate(api, text, {});
      await api.call({ method: "DELETE", path: pathOf(found, {}) }, Nothing);
      session.show({ deleted: found.id }, () => [`deleted ${found.name}`]);
    });
  certificate
    .command("retry")
    .description("try at once again to obtain one that could not be obtained")
    .argument("<certificate>", "its id or name")
    .option(...PLATFORM)
    .action(async (text: string, whose: WhoseOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const path = `${pathOf(await findCertificate(api, text, whose), whose)}/retry`;
      const reply = await api.call({ method: "POST", path }, CertificateReply);
      session.show(reply, () => certificateTable([reply.certificate], world.clock.now()));
    });
}

function addCreateCommand(certificate: Command, world: World): void {
  certificate
    .command("create")
    .description("upload one, or have one obtained and renewed")
    .argument("<name>", "what it is called, once in an account")
    .option("--dns-name <names...>", "obtain one for these, as www.example.com *.example.com")
    .option("--key <file>", "upload: its private key, PEM")
    .option("--cert <file>", "upload: the leaf, or the whole chain, PEM")
    .option("--chain <file>", "upload: what leads from the leaf to its root, PEM")
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const session = sessionOf(world, command);
      const body = { name, ...(await membersOf(options)) };
      await using api = await connect(session);
      const reply = await api.call({ method: "POST", path: PATH, body }, CertificateReply);
      session.show(reply, () => certificateTable([reply.certificate], world.clock.now()));
    });
}

async function membersOf({ dnsName, key, cert, chain }: CreateOptions): Promise<object> {
  if (dnsName !== undefined && key === undefined && cert === undefined && chain === undefined) {
    return { type: "lets_encrypt", dns_names: dnsName };
  }
  if (dnsName !== undefined || key === undefined || cert === undefined) {
    throw usageError("Expected --dns-name, or --key and --cert and maybe --chain.");
  }
  return {
    type: "custom",
    private_key: await readSmallFile(key, FILE_BYTES_MAX),
    leaf_certificate: await readSmallFile(cert, FILE_BYTES_MAX),
    ...(chain === undefined
      ? {}
      : { certificate_chain: await readSmallFile(chain, FILE_BYTES_MAX) }),
  };
}

function listCertificates(api: Api, { platform }: WhoseOptions): Promise<Certificate[]> {
  return platform === true
    ? api.list(PLATFORM_PATH, "certificates", Certificate)
    : api.list(PATH, "certificates", Certificate, { automatic: "true" });
}

function pathOf({ id }: Certificate, { platform }: WhoseOptions): string {
  return `${platform === true ? PLATFORM_PATH : PATH}/${encodeURIComponent(id)}`;
}

/** @throws CommandError when there is none of that id or name, or more than one */
async function findCertificate(api: Api, text: string, whose: WhoseOptions): Promise<Certificate> {
  const all = await listCertificates(api, whose);
  const found = all.filter(({ id, name }) => id === text || name === text);
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CommandError(`There is no certificate ${text}: expected its id or name.`);
  }
  if (others.length === 0) return first;
  throw usageError(`${found.length} certificates are called ${text}: say which by its id.`);
}

function certificateTable(certificates: readonly Certificate[], now: number): readonly string[] {
  const rows = certificates.map((certificate) => [
    certificate.id,
    certificate.name,
    certificate.state,
    certificate.type,
    daysLeft(certificate, now),
    certificate.dns_names.join(","),
  ]);
  return table([["ID", "NAME", "STATE", "TYPE", "DAYS LEFT", "DNS NAMES"], ...rows]);
}

function daysLeft({ not_after: end }: Certificate, now: number): string {
  return typeof end === "string" ? String(Math.floor((Date.parse(end) - now) / DAY_MS)) : "";
}

const DAY_MS = 86_400_000;

function storyLines(certificate: Certificate, story: Story, now: number): readonly string[] {
  const { failures, next_attempt_at: next } = story;
  const ends = certificate.not_after ?? "not issued yet";
  const left = daysLeft(certificate, now);
  return [
    ...table([
      ["MEMBER", "VALUE"],
      ["id", certificate.id],
      ["name", certificate.name],
      ["state", certificate.state],
      ["type", certificate.type],
      ["dns names", certificate.dns_names.join(", ")],
      ["ends", left === "" ? ends : `${ends}, in ${left} days`],
      ...(failures ? [["failures", `${failures} in a row`]] : []),
      ...(typeof next === "string" ? [[failures ? "next try" : "next look", next]] : []),
    ]),
    "",
    ...table([
      ["WHEN", "WHAT", "HOW"],
      ...story.events.map(({ created_at: at, kind, message }) => [at, kind, message]),
    ]),
  ];
}
