import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { dirname, join, posix } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import { parse } from "yaml";
import type { Deviation } from "./deviations.ts";

/** A reply as the check sees it; `path` is without its query. */
export interface CheckedReply {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Checks replies against DigitalOcean's published OpenAPI documents. */
export interface OfficialCheck {
  /** What is wrong with a reply, a line each; nothing when it is as published. */
  check(reply: CheckedReply): string[];
  unusedDeviations(): Deviation[];
}

type Json = Readonly<Record<string, unknown>>;
type Located = { readonly file: string; readonly value: Json };

/** Ours, not DigitalOcean's; the OAuth pages are not in the published documents. */
const OWN_ROUTE =
  /^\/(?:atoll\/|v1\/oauth\/|v2\/cdn\/(?:explain|endpoints\/[^/]+\/(?:settings|cache\/preview))$|v2\/certificates\/[^/]+\/(?:events|retry)$|v2\/registries\/[^/]+\/(?:settings|retention(?:\/preview)?|webhooks)|ca\.pem$|healthz$|metrics$|openapi\.json$|$)/;
/** Of OpenAPI 3.0 only: no meaning for a reply, and unknown to JSON Schema. */
const DROPPED = new Set([
  "readOnly",
  "writeOnly",
  "example",
  "discriminator",
  "xml",
  "externalDocs",
  "deprecated",
  "nullable",
]);

export function officialCheck(folder: string, deviations: readonly Deviation[]): OfficialCheck {
  const documents = new Map<string, Json>();
  const ajv = formats.default(new Ajv({ strict: false, allErrors: true }));
  const registered = new Set<string>();
  const validators = new Map<Json, ValidateFunction>();
  const used = new Set<Deviation>();
  const operations = Object.keys(child(document("paths.yml"), "paths"))
    .map((path) => ({
      path,
      // `{name}` is one segment; a template with fewer of them is the more exact one.
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
      parameters: path.split("{").length,
    }))
    .toSorted((one, other) => one.parameters - other.parameters);

  function document(file: string): Json {
    const known = documents.get(file);
    if (known !== undefined) return known;
    const read = parse(readFileSync(join(folder, file), "utf8")) as Json;
    documents.set(file, read);
    return read;
  }

  /** Follows `$ref`s, through files, until there is none. */
  function resolve(located: Located): Located {
    const reference = located.value["$ref"];
    if (typeof reference !== "string") return located;
    return resolve(target(located.file, reference));
  }

  function target(from: string, reference: string): Located {
    const [path = "", pointer = ""] = reference.split("#");
    const file = path === "" ? from : posix.normalize(posix.join(dirname(from), path));
    let value = document(file);
    for (const name of pointer.split("/").slice(1)) value = child(value, name);
    return { file, value };
  }

  /** Gives a schema a name in Ajv, so that schemas may refer to one another and to themselves. */
  function named(file: string, reference: string): string {
    const located = target(file, reference);
    const pointer = reference.split("#")[1] ?? "";
    const name = `official:${located.file}:${pointer}`;
    if (!registered.has(name)) {
      registered.add(name);
      ajv.addSchema(toJsonSchema(located.file, located.value) as Json, name);
    }
    return name;
  }

  function toJsonSchema(file: string, schema: unknown): unknown {
    if (Array.isArray(schema)) return schema.map((part) => toJsonSchema(file, part));
    if (typeof schema !== "object" || schema === null) return schema;
    const source = schema as Json;
    // OpenAPI 3.0: what stands beside a $ref has no effect.
    if (typeof source["$ref"] === "string") return { $ref: named(file, source["$ref"]) };
    const converted = Object.fromEntries(
      Object.entries(source)
        .filter(([name]) => !DROPPED.has(name) && !name.startsWith("x-"))
        .map(([name, value]) => [
          name,
          name === "enum" || name === "default" ? value : toJsonSchema(file, value),
        ]),
    );
    return source["nullable"] === true ? { anyOf: [{ type: "null" }, converted] } : converted;
  }

  function operationOf(method: string, path: string): Located | undefined {
    for (const candidate of operations) {
      const item = child(child(document("paths.yml"), "paths"), candidate.path);
      const name = method === "HEAD" ? "get" : method.toLowerCase();
      if (!candidate.pattern.test(path) || item[name] === undefined) continue;
      return resolve({ file: "paths.yml", value: child(item, name) });
    }
    return undefined;
  }

  function responseOf(operation: Located, status: number): Located | undefined {
    const responses = child(operation.value, "responses");
    const response = responses[String(status)] ?? responses["default"];
    return response === undefined
      ? undefined
      : resolve({ file: operation.file, value: response as Json });
  }

  function headerMistakes(response: Located, headers: IncomingHttpHeaders): Found[] {
    return Object.keys(child(response.value, "headers"))
      .filter((name) => name.startsWith("ratelimit-"))
      .flatMap((name) => {
        const text = headers[name];
        return typeof text === "string" && /^\d+$/.test(text)
          ? []
          : [{ path: `header ${name}`, message: `is declared an integer and is ${String(text)}` }];
      });
  }

  function validatorOf(file: string, schema: Json): ValidateFunction {
    const known = validators.get(schema);
    if (known !== undefined) return known;
    const made = ajv.compile(toJsonSchema(file, schema) as Json);
    validators.set(schema, made);
    return made;
  }

  function bodyMistakes(response: Located, reply: CheckedReply): Found[] {
    const media = child(child(response.value, "content"), "application/json");
    if (reply.method === "HEAD" || media["schema"] === undefined) {
      return reply.text === "" ? [] : [{ path: "", message: "has a body where none is declared" }];
    }
    const type = reply.headers["content-type"];
    if (type !== "application/json; charset=utf-8") {
      return [{ path: "header content-type", message: `is ${String(type)}` }];
    }
    const validate = validatorOf(response.file, child(media, "schema"));
    if (validate(JSON.parse(reply.text))) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) => ({
      path: instancePath.replaceAll(/\/\d+(?=\/|$)/g, "/*"),
      message: `${message} ${JSON.stringify(params)}`,
    }));
  }

  return {
    check(reply) {
      if (OWN_ROUTE.test(reply.path) || reply.method === "OPTIONS") return [];
      const operation = operationOf(reply.method, reply.path);
      if (operation === undefined) {
        // A route or a method that is not there answers an error, which every operation declares.
        return reply.status === 404 || reply.status === 405
          ? []
          : [
              `${reply.method} ${reply.path}: ${reply.status} from an operation that is not published`,
            ];
      }
      const name = String(operation.value["operationId"]);
      const response = responseOf(operation, reply.status);
      if (response === undefined) return [`${name}: ${reply.status} is not a published reply`];
      return [...headerMistakes(response, reply.headers), ...bodyMistakes(response, reply)]
        .filter(({ path }) => {
          const deviation = deviations.find(
            (one) => one.operation === name && one.status === reply.status && one.path === path,
          );
          if (deviation !== undefined) used.add(deviation);
          return deviation === undefined;
        })
        .map(({ path, message }) => `${name}: ${reply.status}: ${path || "/"} ${message}`);
    },
    unusedDeviations: () => deviations.filter((one) => !used.has(one)),
  };
}

interface Found {
  readonly path: string;
  readonly message: string;
}

/** A member that is an object; absent is as empty. */
function child(value: Json, name: string): Json {
  return (value[name] ?? {}) as Json;
}
