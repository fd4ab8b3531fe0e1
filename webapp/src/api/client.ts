import { accessToken, auth, freshToken } from './auth';
import { ApiProblem, problemFrom } from './problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const DEADLINE_MS = 15_000;

/**
 * One call of `/api/v1`.
 *
 * @throws ApiProblem with the server's code and facts, or `offline` when nothing answered in 15 s.
 */
export async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  // A call made on a click goes out in that click: joining counts in milliseconds.
  const token = freshToken() ?? (await accessToken());
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await send(method, path, headers, body);
  const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) {
    // The path decides the shape; `types.ts` says it, made from the server's OpenAPI document.
    return answer as T;
  }
  if (response.status === 401 && token !== null) await auth.signOut({ scope: 'local' });
  const problem = problemFrom(response.status, answer, response.headers.get('x-request-id'));
  for (const watcher of watchers) watcher(problem);
  throw problem;
}

const watchers = new Set<(problem: ApiProblem) => void>();

/** Be told of every refusal of a `call`, before whoever called: for what concerns more than one page. */
export function watchRefusals(watcher: (problem: ApiProblem) => void): void {
  watchers.add(watcher);
}

/**
 * Save an answer of `/api/v1` as a file.
 *
 * @throws ApiProblem as `call`.
 */
export async function download(path: string, name: string): Promise<void> {
  const token = await accessToken();
  const response = await send('GET', path, token === null ? {} : { authorization: `Bearer ${token}` }, undefined);
  if (!response.ok) {
    const answer: unknown = await response.json().catch(() => null);
    throw problemFrom(response.status, answer, response.headers.get('x-request-id'));
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

async function send(method: Method, path: string, headers: Record<string, string>, body: unknown): Promise<Response> {
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiProblem('offline', 'The server can’t be reached. Check the connection and try again.', 0);
  }
}
