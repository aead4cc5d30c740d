import { openForWriting } from "#sqlite/connection.ts";
import { migrate } from "#sqlite/migrate.ts";
import { keepKeyCheck, resealAll } from "#sqlite/sealed-columns.ts";
import type { Config } from "./config.ts";
import { openDataFolder } from "./data-folder.ts";
import { adoptNextKey, writeNextKey } from "./master-key.ts";
import { sealUnder } from "./seal.ts";

/**
 * A new master key, and all secrets sealed under it. Killed at any point, the next start finds one
 * key that opens all of them: it looks at both. @returns how many secrets there were
 * @throws Error when a server has the data folder
 */
export async function rotateMasterKey(config: Config): Promise<number> {
  using folder = await openDataFolder(config.dataDir, config.masterKeyFile);
  using db = openForWriting(folder.database);
  migrate(db);
  const before = sealUnder(folder.masterKey);
  keepKeyCheck(db, before);
  const after = sealUnder(await writeNextKey(folder.masterKeyFile));
  const total = resealAll(db, before, after);
  // What was overwritten is not to be found in the log of writes, either.
  db.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM");
  await adoptNextKey(folder.masterKeyFile);
  return total;
}
