import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { compatibilityDate } from "./test/runtimes/workerd.ts";

/** Migrations are texts, as in the bundle. */
const sqlAsText = {
  name: "sql-as-text",
  transform: (code: string, id: string) =>
    id.endsWith(".sql") ? `export default ${JSON.stringify(code)};` : undefined,
};

// Suites that run inside workerd, over the SQLite of Durable Objects; `npm run test:runtimes` runs them. PROPERTY_SEED repeats a
// run of properties.
export default defineConfig({
  plugins: [
    sqlAsText,
    cloudflareTest({
      main: "test/runtimes/contract-object.ts",
      miniflare: {
        cf: false,
        compatibilityDate: compatibilityDate(),
        durableObjects: { CONTRACT: { className: "ContractObject", useSQLite: true } },
      },
    }),
  ],
  test: {
    include: ["test/runtimes/**/*.suite.ts"],
    testTimeout: 60_000,
    // There is no environment of a process inside.
    provide: { propertySeed: Number(process.env.PROPERTY_SEED ?? Date.now() % 0x7fff_ffff) },
  },
});
