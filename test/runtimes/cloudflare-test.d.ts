/** What the suites inside workerd use of the test platform's own modules. */
declare module "cloudflare:test" {
  export function runInDurableObject<Result>(
    stub: import("@cloudflare/workers-types").DurableObjectStub,
    work: (object: unknown, state: import("@cloudflare/workers-types").DurableObjectState) => Result | Promise<Result>,
  ): Promise<Result>;
}

declare module "cloudflare:workers" {
  export const env: { readonly CONTRACT: import("@cloudflare/workers-types").DurableObjectNamespace };
}
