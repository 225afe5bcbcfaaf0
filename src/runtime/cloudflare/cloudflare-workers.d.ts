/** What the sources use of the platform's own module and of modules that wrangler makes. */
declare module "cloudflare:workers" {
  export abstract class DurableObject<Bindings> {
    protected readonly ctx: import("@cloudflare/workers-types").DurableObjectState;
    protected readonly env: Bindings;
    constructor(ctx: import("@cloudflare/workers-types").DurableObjectState, env: Bindings);
  }
}

declare module "*.sql" {
  const text: string;
  export default text;
}
