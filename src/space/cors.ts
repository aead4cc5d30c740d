import { z } from "zod";
import { strictMembers } from "#api/strict-members.ts";
import type { CorsRule } from "#feed/entry.ts";
import { Problem } from "#problem.ts";
import {
  CORS_BYTES_MAX,
  CORS_ID_LENGTH_MAX,
  CORS_NAME_LENGTH_MAX,
  CORS_RULES_MAX,
  CORS_SECONDS_MAX,
} from "./limits.ts";

/** Rules for requests from other origins, in the shape that S3 and its tools have them. */

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;

const EXPECTED_ORIGIN = "expected * or an origin, as https://www.example.com, with one * at most";
const EXPECTED_ORIGINS = "expected a list of at least one origin";
const EXPECTED_METHOD = `expected one of ${METHODS.join(", ")}`;
const EXPECTED_METHODS = "expected a list of at least one method";
const EXPECTED_FIELD = "expected a field's name with one * at most";
const EXPECTED_EXPOSED = "expected a field's name, without *";
const EXPECTED_LIST = "expected a list";
const EXPECTED_SECONDS = `expected a number of seconds, 0 to ${CORS_SECONDS_MAX}`;
const EXPECTED_ID = `expected at most ${CORS_ID_LENGTH_MAX} characters`;
const EXPECTED_RULES = `expected a list of 1 to ${CORS_RULES_MAX} rules`;

/** A character of a token (RFC 9110 §5.6.2) but `*`, which stands for any run of characters. */
const FIELD_NAME = /^[\w!#$%&'+\-.^`|~]+$/;

/** Nothing of an origin may end a field's value, or be two of them. */
const ORIGIN = /^[\x21-\x29\x2b\x2d-\x7e]+$/;

/** Whether it is such a name, or one with a `*` somewhere: alone, it stands for every name. */
function isPatternOf(name: RegExp, text: string): boolean {
  if (text === "*") return true;
  const rest = text.replace("*", "");
  return text.length <= CORS_NAME_LENGTH_MAX && name.test(rest);
}

const allowedOrigin = z
  .string({ error: EXPECTED_ORIGIN })
  .refine((text) => isPatternOf(ORIGIN, text), EXPECTED_ORIGIN);
const allowedHeader = z
  .string({ error: EXPECTED_FIELD })
  .refine((text) => isPatternOf(FIELD_NAME, text), EXPECTED_FIELD);
const exposedHeader = z
  .string({ error: EXPECTED_EXPOSED })
  .max(CORS_NAME_LENGTH_MAX, EXPECTED_EXPOSED)
  .regex(FIELD_NAME, EXPECTED_EXPOSED);

/** A member that S3 would not know is refused: a misspelt one would allow less, or more. */
const Rule = strictMembers({
  ID: z.string({ error: EXPECTED_ID }).max(CORS_ID_LENGTH_MAX, EXPECTED_ID).optional(),
  AllowedOrigins: z.array(allowedOrigin, { error: EXPECTED_ORIGINS }).min(1, EXPECTED_ORIGINS),
  AllowedMethods: z
    .array(z.literal(METHODS, { error: EXPECTED_METHOD }), { error: EXPECTED_METHODS })
    .min(1, EXPECTED_METHODS),
  AllowedHeaders: z.array(allowedHeader, { error: EXPECTED_LIST }).optional(),
  ExposeHeaders: z.array(exposedHeader, { error: EXPECTED_LIST }).optional(),
  MaxAgeSeconds: z
    .int({ error: EXPECTED_SECONDS })
    .min(0, EXPECTED_SECONDS)
    .max(CORS_SECONDS_MAX, EXPECTED_SECONDS)
    .optional(),
});

/** All rules of a Space, as they come. */
export const CorsBody = strictMembers({
  CORSRules: z
    .array(Rule, { error: EXPECTED_RULES })
    .min(1, EXPECTED_RULES)
    .max(CORS_RULES_MAX, EXPECTED_RULES),
});

/** All rules of a Space, as they are shown: as they came, and none as an empty list. */
export const CorsView = z.object({
  CORSRules: z.array(
    z.object({
      ID: z.string().optional(),
      AllowedOrigins: z.array(z.string()),
      AllowedMethods: z.array(z.literal(METHODS)),
      AllowedHeaders: z.array(z.string()).optional(),
      ExposeHeaders: z.array(z.string()).optional(),
      MaxAgeSeconds: z.int().optional(),
    }),
  ),
});

/**
 * From the wire's names to ours.
 * @throws Problem("unprocessable_entity") when they are more than S3 would keep
 */
export function corsRules(body: z.output<typeof CorsBody>): readonly CorsRule[] {
  const sizeBytes = Buffer.byteLength(JSON.stringify(body));
  if (sizeBytes > CORS_BYTES_MAX) {
    throw new Problem(
      "unprocessable_entity",
      `CORSRules: ${sizeBytes} bytes as JSON, but a Space keeps at most ${CORS_BYTES_MAX}`,
    );
  }
  return body.CORSRules.map((rule) => ({
    ...(rule.ID === undefined ? {} : { id: rule.ID }),
    allowedOrigins: rule.AllowedOrigins,
    allowedMethods: rule.AllowedMethods,
    allowedHeaders: rule.AllowedHeaders ?? [],
    exposeHeaders: rule.ExposeHeaders ?? [],
    ...(rule.MaxAgeSeconds === undefined ? {} : { maxAgeSeconds: rule.MaxAgeSeconds }),
  }));
}

/** From our names to the wire's. */
export function corsView(rules: readonly CorsRule[]): z.input<typeof CorsView> {
  return {
    CORSRules: rules.map((rule) => ({
      ...(rule.id === undefined ? {} : { ID: rule.id }),
      AllowedOrigins: [...rule.allowedOrigins],
      AllowedMethods: [...rule.allowedMethods],
      ...(rule.allowedHeaders.length === 0 ? {} : { AllowedHeaders: [...rule.allowedHeaders] }),
      ...(rule.exposeHeaders.length === 0 ? {} : { ExposeHeaders: [...rule.exposeHeaders] }),
      ...(rule.maxAgeSeconds === undefined ? {} : { MaxAgeSeconds: rule.maxAgeSeconds }),
    })),
  };
}

/** Rules as an edge compares with them: names of fields have no case (RFC 9110 §5.1). */
export function edgeCorsRules(rules: readonly CorsRule[]): readonly CorsRule[] {
  return rules.map((rule) => ({
    ...rule,
    allowedHeaders: rule.allowedHeaders.map((name) => name.toLowerCase()),
  }));
}
