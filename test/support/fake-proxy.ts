// A proxy in the test's hands behind the v2 adapter.
import { fetchOf, type RequestFetch } from "../../src/adapters/broker/proxy-call.ts";
import { type RestV2Options, restV2Broker } from "../../src/adapters/broker/rest-v2.ts";

/** A broker whose proxy answers as told, and the requests it got. */
export function fakeProxy(answer: RequestFetch, options: Partial<RestV2Options> = {}) {
  const requests: Request[] = [];
  const broker = restV2Broker({
    url: "http://proxy.test/kafka/",
    cluster: "c",
    read: "stateless",
    fetch: fetchOf((request) => {
      requests.push(request.clone());
      return answer(request);
    }),
    ...options,
  });
  return { broker, requests };
}

/** Answers a status and a JSON body. */
export const json = (status: number, body: unknown) => () => Response.json(body, { status });
/** Fails as fetch does when there is no answer. */
export const failing = (error: unknown) => () => Promise.reject(error);
/** A failure with the code of a system call. */
export const failed = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
/** What fetch throws around a failure. */
export const fetchFailed = (cause: unknown) => new TypeError("fetch failed", { cause });
