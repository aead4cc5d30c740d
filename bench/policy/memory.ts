import { execFile } from "node:child_process";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { markdown } from "../edge/table.ts";

const run = promisify(execFile);
const PROGRAM = new URL("../stored-memory.ts", import.meta.url).pathname;

/** What a stored response takes beyond its body and the text of its head, each case in a process. */
export async function memoryTable(): Promise<string> {
  const rows: string[][] = [];
  for (const use of ["stored", "hit", "hit over HTTP/2"]) {
    const { stdout } = await run(execPath, [PROGRAM, use]);
    const { heap, resident, key, charged } = JSON.parse(stdout) as Record<string, number>;
    rows.push([use, ...[heap, resident, key, charged].map((bytes) => String(bytes))]);
  }
  const head = [
    "octets an object of 1 KiB",
    "heap and buffers",
    "resident",
    "of it its key",
    "charged",
  ];
  return markdown(head, rows);
}
