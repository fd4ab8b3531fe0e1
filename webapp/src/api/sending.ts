import { accessToken, auth, freshToken, renewedToken } from './auth';
import { once } from './once';
import { ApiProblem } from './problem';
import { subjectOf } from './subject';
import { WORDS } from './words';

const DEADLINE_MS = 15_000;

/**
 * Send a request with the token of who is signed in, and read the whole answer. A token that is refused is renewed once; who can't
 * renew it is signed out. What makes something is sent with an `Idempotency-Key` (`once`).
 *
 * @throws ApiProblem `offline`: nothing answered in 15 s.
 */
export async function send(request: Request): Promise<Response> {
  // A call made on a click goes out in that click: joining counts in milliseconds.
  const token = freshToken() ?? (await accessToken());
  const text = request.method === 'GET' ? '' : await request.text();
  const what = `${request.method} ${request.url}\n${text}`;
  return once(request, subjectOf(token) ?? '', what, (key) => sendAs(token, request, text, key));
}

async function sendAs(token: string | null, request: Request, text: string, key: string | null): Promise<Response> {
  const response = await exchange(request, text, token, key);
  if (response.status !== 401 || token === null) return response;
  const other = await renewedToken(token);
  // Somebody else has signed in meanwhile, in this tab or another: what the first one meant is not theirs to do.
  if (other === undefined || (other !== null && subjectOf(other) !== subjectOf(token))) return response;
  // A refusal to listen is not carried out, so this is no second time.
  const second = other === null ? response : await exchange(request, text, other, key);
  if (second.status === 401) await auth.signOut({ scope: 'local' });
  return second;
}

async function exchange(request: Request, text: string, token: string | null, key: string | null): Promise<Response> {
  const headers = new Headers(request.headers);
  if (!headers.has('accept')) headers.set('accept', 'application/json');
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  if (key !== null) headers.set('idempotency-key', key);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers,
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(text !== '' && { body: text }),
    });
    // Whole, within the deadline: half an answer is none.
    const body = await response.blob();
    return new Response(body.size === 0 ? null : body, { status: response.status, headers: response.headers });
  } catch {
    throw new ApiProblem('offline', WORDS.offline, 0);
  }
}
