// The tidegate command within the test's own process.
import { vi } from "vitest";
import { main } from "../../src/cli/main.ts";

/** Runs a command; answers its exit code and what it wrote. */
export async function runCommand(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: "", err: "" };
  const catching = (name: "out" | "err") => (chunk: unknown) => {
    written[name] += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(catching("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(catching("err"));
  try {
    return { code: await main(args), ...written };
  } finally {
    vi.restoreAllMocks();
  }
}
