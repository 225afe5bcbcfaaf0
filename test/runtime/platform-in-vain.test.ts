// A service in one's own program that cannot be made lets go of what it has opened: the program lives on and may try again.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createTidegate } from "../../src/tidegate.ts";
import { tempFolder } from "../support/temp-folder.ts";

const HTTPS = { KAFKA_URL: "https://127.0.0.1:1" };

it.each<[string, Record<string, string>, (path: (name: string) => string) => void, RegExp]>([
  ["a certificate that is not there", { ...HTTPS, KAFKA_TLS_CA: "nowhere.pem" }, () => undefined, /KAFKA_TLS_CA/],
  ["keys of something else", {}, (path) => writeFileSync(path("keys.sqlite"), "x".repeat(5_000)), /not a SQLite file/],
  ["a log that is a folder", {}, (path) => mkdirSync(path("log.sqlite")), /Cannot open .*log\.sqlite/],
])("%s leaves no database open", async (_, env, make, reason) => {
  using folder = tempFolder();
  make(folder.path);
  await expect(createTidegate({ env: { DATA_DIR: folder.root, ...env }, write: () => undefined })).rejects.toThrow(
    reason,
  );
  // SQLite takes it away with the last connection.
  expect(existsSync(folder.path("graph.sqlite"))).toBe(true);
  expect(existsSync(folder.path("graph.sqlite-wal"))).toBe(false);
});
