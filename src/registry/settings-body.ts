import { randomUUID } from "node:crypto";
import { z } from "zod";
import { strictMembers } from "#api/strict-members.ts";
import type { Seal } from "#seal.ts";
import { COLLECTION_TYPES, DEFAULT_COLLECTION_TYPE } from "./collection.ts";
import {
  KEEP_DAYS_MAX,
  KEEP_LAST_MAX,
  PATTERNS_MAX,
  RETENTION_RULES_MAX,
  SCHEDULE_HOURS_MAX,
  WEBHOOK_SECRET_LENGTH_MAX,
  WEBHOOK_SECRET_LENGTH_MIN,
  WEBHOOK_URL_LENGTH_MAX,
  WEBHOOKS_MAX,
} from "./limits.ts";
import type { RegistrySettings, RegistrySettingsChanges, RetentionRule } from "./settings.ts";
import { isRepositoryPattern, isTagPattern } from "./tag-pattern.ts";
import { WEBHOOK_EVENTS, type Webhook, webhookPurpose } from "./webhook.ts";

export const SettingsView = z.object({
  immutable_tags: z.array(z.string()),
  retention: z.array(
    z.object({
      repositories: z.array(z.string()),
      tags: z.array(z.string()),
      keep_last: z.int().nullable(),
      keep_days: z.int().nullable(),
    }),
  ),
  schedule: z.object({ every_hours: z.int(), type: z.enum(COLLECTION_TYPES) }).nullable(),
  // Their secrets are never shown.
  webhooks: z.array(
    z.object({ id: z.string(), url: z.string(), events: z.array(z.enum(WEBHOOK_EVENTS)) }),
  ),
});

const EXPECTED_TAGS = `expected 1 to ${PATTERNS_MAX} patterns of tags, as v* or *`;
const EXPECTED_REPOSITORIES = `expected 1 to ${PATTERNS_MAX} patterns of repositories, as team/*`;
const EXPECTED_RULES = `expected at most ${RETENTION_RULES_MAX} rules`;
const EXPECTED_KEEP = "expected keep_last, keep_days or both";
const EXPECTED_WEBHOOKS = `expected at most ${WEBHOOKS_MAX} webhooks`;
const EXPECTED_URL = "expected an http(s) URL without a user";
const EXPECTED_EVENTS = `expected some of ${WEBHOOK_EVENTS.join(", ")}`;
const EXPECTED_SECRET = `expected ${WEBHOOK_SECRET_LENGTH_MIN} to ${WEBHOOK_SECRET_LENGTH_MAX} visible ASCII characters`;
const EXPECTED_TYPE = `expected one of ${COLLECTION_TYPES.join(", ")}`;

function whole(min: number, max: number) {
  const expected = `expected a whole number, ${min} to ${max}`;
  return z.int({ error: expected }).min(min, expected).max(max, expected);
}

function patterns(isPattern: (text: string) => boolean, expected: string) {
  return z
    .array(z.string({ error: expected }).refine(isPattern, expected), { error: expected })
    .min(1, expected)
    .max(PATTERNS_MAX, expected);
}

export const RulesBody = z
  .array(
    strictMembers({
      repositories: patterns(isRepositoryPattern, EXPECTED_REPOSITORIES).default(["*"]),
      tags: patterns(isTagPattern, EXPECTED_TAGS).default(["*"]),
      keep_last: whole(0, KEEP_LAST_MAX).nullish(),
      keep_days: whole(1, KEEP_DAYS_MAX).nullish(),
    }).refine(
      // A rule that keeps nothing would take every tag: that is said by keep_last 0, not by silence.
      ({ keep_last: last, keep_days: days }) => (last ?? days) !== undefined,
      EXPECTED_KEEP,
    ),
    { error: EXPECTED_RULES },
  )
  .max(RETENTION_RULES_MAX, EXPECTED_RULES);

// Every message is ours: none may repeat what was sent.
const WebhookBody = strictMembers({
  url: z
    .string({ error: EXPECTED_URL })
    .max(WEBHOOK_URL_LENGTH_MAX, EXPECTED_URL)
    .refine(isReceiver, EXPECTED_URL),
  events: z
    .array(z.enum(WEBHOOK_EVENTS, { error: EXPECTED_EVENTS }), { error: EXPECTED_EVENTS })
    .min(1, EXPECTED_EVENTS)
    .default([...WEBHOOK_EVENTS]),
  secret: z
    .string({ error: EXPECTED_SECRET })
    .min(WEBHOOK_SECRET_LENGTH_MIN, EXPECTED_SECRET)
    .max(WEBHOOK_SECRET_LENGTH_MAX, EXPECTED_SECRET)
    .regex(/^[\x21-\x7e]*$/, EXPECTED_SECRET),
});

export const SettingsBody = strictMembers({
  immutable_tags: z
    .array(z.string({ error: EXPECTED_TAGS }).refine(isTagPattern, EXPECTED_TAGS), {
      error: EXPECTED_TAGS,
    })
    .max(PATTERNS_MAX, EXPECTED_TAGS)
    .nullish(),
  retention: RulesBody.nullish(),
  schedule: strictMembers({
    every_hours: whole(1, SCHEDULE_HOURS_MAX),
    type: z.enum(COLLECTION_TYPES, { error: EXPECTED_TYPE }).default(DEFAULT_COLLECTION_TYPE),
  }).nullish(),
  webhooks: z
    .array(WebhookBody, { error: EXPECTED_WEBHOOKS })
    .max(WEBHOOKS_MAX, EXPECTED_WEBHOOKS)
    .nullish(),
});

function isReceiver(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
}

type RuleBody = z.output<typeof RulesBody>[number];

/** From the wire's names to ours. */
export function ruleOf({ repositories, tags, keep_last, keep_days }: RuleBody): RetentionRule {
  return {
    repositories,
    tags,
    ...(typeof keep_last === "number" ? { keepLast: keep_last } : {}),
    ...(typeof keep_days === "number" ? { keepDays: keep_days } : {}),
  };
}

/** A secret is sealed for the webhook that it is for. */
function webhookOf({ url, events, secret }: z.output<typeof WebhookBody>, seal: Seal): Webhook {
  const id = randomUUID();
  const sealed = seal.seal(secret, webhookPurpose(id));
  return { id, url, events, sealedSecret: Buffer.from(sealed).toString("base64") };
}

/** From the wire's names to ours. */
export function changesOf(
  body: z.output<typeof SettingsBody>,
  seal: Seal,
): RegistrySettingsChanges {
  const { immutable_tags: immutableTags, retention, schedule, webhooks } = body;
  return {
    immutableTags,
    retention: retention && retention.map(ruleOf),
    webhooks: webhooks && webhooks.map((webhook) => webhookOf(webhook, seal)),
    schedule: schedule && { everyHours: schedule.every_hours, type: schedule.type },
  };
}

/** From our names to the wire's: every member, those that are off too. */
export function settingsView(settings: RegistrySettings): z.input<typeof SettingsView> {
  const { immutableTags = [], retention = [], schedule, webhooks = [] } = settings;
  return {
    immutable_tags: [...immutableTags],
    retention: retention.map(({ repositories, tags, keepLast, keepDays }) => ({
      repositories: [...repositories],
      tags: [...tags],
      keep_last: keepLast ?? null,
      keep_days: keepDays ?? null,
    })),
    schedule:
      schedule === undefined ? null : { every_hours: schedule.everyHours, type: schedule.type },
    webhooks: webhooks.map(({ id, url, events }) => ({ id, url, events: [...events] })),
  };
}
