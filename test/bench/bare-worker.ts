// The bare route as a Worker.
import { bare } from "./bare-route.ts";

export default { fetch: (request: Request) => bare.fetch(request) };
