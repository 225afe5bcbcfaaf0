// Every case of the suite, in the order of its table.
import { acceptCases } from "./accept-cases.ts";
import type { Case } from "./case.ts";
import { eventCases } from "./event-cases.ts";
import { flowCases } from "./flow-cases.ts";
import { operationCases } from "./operation-cases.ts";
import { serviceCases } from "./service-cases.ts";

export const CASES: readonly Case[] = [...flowCases, ...eventCases, ...acceptCases, ...operationCases, ...serviceCases];
