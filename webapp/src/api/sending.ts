import { accessToken, auth, freshToken, renewedToken } from './auth';
import { once } from './once';
import { ApiProblem } from './problem';
import { subjectOf } from './subject';
import { WORDS } from './words';

/** How long an answer may take to begin, and then to go on. */
const DEADLINE_MS = 15_000;

/**
 * Send a request with the token of who is signed in, and read the whole answer. A token that is refused is renewed once; who can't
 * renew it is signed out. What makes something is sent with an `Idempotency-Key` (`once`).
 *
 * @throws ApiProblem `offline`: nothing answered in 15 s, or the answer broke off or stood still for as long.
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
  const given = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waitOn = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => given.abort(), DEADLINE_MS);
  };
  waitOn();
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers,
      signal: given.signal,
      ...(text !== '' && { body: text }),
    });
    // Whole: half an answer is none. A long one over a slow line is no lost one.
    const body = await bodyOf(response, waitOn);
    return new Response(body.size === 0 ? null : body, { status: response.status, headers: response.headers });
  } catch {
    throw new ApiProblem('offline', WORDS.offline, 0);
  } finally {
    clearTimeout(timer);
  }
}

/** All of an answer's body; tells of each piece as it comes. */
async function bodyOf(response: Response, onPiece: () => void): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body?.getReader();
  while (reader) {
    onPiece();
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
  }
  return new Blob(pieces);
}
