import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { migrate } from "#sqlite/migrate.ts";

const FOLDER = join(import.meta.dirname, "../../src/sqlite");

interface Planned {
  /** `oci.sql: tags` */
  readonly statement: string;
  /** What SQLite does, step by step, with what foreign keys and triggers of foreign keys add. */
  readonly steps: readonly string[];
}

/** How every statement finds its rows in a database that has no statistics, as ours has none. */
function plansOfAll(): readonly Planned[] {
  using db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  migrate(db);
  return globSync("*.sql", { cwd: FOLDER })
    .toSorted()
    .flatMap((file) => {
      const [, ...parts] = readFileSync(join(FOLDER, file), "utf8").split(/^-- name: (\w+)$/m);
      return parts.flatMap((name, index) => {
        if (index % 2 === 1) return [];
        const rows = db.prepare(`EXPLAIN QUERY PLAN ${parts[index + 1]}`).all();
        const steps = rows.map(({ detail }) => String(detail));
        return [{ statement: `${basename(file)}: ${name}`, steps }];
      });
    });
}

/** What reads all of a table, and why it may. */
const READ_WHOLE: Readonly<Record<string, string>> = {
  "account-certificates.sql: abandonedOrders": "so many of a queue",
  "account-certificates.sql: counts": "an index of states alone, for metrics",
  "accounts.sql: countAccounts": "the operator's, by an index alone",
  "accounts.sql: firstAccount": "its first row",
  "accounts.sql: pageOfAccounts": "the operator's, in the table's order",
  "certificates.sql: ownNames": "at starts and daily",
  "challenges.sql: challenges": "at starts, CHALLENGES_MAX rows",
  "challenges.sql: countOtherChallenges": "CHALLENGES_MAX rows",
  "challenges.sql: deleteChallengesBefore": "at starts, CHALLENGES_MAX rows",
  "collections.sql: next": "an index of those that are active",
  "collections.sql: orphans": "so many of a queue",
  "endpoints.sql: regions": "at starts and when certificates of the platform are looked at",
  "endpoints.sql: spacesIn": "when certificates of the platform are looked at",
  "feed.sql: lastNumber": "one row for each table that counts",
  "oci.sql: blobs": "for a backup",
  "registry-settings.sql: scheduled": "an index of those with a schedule",
  "spaces.sql: files": "for a backup, and at starts",
};

/** What reads a repository's rows one by one, or counts them. */
const READS_REPOSITORY =
  /: (?:countManifests|countTags|countTaggedRepositories|deleteRepository|deleteSome\w+|forgetUploads\w*|insertRepository|latestTag|pageOf\w+|repositoryByName|countUploads)$/;

/** Not what the statement itself has made, or a column of JSON. */
const READS_WHOLE = /^SCAN (?!CONSTANT|keeper|needed|webhook$|\w+ (?:EXISTS )?VIRTUAL TABLE|\()/;

describe("statements", () => {
  const plans = plansOfAll();

  test("find their rows by an index, but for those of which it is known why", () => {
    const whole = plans.filter(({ steps }) => steps.some((step) => READS_WHOLE.test(step)));
    assert.deepEqual(whole.map(({ statement }) => statement).toSorted(), Object.keys(READ_WHOLE));
  });

  test("about one thing of a repository do not read all that the repository has", () => {
    const wide = plans.filter(
      ({ statement, steps }) =>
        !READS_REPOSITORY.test(statement) &&
        steps.some((step) => step.endsWith("(repository_id=?)")),
    );
    assert.deepEqual(wide, []);
  });

  test("that delete a manifest find its tags by its digest", () => {
    const cascades = plans.filter(({ statement }) => /: delete\w*Manifests?$/.test(statement));
    assert.equal(cascades.length, 4);
    for (const { statement, steps } of cascades) {
      const tags = steps.filter((step) => step.startsWith("SEARCH tag "));
      assert(tags.length > 0, statement);
      for (const step of tags) assert.match(step, /\(repository_id=\? AND digest=\?\)$/, statement);
    }
  });

  test("that list an account's certificates read no other's", () => {
    const lists = plans.filter(({ statement }) =>
      /^account-certificates\.sql: (?:page|count(?!s))/.test(statement),
    );
    assert.equal(lists.length, 6);
    for (const { statement, steps } of lists) {
      assert.match(steps[0] ?? "", /\(account_id=\?/, statement);
    }
  });
});
