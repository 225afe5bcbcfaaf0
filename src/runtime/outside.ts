// The outside world of a configuration: the text model and the webhooks, over what the platform calls them with.
import { localTextModel } from "../adapters/text-model/local.ts";
import { openaiTextModel } from "../adapters/text-model/openai.ts";
import { withLocalFallback } from "../adapters/text-model/with-local-fallback.ts";
import { standardWebhooks } from "../adapters/webhook/standard.ts";
import { parseTargets, type WebhookTarget } from "../adapters/webhook/targets.ts";
import type { Write } from "../app/log.ts";
import { type Config, ConfigError } from "../config.ts";
import type { Clock, Delay } from "../ports/clock.ts";
import type { TextModel } from "../ports/text-model.ts";
import type { Webhooks } from "../ports/webhook.ts";

/** What prepared work calls, and how to wait. */
export interface Outside {
  readonly textModel: TextModel;
  readonly webhooks: Webhooks;
  readonly delay: Delay;
}

/** What a platform calls the outside world with. */
export interface OutsidePlatform {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly write: Write;
  readonly delay: Delay;
  /** Looks up all addresses of a name, where the platform can. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** Opens nothing before the first call. Throws ConfigError for webhooks that cannot be called. */
export function outsideOf(config: Config, platform: OutsidePlatform): Outside {
  const { fetch, clock, delay, resolve } = platform;
  return {
    textModel: textModelOf(config, platform),
    webhooks: standardWebhooks({
      targets: webhookTargets(config),
      fetch,
      clock,
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      answerBytesMax: config.WEBHOOK_ANSWER_BYTES_MAX,
      allowInsecure: config.webhooksInsecure,
      ...(resolve === undefined ? {} : { resolve }),
    }),
    delay,
  };
}

/** The configured webhooks; throws ConfigError with every problem. */
export function webhookTargets(config: Config): ReadonlyMap<string, WebhookTarget> {
  const { targets, problems } = parseTargets(config.WEBHOOKS, { allowInsecure: config.webhooksInsecure });
  if (problems.length > 0) throw new ConfigError(problems);
  return targets;
}

function textModelOf(config: Config, { fetch, write }: OutsidePlatform): TextModel {
  const local = localTextModel();
  if (config.MODEL_URL === undefined) return local;
  const remote = openaiTextModel({
    url: config.MODEL_URL,
    model: config.MODEL_NAME!,
    fetch,
    timeoutMs: config.MODEL_TIMEOUT_MS,
    ...(config.MODEL_API_KEY === undefined ? {} : { apiKey: config.MODEL_API_KEY }),
  });
  return withLocalFallback(remote, local, (error) =>
    write("warning", "The text model cannot be reached, the local one answers", { error: error.message }),
  );
}
