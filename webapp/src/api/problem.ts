import { sayOf, WORDS } from './words';

/** What the API refused, as it said it: problem+json (RFC 9457) with a stable `code` and facts. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  constructor(
    /** `plan_limit_reached`, `forbidden`, …; `offline` and `unreadable` are our own. */
    readonly code: string,
    message: string,
    readonly status: number,
    readonly facts: Record<string, unknown> = {},
    /** Small and copyable, for whoever asks for help. */
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

/** Read a refusal; anything that is not problem+json becomes `unreadable` (a proxy's page, an empty body). */
export function problemFrom(status: number, body: unknown, requestId: string | null): ApiProblem {
  if (!isRecord(body) || typeof body.code !== 'string') {
    return new ApiProblem('unreadable', WORDS.unreadable, status, {}, requestId);
  }
  const detail = typeof body.detail === 'string' ? body.detail : 'The server refused this.';
  const facts = isRecord(body.facts) ? body.facts : {};
  const id = typeof body.requestId === 'string' ? body.requestId : requestId;
  return new ApiProblem(body.code, sayOf(body.code, detail), status, facts, id);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
