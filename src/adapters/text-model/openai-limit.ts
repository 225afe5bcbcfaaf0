// What an endpoint calls the bound of an answer: OpenAI's newer models refuse the name that all others know.
import { readText } from "../broker/proxy-call.ts";

const OLD = "max_tokens";
const NEW = "max_completion_tokens";
const REFUSAL_BYTES_MAX = 65_536;
/** How the error says so; a bound that is too large is another one. */
const OTHER_NAME = /max_completion_tokens|unsupported.{0,100}max_tokens/is;

/** Endpoints and models that took the newer name. It outlives the adapter, which Workers make anew for each request. */
const renamed = new Set<string>();

/** Sends a request with a bound, given its name and value. */
type Send = (limit: object) => Promise<Response>;

/**
 * Makes the function that sends a request with the bound of its answer, by the name this model knows at this address: once
 * more where the name was refused. A refusal for another reason comes back as it is, with its body read.
 */
export function limitedSender(url: string, model: string, tokensMax: number): (send: Send) => Promise<Response> {
  const key = JSON.stringify([url, model]);
  return async (send) => {
    if (renamed.has(key)) return send({ [NEW]: tokensMax });
    const response = await send({ [OLD]: tokensMax });
    if (response.status !== 400) return response;
    if (!OTHER_NAME.test((await readText(response, REFUSAL_BYTES_MAX)) ?? "")) return response;
    const second = await send({ [NEW]: tokensMax });
    if (second.status !== 400) renamed.add(key);
    return second;
  };
}
