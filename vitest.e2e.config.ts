import { defineConfig } from "vitest/config";

// Tests of the real parts, against the stack that `npm run stack -- --detach` has started.
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.e2e.ts"],
    // One file after the other: some stop a part.
    fileParallelism: false,
    // Parts that were stopped take their time on a busy machine; what fails three times is broken.
    retry: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
