/** A head's fields, names and values alternating, parted by who may have them. */
export interface PartedFields {
  /** For all who are served what is stored. */
  readonly shared: readonly string[];
  /** For the request that was answered, and nobody else. */
  readonly withheld: readonly string[];
}

const NONE: readonly string[] = [];

/**
 * RFC 9111 §3.1: fields that no-cache and private name are not stored with the rest. They still reach
 * the one whose request has been answered with them.
 */
export function partFields(
  fields: readonly string[],
  withheldNames: readonly string[] = NONE,
): PartedFields {
  if (withheldNames.length === 0) return { shared: fields, withheld: NONE };
  const shared: string[] = [];
  const withheld: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    (withheldNames.includes(name) ? withheld : shared).push(name, fields[i + 1] ?? "");
  }
  return { shared, withheld };
}
