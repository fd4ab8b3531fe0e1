import { newId } from '@/lib/ids';
import { isRecord } from './problem';

/** How long the same request counts as another try of one whose answer was lost, ms. */
const SAME_FOR_MS = 5 * 60_000;

/** What makes a thing of its own. The rest (start, archive, invite again) can be undone and be meant anew. */
const MAKES = /\/(organizations|rooms|workspaces|invitations|webhooks|api-tokens|connections|domains|accept)$/;

interface Try {
  key: string;
  /** The organization it is in; null: in none. */
  organization: string | null;
  endsAt: number;
  /** What is on its way; null: the answer was lost, or said nothing final. */
  answer: Promise<Response> | null;
}

const tries = new Map<string, Try>();

/**
 * Send a write so that a second press makes no second thing, nor another try after a lost answer: the same request while the first
 * is on its way gets its answer, and one that makes something goes out under the same key within 5 min of a lost answer, which the
 * server answers with what came of the first. A final answer ends that: making two of a name is nobody's mistake. So does any other
 * write in the organization: what was made may be gone by it, and is meant anew.
 *
 * Joining is left out, as it is by the server: its token is used once.
 *
 * @param who whose request it is: another person's is never the same.
 * @param what method, address and body.
 * @param send sends it under a key; null: without one.
 */
export async function once(request: Request, who: string, what: string, send: (key: string | null) => Promise<Response>): Promise<Response> {
  if (request.method === 'GET' || request.url.endsWith('/join')) return send(null);
  const organization = /\/organizations\/([^/?]+)/.exec(request.url)?.[1] ?? null;
  const makes = request.method === 'POST' && MAKES.test(request.url);
  const name = `${who}\n${what}`;
  if (request.method !== 'POST') return undoing({ organization, name, makes }, () => send(null));
  const now = Date.now();
  for (const [old, { endsAt, answer }] of tries) if (answer === null && endsAt < now) tries.delete(old);
  const before = tries.get(name);
  if (before?.answer) return (await before.answer).clone();
  const key = before?.key ?? newId();
  const answer = undoing({ organization, name, makes }, () => send(key));
  const kept: Try = { key, organization, endsAt: now + SAME_FOR_MS, answer };
  tries.set(name, kept);
  let isOver = !makes;
  try {
    const response = await answer;
    const copy = response.clone();
    isOver ||= await isFinal(response.clone());
    return copy;
  } finally {
    kept.answer = null;
    if (isOver) tries.delete(name);
  }
}

interface Write {
  organization: string | null;
  name: string;
  makes: boolean;
}

/** Forget what else was tried in the organization once this is done, or may be; what only makes another thing undoes nothing before it has. */
async function undoing(write: Write, send: () => Promise<Response>): Promise<Response> {
  let isDone = !write.makes;
  try {
    const response = await send();
    isDone = response.ok || (isDone && response.status >= 500);
    return response;
  } finally {
    if (isDone) forgetBeside(write);
  }
}

function forgetBeside({ organization, name }: Write): void {
  for (const [other, tried] of tries) {
    const isNear = organization === null || tried.organization === null || tried.organization === organization;
    if (isNear && other !== name && tried.answer === null) tries.delete(other);
  }
}

/** Whether the server has done it or will not: 5xx says neither, nor does it while the first is still carried out. */
async function isFinal(response: Response): Promise<boolean> {
  if (response.status >= 500) return false;
  if (response.status !== 409) return true;
  const body: unknown = await response.json().catch(() => null);
  return !isRecord(body) || body.code !== 'request_in_flight';
}
