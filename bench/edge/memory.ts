import type { Bench } from "./bench.ts";
import { runInside } from "./inside.ts";
import { markdown } from "./table.ts";

const OBJECTS = 200_000;

interface Seen {
  readonly overhead: number;
  readonly key: number;
  readonly lines: number;
  readonly resident: number;
}

/** What an object that Atoll has stored takes in memory beside its body and the lines of its head. */
export async function memory({ options, setting }: Bench): Promise<string> {
  const objects = options.stored ?? OBJECTS;
  const printed = await runInside("memory", [setting.origin, objects], { objects, setting });
  const { overhead, key, lines, resident } = JSON.parse(printed) as Seen;
  const table = markdown(
    [
      `octets an object of 1 KiB, of ${objects.toLocaleString("en")}`,
      "beyond body and head",
      "of it its key",
      "resident",
      "(its head)",
    ],
    [["hit over HTTP/1.1, a tenth over HTTP/2", ...[overhead, key, resident, lines].map(String)]],
  );
  return `${table}\n\n${NOTE}`;
}

const NOTE = `Node's heapUsed and external, which has array buffers in it, after collections; less the same with 20,000 \
other objects, fetched and hit before; less 1,024 for the body and one octet for each character of the head's lines. The \
key counts. Resident: the same of the process's resident memory, which is more by what the allocators have not given back.`;
