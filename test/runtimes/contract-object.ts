// The Worker of the suites inside workerd: an empty Durable Object with SQLite for every test.
import { DurableObject } from "cloudflare:workers";

export class ContractObject extends DurableObject<object> {}

export default { fetch: () => new Response(null, { status: 404 }) };
