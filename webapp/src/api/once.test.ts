import { beforeEach, describe, expect, it, vi } from 'vitest';
import { json, problem, serve, type Sent } from './fake-api';

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

it('joining carries no key, and each press is a join of its own', async () => {
  const sent = serve(json(200, { token: 't' }));
  const { call } = await import('./client');
  const room = { params: { path: { organization_id: 'o1', room_id: 'r1' } } };

  await Promise.all([1, 2].map(() => call('POST', '/organizations/{organization_id}/rooms/{room_id}/join', room)));

  expect(keys(sent)).toEqual([null, null]);
});
