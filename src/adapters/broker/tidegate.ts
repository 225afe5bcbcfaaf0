// Tidegate's own gateway: v2 with a read of many partitions by offset in one request.
import type { OpenDialect } from "./dialect.ts";
import { restV2Broker } from "./rest-v2.ts";

/** Opens the dialect `tidegate`. */
export const tidegate: OpenDialect = (options) => restV2Broker({ ...options, read: "stateless" });
