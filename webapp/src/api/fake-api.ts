import { vi } from 'vitest';

/** A request as it went out. */
export interface Sent {
  method: string;
  url: string;
  headers: Headers;
  body: unknown;
}

/** What signs in, for tests: one token, and another after a renewal. */
export const signedIn = {
  token: 'token-1' as string | null,
  renewed: 'token-2' as string | null | undefined,
  isOut: false,
};

/** An access token of somebody, as far as the web app reads one. */
export function tokenOf(person: string, name = 'token'): string {
  return `${name}.${btoa(JSON.stringify({ sub: person }))}.sealed`;
}

/** In place of `./auth`. */
export const fakeAuth = {
  freshToken: () => signedIn.token,
  accessToken: () => Promise.resolve(signedIn.token),
  renewedToken: () => Promise.resolve(signedIn.renewed),
  auth: {
    signOut: () => {
      signedIn.isOut = true;
      return Promise.resolve({ error: null });
    },
  },
};

/** A server that answers what it is told to, in order; the last answer for good. */
export function serve(...answers: (() => Response | Promise<Response>)[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal('location', { origin: 'http://rooms.test' });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const { method = 'GET', body } = init;
    sent.push({ method, url, headers: new Headers(init.headers), body: typeof body === 'string' ? JSON.parse(body) : null });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer) throw new TypeError('no answer');
    return answer();
  });
  return sent;
}

/** An answer with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): () => Response {
  return () => new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** A refusal in the API's words. */
export function problem(status: number, code: string, facts: Record<string, unknown> = {}): () => Response {
  return json(status, { code, detail: 'As the server says it.', facts }, { 'x-request-id': 'abc' });
}
