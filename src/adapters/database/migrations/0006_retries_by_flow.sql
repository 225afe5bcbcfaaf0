-- Due requests are taken up flow by flow.
CREATE INDEX retry_flow ON retry (flow, due_ms, key);
