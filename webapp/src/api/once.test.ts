import { beforeEach, describe, expect, it, vi } from 'vitest';
import { json, problem, serve, signedIn, tokenOf, type Sent } from './fake-api';

vi.mock('./auth', async () => (await import('./fake-api')).fakeAuth);

const place = { params: { path: { organization_id: 'o1' } } };
const ROOMS = '/organizations/{organization_id}/rooms';
let tests = 0;
/** Something to make, of a name of its own: what was tried is remembered. */
let bell = { ...place, body: { name: '' } };
const keys = (sent: Sent[]) => sent.map(({ headers }) => headers.get('idempotency-key'));

beforeEach(() => {
  bell = { ...place, body: { name: `Bell ${++tests}` } };
  vi.useRealTimers();
  signedIn.token = 'token-1';
});

describe('what makes something', () => {
  it('goes out once when it is pressed twice', async () => {
    const sent = serve(json(201, { id: 'r1' }));
    const { call } = await import('./client');

    const answers = await Promise.all([call('POST', ROOMS, bell), call('POST', ROOMS, bell)]);

    expect(answers).toEqual([{ id: 'r1' }, { id: 'r1' }]);
    expect(sent).toHaveLength(1);
    expect(keys(sent)[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['the network', () => Promise.reject(new TypeError('no network'))],
    ['a 503', problem(503, 'unavailable')],
    ['one that is still carried out', problem(409, 'request_in_flight')],
  ])('is tried again under the same key after %s', async (_, lost) => {
    const sent = serve(lost, json(201, { id: 'r1' }));
    const { call } = await import('./client');

    await expect(call('POST', ROOMS, bell)).rejects.toThrow();
    await call('POST', ROOMS, bell);

    expect(new Set(keys(sent)).size).toBe(1);
    expect(sent).toHaveLength(2);
  });

  it.each([
    ['done', json(201, { id: 'r1' })],
    ['refused', problem(409, 'conflict')],
  ])('is another thing once the first was %s', async (_, final) => {
    const sent = serve(final, json(201, { id: 'r2' }));
    const { call } = await import('./client');

    await call('POST', ROOMS, bell).catch(() => null);
    await call('POST', ROOMS, bell);

    expect(new Set(keys(sent)).size).toBe(2);
  });

  it('is another thing with another body, and five minutes later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const sent = serve(problem(503, 'unavailable'));
    const { call } = await import('./client');
    const send = (name: string) => call('POST', ROOMS, { ...place, body: { name } }).catch(() => null);

    await send('One');
    await send('Two');
    vi.setSystemTime(Date.now() + 5 * 60_000 + 1);
    await send('One');

    expect(new Set(keys(sent)).size).toBe(3);
  });
});

describe('what can be undone and meant anew', () => {
  const room = { params: { path: { organization_id: 'o1', room_id: 'r1' } } };
  const START = '/organizations/{organization_id}/rooms/{room_id}/start';
  const lost = (): Promise<Response> => Promise.reject(new TypeError('no network'));

  it('is started again under a key of its own, also when nothing is known to have ended it', async () => {
    const sent = serve(lost, json(201, { id: 's1' }));
    const { call } = await import('./client');

    await call('POST', START, room).catch(() => null);
    await call('POST', START, room);

    expect(new Set(keys(sent)).size).toBe(2);
  });

  it.each([
    ['done', json(204, null), 2],
    ['perhaps done', lost, 2],
    ['refused', problem(403, 'forbidden'), 1],
  ])('is made anew after it was lost, when taking it back was %s', async (_, undone, made) => {
    const sent = serve(lost, undone, json(201, { id: 'i2' }));
    const { call } = await import('./client');
    const invite = () => call('POST', ROOMS, bell).catch(() => null);

    await invite();
    await call('DELETE', '/organizations/{organization_id}/invitations/{invitation_id}', {
      params: { path: { organization_id: 'o1', invitation_id: 'i1' } },
    }).catch(() => null);
    await invite();

    expect(new Set(keys(sent).filter((key) => key !== null)).size).toBe(made);
  });

  it('is the same still after a write in another organization', async () => {
    const sent = serve(lost, json(204, null), json(201, { id: 'r2' }));
    const { call } = await import('./client');

    await call('POST', ROOMS, bell).catch(() => null);
    await call('DELETE', '/organizations/{organization_id}/deletion', { params: { path: { organization_id: 'o2' } } });
    await call('POST', ROOMS, bell);

    expect(keys(sent)[2]).toBe(keys(sent)[0]);
  });
});

describe('two people in one tab', () => {
  it('share no answer that is on its way', async () => {
    const sent = serve(json(201, { id: 'a' }), json(201, { id: 'b' }));
    const { call } = await import('./client');

    signedIn.token = tokenOf('anna');
    const hers = call('POST', ROOMS, bell);
    signedIn.token = tokenOf('bert');
    const his = call('POST', ROOMS, bell);

    expect(await Promise.all([hers, his])).toEqual([{ id: 'a' }, { id: 'b' }]);
    expect(new Set(keys(sent)).size).toBe(2);
  });

  it('share no key after a lost answer', async () => {
    const sent = serve(problem(503, 'unavailable'));
    const { call } = await import('./client');

    for (const person of ['anna', 'bert']) {
      signedIn.token = tokenOf(person);
      await call('POST', ROOMS, bell).catch(() => null);
    }

    expect(new Set(keys(sent)).size).toBe(2);
  });
});

it('joining carries no key, and each press is a join of its own', async () => {
  const sent = serve(json(200, { token: 't' }));
  const { call } = await import('./client');
  const room = { params: { path: { organization_id: 'o1', room_id: 'r1' } } };

  await Promise.all([1, 2].map(() => call('POST', '/organizations/{organization_id}/rooms/{room_id}/join', room)));

  expect(keys(sent)).toEqual([null, null]);
});
