import { beforeEach, describe, expect, it, vi } from 'vitest';
import { json, problem, serve, signedIn, tokenOf } from './fake-api';

vi.mock('./auth', async () => (await import('./fake-api')).fakeAuth);

const place = { params: { path: { organization_id: 'o/1' } } };
const ROOMS = '/organizations/{organization_id}/rooms';

/** Answer in pieces: the head after the first wait, ms, a piece of the body after each further one. */
function serveSlowly(text: string, [first = 0, ...later]: number[]): void {
  vi.stubGlobal('location', { origin: 'http://rooms.test' });
  vi.stubGlobal('fetch', async (_: string, { signal }: { signal: AbortSignal }) => {
    const pause = (ms: number) =>
      new Promise<void>((resolve, reject) => {
        setTimeout(resolve, ms);
        signal.addEventListener('abort', () => reject(new DOMException('Given up.', 'AbortError')));
      });
    await pause(first);
    const size = Math.ceil(text.length / later.length);
    const pieces = later.map((_ms, i) => text.slice(i * size, (i + 1) * size));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = pieces[sent];
        if (piece === undefined) {
          controller.close();
          return;
        }
        await pause(later[sent++] ?? 0);
        controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  });
}

async function client() {
  return import('./client');
}

beforeEach(() => {
  Object.assign(signedIn, { token: 'token-1', renewed: 'token-2', isOut: false });
});

describe('call', () => {
  it('sends path, query and token, and answers the body', async () => {
    const sent = serve(json(200, { items: [], nextCursor: null }));
    const { call } = await client();

    const page = await call('GET', ROOMS, { params: { ...place.params, query: { limit: 5, cursor: null } } });

    expect(page).toEqual({ items: [], nextCursor: null });
    expect(sent[0]).toMatchObject({ method: 'GET', url: 'http://rooms.test/api/v1/organizations/o%2F1/rooms?limit=5' });
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer token-1');
  });

  it('throws a refusal with code, facts and request id, and tells who watches', async () => {
    serve(problem(402, 'plan_limit_reached', { limit: 'rooms' }));
    const { call, watchRefusals } = await client();
    const seen: unknown[] = [];
    watchRefusals((one) => seen.push(one.code));

    const refusal = call('POST', ROOMS, { ...place, body: { name: 'Too many' } });

    await expect(refusal).rejects.toMatchObject({ code: 'plan_limit_reached', status: 402, facts: { limit: 'rooms' }, requestId: 'abc' });
    expect(seen).toEqual(['plan_limit_reached']);
  });

  it('throws offline when nothing answers, and when the answer breaks off', async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.error(new TypeError('gone'));
      },
    });
    serve(() => Promise.reject(new TypeError('no network')), () => new Response(broken));
    const { call } = await client();

    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'offline', status: 0 });
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'offline', status: 0 });
  });

  it.each([
    ['comes slowly', [14_000, 14_000, 14_000], 'Anna'],
    ['does not begin', [16_000], null],
    ['stands still', [14_000, 16_000], null],
  ])('waits 15 s for an answer to begin or to go on: one that %s', async (_, waitsMs, answer) => {
    vi.useFakeTimers();
    serveSlowly('{"name":"Anna"}', waitsMs);
    const { call } = await client();

    const asked = call('GET', '/me').catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();

    await expect(asked).resolves.toMatchObject(answer === null ? { code: 'offline' } : { name: answer });
  });

  it('throws unreadable for a page of a proxy', async () => {
    serve(() => new Response('<html>', { status: 200 }), () => new Response('<html>', { status: 502 }));
    const { call } = await client();

    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'unreadable', status: 200 });
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'unreadable', status: 502 });
  });

  it('answers undefined where there is nothing to say', async () => {
    serve(json(204, null));
    const { call } = await client();

    await expect(call('POST', '/organizations/{organization_id}/leave', place)).resolves.toBeUndefined();
  });
});

describe('a token that is refused', () => {
  it('is renewed once, and the call sent again', async () => {
    const sent = serve(problem(401, 'unauthenticated'), json(201, { id: 'r1' }));
    const { call } = await client();

    expect(await call('POST', ROOMS, { ...place, body: { name: 'Opening bell' } })).toEqual({ id: 'r1' });
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(sent[1]?.body).toEqual({ name: 'Opening bell' });
    expect(signedIn.isOut).toBe(false);
  });

  it('is renewed for the same person only: another’s does not send what the first one meant', async () => {
    const sent = serve(problem(401, 'unauthenticated'), json(201, { id: 'r1' }));
    Object.assign(signedIn, { token: tokenOf('anna'), renewed: tokenOf('bert') });
    const { call } = await client();

    await expect(call('POST', ROOMS, { ...place, body: { name: 'Anna’s' } })).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(sent).toHaveLength(1);
    expect(signedIn.isOut).toBe(false);
  });

  it('signs out who has no other, or whose other is refused too', async () => {
    serve(problem(401, 'unauthenticated'));
    const { call } = await client();

    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(signedIn.isOut).toBe(true);

    Object.assign(signedIn, { renewed: null, isOut: false });
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(signedIn.isOut).toBe(true);
  });

  it('signs nobody out while it can’t be renewed', async () => {
    const sent = serve(problem(401, 'unauthenticated'));
    signedIn.renewed = undefined;
    const { call } = await client();

    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(signedIn.isOut).toBe(false);
    expect(sent).toHaveLength(1);
  });
});
