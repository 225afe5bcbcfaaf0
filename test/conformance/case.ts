// What a case is: a plain function over a client, so that any runner can run it against any address.
import type { Client } from "./client.ts";

export interface Case {
  readonly name: string;
  /** What the target has to have for it; a case without it is skipped aloud. */
  readonly needs?: "gateway" | "key";
  readonly run: (client: Client) => Promise<void>;
}
