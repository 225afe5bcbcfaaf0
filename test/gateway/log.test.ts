// The SQLite log, held to the contract of logs.
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { logContract } from "./log-contract.ts";

logContract("SQLite", () => gatewayBundle({ topics: { t: 3, u: 1 } }));
