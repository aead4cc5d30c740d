/** What one slice is kept under: its representation, and which of its slices it is. */
interface SliceName {
  readonly generation: string;
  readonly n: number;
}

/** The key of a slice. No response has one like it: theirs begin with an endpoint's id. */
export function sliceKey(generation: string, n: number): string {
  return `#${generation}/${n}`;
}

/** Undefined: it is not the key of a slice. */
export function parseSliceKey(key: string): SliceName | undefined {
  if (!key.startsWith("#")) return undefined;
  const slash = key.indexOf("/");
  return { generation: key.slice(1, slash), n: Number(key.slice(slash + 1)) };
}
