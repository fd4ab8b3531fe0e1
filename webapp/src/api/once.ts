import { newId } from '@/lib/ids';
import { isRecord } from './problem';

/** How long the same request counts as another try of one whose answer was lost, ms. */
const SAME_FOR_MS = 5 * 60_000;

interface Try {
  key: string;
  endsAt: number;
  /** What is on its way; null: the answer was lost, or said nothing final. */
  answer: Promise<Response> | null;
}

const tries = new Map<string, Try>();

/**
 * Send what makes or starts something so that a second press, or another try after a lost answer, makes no second one: the same
 * request while the first is on its way gets its answer, and one within 5 min of a lost answer goes out under the same key, which
 * the server answers with what came of the first. A final answer ends that: making two of a name is nobody's mistake.
 *
 * Joining is left out, as it is by the server: its token is used once.
 *
 * @param what method, address and body.
 * @param send sends it under a key; null: without one.
 */
export async function once(request: Request, what: string, send: (key: string | null) => Promise<Response>): Promise<Response> {
  if (request.method !== 'POST' || request.url.endsWith('/join')) return send(null);
  const now = Date.now();
  for (const [old, { endsAt, answer }] of tries) if (answer === null && endsAt < now) tries.delete(old);
  const before = tries.get(what);
  if (before?.answer) return (await before.answer).clone();
  const key = before?.key ?? newId();
  const answer = send(key);
  const kept: Try = { key, endsAt: now + SAME_FOR_MS, answer };
  tries.set(what, kept);
  try {
    const response = await answer;
    const copy = response.clone();
    if (await isFinal(response.clone())) tries.delete(what);
    return copy;
  } finally {
    kept.answer = null;
  }
}

/** Whether the server has done it or will not: 5xx says neither, nor does it while the first is still carried out. */
async function isFinal(response: Response): Promise<boolean> {
  if (response.status >= 500) return false;
  if (response.status !== 409) return true;
  const body: unknown = await response.json().catch(() => null);
  return !isRecord(body) || body.code !== 'request_in_flight';
}
