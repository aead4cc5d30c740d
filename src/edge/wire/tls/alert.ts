/** RFC 8446 §6: alerts that are sent before there is anything to encrypt them with. */
const DESCRIPTIONS = {
  decode_error: 50,
  internal_error: 80,
  missing_extension: 109,
  unrecognized_name: 112,
} as const;

export type AlertName = keyof typeof DESCRIPTIONS;

/** A fatal alert as one record, in the version that every client takes before it knows better. */
export function fatalAlert(name: AlertName): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, DESCRIPTIONS[name]]);
}
