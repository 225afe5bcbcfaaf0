// `tidegate/client`: for browsers and every runtime; it needs fetch and nothing else.
export type { Answer, Entity, Found, OperationStatus, ParkedRecord, Refused } from "./answers.ts";
export type { CallOptions } from "./call.ts";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export { TidegateError, type TidegateErrorCode } from "./error.ts";
export type { Listed, Page } from "./pages.ts";
export type { ListOptions, ReadOptions, Search } from "./reads.ts";
export type { SubmitManyOptions, SubmitOptions } from "./submit.ts";
export type { DataOf, EntityOf, FlowName, Item, KindName, TypeName } from "./typed.ts";
export type { WatchAllOptions, WatchedOperation } from "./watch.ts";
