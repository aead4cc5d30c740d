/** Unreachable by type; if reached, the types lie and the program should say so. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable case: ${JSON.stringify(value)}`);
}
