// A schema registry on the loopback interface that answers as Apicurio 3.3.3 or Karapace 5.0.3 was seen to answer. Its idea
// of compatibility is simple: a schema may follow another one when it lists every type that the other one lists.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a registry speaks. */
export interface RegistryManner {
  readonly contentType: string;
  /** What it says to a look at the compatibility with a subject that it has not. */
  readonly isCompatibleWithNothing: boolean;
  /** Whether it refuses to register what is incompatible; Apicurio does not before a rule is set. */
  readonly isStrict: boolean;
  /** Why schemas are incompatible; Apicurio gives no reason. */
  readonly messages: readonly string[] | undefined;
}

export const APICURIO: RegistryManner = {
  contentType: "application/json",
  isCompatibleWithNothing: true,
  isStrict: false,
  messages: undefined,
};

export const KARAPACE: RegistryManner = {
  contentType: "application/vnd.schemaregistry.v1+json",
  isCompatibleWithNothing: false,
  isStrict: true,
  messages: ["a type was removed"],
};

/** A request as the registry got it. */
export interface RegistryRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
}

/** A registry, what it was asked, and what it holds. */
export interface FakeRegistry extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly RegistryRequest[];
  /** Schemas by subject, the oldest first. */
  readonly subjects: Map<string, { readonly id: number; readonly schema: string }[]>;
  /** Answers every request from now on by itself; undefined ends that. */
  answer: ((response: ServerResponse, request: RegistryRequest) => void) | undefined;
}

/** Serves on a free port, below a path. */
export async function fakeRegistry(manner: RegistryManner = APICURIO): Promise<FakeRegistry> {
  const requests: RegistryRequest[] = [];
  const subjects: FakeRegistry["subjects"] = new Map();
  let lastId = 0;

  const respond = (path: string, schema: string): [status: number, body: unknown] => {
    const [, subject, action] = /^\/api\/(?:compatibility\/)?subjects\/([^/?]+)(\/versions)?/.exec(path) ?? [];
    const held = subjects.get(decodeURIComponent(subject ?? ""));
    const isLookUp = action === undefined;
    const isCheck = path.startsWith("/api/compatibility/");
    if (subject === undefined) return [404, { error_code: 404, message: "HTTP 404 Not Found" }];
    if (!isSchema(schema)) return [422, { error_code: 42_201, message: "Invalid schema" }];
    const same = held?.findIndex((each) => each.schema === schema) ?? -1;
    if (isLookUp) {
      if (held === undefined) return [404, { error_code: 40_401, message: `Subject '${subject}' not found.` }];
      if (same === -1) return [404, { error_code: 40_403, message: "Schema not found" }];
      return [200, { subject, version: same + 1, ...held[same] }];
    }
    const newest = held?.at(-1);
    if (isCheck) {
      if (newest === undefined && !manner.isCompatibleWithNothing) {
        return [404, { error_code: 40_401, message: `Subject '${subject}' not found.` }];
      }
      const is_compatible = newest === undefined || follows(schema, newest.schema);
      return [200, { is_compatible, ...(is_compatible ? {} : { messages: manner.messages }) }];
    }
    if (same !== -1) return [200, { id: held![same]!.id }];
    if (manner.isStrict && newest !== undefined && !follows(schema, newest.schema)) {
      return [409, { error_code: 409, message: "Incompatible schema" }];
    }
    subjects.set(decodeURIComponent(subject), [...(held ?? []), { id: ++lastId, schema }]);
    return [200, { id: lastId }];
  };

  const server = createServer(async (incoming, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { authorization, "content-type": contentType } = incoming.headers;
    const request = { method: incoming.method!, path: incoming.url!, authorization, contentType };
    requests.push(request);
    if (fake.answer !== undefined) return fake.answer(response, request);
    const { schema = "", schemaType } = JSON.parse(Buffer.concat(chunks).toString());
    const [status, body] = schemaType === "JSON" ? respond(incoming.url!, schema) : [422, { message: "Not JSON" }];
    response.writeHead(status, { "content-type": manner.contentType }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    requests,
    subjects,
    answer: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function isSchema(text: string): boolean {
  try {
    const { type } = JSON.parse(text);
    return type === undefined || typeof type === "string";
  } catch {
    return false;
  }
}

function follows(next: string, before: string): boolean {
  return typesOf(before).every((type) => typesOf(next).includes(type));
}

/** The values that `type` may have in the alternatives of a schema. */
function typesOf(schema: string): string[] {
  const { oneOf = [] } = JSON.parse(schema) as { oneOf?: { properties: { type: { const: string } } }[] };
  return oneOf.map(({ properties }) => properties.type.const);
}
