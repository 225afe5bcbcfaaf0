// `tidegate/client`: for browsers and every runtime; it needs fetch and nothing else.
export type { Answer, Entity, Found, OperationStatus, ParkedRecord, Problem, Refused } from "./answers.ts";
export type { CallOptions, Send } from "./call.ts";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export { TidegateError, type TidegateErrorCode, type TidegateErrorOptions } from "./error.ts";
export type { Listed, Page } from "./pages.ts";
export type { ListOptions, MemorySearch, Neighbourhood, ReadOptions, Search, SessionSearch } from "./reads.ts";
export type { SubmitManyOptions, SubmitOptions } from "./submit.ts";
export type { DataOf, EntityOf, FlowList, FlowName, Item, KindName, TypeName } from "./typed.ts";
export type { WatchAllOptions, WatchedOperation } from "./watch.ts";
