import { contentStoreContract } from "./content-store.ts";
import { openTemporaryStorage } from "./temporary-storage.ts";

contentStoreContract("SQLite", openTemporaryStorage);
