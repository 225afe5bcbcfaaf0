// The Upstash REST API on a SQLite log.
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { upstashContract } from "./upstash.ts";

upstashContract("SQLite", (options) => gatewayBundle({ ...options, topics: { t: 2, u: 1 } }));
