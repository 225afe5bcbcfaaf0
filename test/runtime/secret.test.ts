// The secret behind operation ids, embedded: one file that whoever comes first makes.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSecret } from "../../src/runtime/embedded.ts";
import { tempFolder } from "../support/temp-folder.ts";

describe("readSecret()", () => {
  it("makes a secret that only its owner reads, once, and leaves nothing else behind", () => {
    using folder = tempFolder();
    const DATA_DIR = folder.path("new/data");
    const secret = readSecret({ ID_SECRET: undefined, DATA_DIR });
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(readSecret({ ID_SECRET: undefined, DATA_DIR })).toBe(secret);
    expect(readdirSync(DATA_DIR)).toEqual(["id-secret"]);
    expect(statSync(folder.path("new/data/id-secret")).mode & 0o777).toBe(0o600);
    expect(readSecret({ ID_SECRET: "from the configuration", DATA_DIR })).toBe("from the configuration");
    expect(readFileSync(folder.path("new/data/id-secret"), "utf8")).toBe(secret);
  });

  it.each(["", "abc", " \n"])("refuses a file that holds %j", (text) => {
    using folder = tempFolder();
    writeFileSync(folder.path("id-secret"), text);
    expect(() => readSecret({ ID_SECRET: undefined, DATA_DIR: folder.root })).toThrow(
      /^Cannot use .*id-secret: it has fewer than 16 characters/,
    );
  });
});
