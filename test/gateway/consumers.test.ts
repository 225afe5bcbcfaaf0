// Consumer instances on a SQLite log.
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { consumerContract } from "./consumers.ts";

consumerContract("SQLite", (options) => gatewayBundle({ ...options, topics: { t: 2, u: 1 } }));
