import { z } from "zod";

/** An empty variable is an absent one: `FOO= npm start` means the default. */
const blankIsAbsent = (value: unknown): unknown => (value === "" ? undefined : value);

export function variable<S extends z.ZodType>(schema: S): z.ZodPreprocess<S> {
  return z.preprocess(blankIsAbsent, schema);
}

export function integer(min: number, max: number, expected: string): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

export const port = integer(0, 65_535, "expected a port, 0 to 65535 (0 picks a free one)");
export const count = integer(1, 10_000_000, "expected a whole number, 1 to 10000000");
export const onOff = z.enum(["on", "off"], { error: "expected on or off" });

const HOSTNAME =
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
export const hostname = z
  .string()
  .toLowerCase()
  .regex(HOSTNAME, "expected a host name, as example.net");
export const hostnames = z
  .string()
  .transform((text) => text.split(",").map((name) => name.trim().toLowerCase()))
  .refine(
    (names) => names.every((name) => HOSTNAME.test(name)),
    "expected host names separated by commas, as example.net,spaces.localhost",
  );

/** Also what a name and a colon stand before, in credentials: it has none itself. */
export const email = z
  .string()
  .regex(/^[^\s:@]{1,64}@[^\s:@]{1,190}$/, "expected an e-mail address, as owner@example.net");
