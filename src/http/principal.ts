// Whom a request comes from. Nothing that was sent beside the key has a say in it.
import type { Context } from "hono";
import { AppError } from "../domain/errors.ts";
import { EVERYBODY, type Principal } from "../domain/principal.ts";
import type { Service } from "./service.ts";

/** The principal of a request's key; everybody's where the service has no keys. */
export function principalOf(c: Context, { keyring }: Pick<Service, "keyring">): Principal {
  if (keyring === undefined) return EVERYBODY;
  const principal: Principal | undefined = c.get("principal");
  if (principal === undefined) throw new AppError("unauthenticated", "This route looks at no key");
  return principal;
}

/** The tenant that all a request sends and sees belongs to. */
export function tenantOf(c: Context, service: Pick<Service, "keyring">): string {
  return principalOf(c, service).tenant;
}

/** The refusal of a key that lacks a scope. */
export function forbidden(scope: string): AppError {
  return new AppError("forbidden", `The API key lacks the scope ${scope}`, { extra: { scope } });
}
