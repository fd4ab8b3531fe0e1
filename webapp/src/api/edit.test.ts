import { describe, expect, it } from 'vitest';
import { changeSeen, changesOf, newerOf, type Tagged } from './edit';
import { ApiProblem } from './problem';

interface Thing {
  name: string;
  text: string;
  lastSeq: number;
}

const seen: Thing = { name: 'Bell', text: '', lastSeq: 1 };
const stale = () => new ApiProblem('precondition_failed', 'It changed.', 412);

/** A thing on a server: each look may find it changed, each write is refused that came after a change nobody looked at. */
function server(...states: Thing[]) {
  const written: { changes: object; tag: string | undefined }[] = [];
  let looks = 0;
  const read = (): Promise<Tagged<Thing>> => {
    const data = states[Math.min(looks++, states.length - 1)];
    return data ? Promise.resolve({ data, etag: `"${looks}"` }) : Promise.reject(new Error('nothing there'));
  };
  const write = (changes: object, header: { 'If-Match'?: string }): Promise<string> => {
    written.push({ changes, tag: header['If-Match'] });
    return looks < states.length ? Promise.reject(stale()) : Promise.resolve('written');
  };
  return { read, write, written };
}

describe('changeSeen', () => {
  it('writes what is as it was seen, on the condition that it stays so', async () => {
    const { read, write, written } = server(seen);

    expect(await changeSeen(seen, { name: 'Close' }, read, write)).toBe('written');
    expect(written).toEqual([{ changes: { name: 'Close' }, tag: '"1"' }]);
  });

  it('refuses to overwrite what another made of the same field, and shows it', async () => {
    const { read, write, written } = server({ ...seen, name: 'Theirs' });

    const refusal = await changeSeen(seen, { name: 'Mine' }, read, write).catch((error: unknown) => error);

    expect(newerOf<Thing>(refusal)).toEqual({ now: { ...seen, name: 'Theirs' }, fields: ['name'] });
    expect(written).toEqual([]);
  });

  it('passes over changes of other fields, also between the look and the write', async () => {
    const { read, write, written } = server({ ...seen, text: 'theirs' }, { ...seen, text: 'theirs', lastSeq: 2 });

    expect(await changeSeen(seen, { name: 'Mine' }, read, write)).toBe('written');
    expect(written.map(({ tag }) => tag)).toEqual(['"1"', '"2"']);
  });

  it('notices another’s change of the field between the look and the write', async () => {
    const { read, write, written } = server(seen, { ...seen, name: 'Theirs' }, { ...seen, name: 'Theirs' });

    const refusal = await changeSeen(seen, { name: 'Mine' }, read, write).catch((error: unknown) => error);

    expect(newerOf<Thing>(refusal)?.fields).toEqual(['name']);
    expect(written).toHaveLength(1);
  });

  it('is content when another made the same of it', async () => {
    const { read, write } = server({ ...seen, name: 'Mine' });

    expect(await changeSeen(seen, { name: 'Mine' }, read, write)).toBe('written');
  });

  it('gives up on what changes all the time', async () => {
    const { read, write, written } = server(seen, seen, seen, seen, seen, seen);

    await expect(changeSeen(seen, { name: 'Mine' }, read, write)).rejects.toMatchObject({ code: 'precondition_failed' });
    expect(written).toHaveLength(3);
  });

  it('does not compare what was never shown', async () => {
    const { read, write, written } = server(seen);

    await changeSeen(seen, { secret: 'new' }, read, write);

    expect(written).toHaveLength(1);
  });
});

it('changesOf keeps what differs, lists by their entries', () => {
  expect(changesOf({ name: 'a', events: ['x', 'y'] }, { name: 'b', events: ['x', 'y'] })).toEqual({ name: 'b' });
});

it('changesOf takes moments for what they are, and other words for what they say', () => {
  const opened = { at: '2026-11-23T06:00:00Z', name: '1' };

  expect(changesOf(opened, { at: '2026-11-23T06:00:00.000Z', name: '1.0' })).toEqual({ name: '1.0' });
  expect(changesOf(opened, { at: '2026-11-23T06:00:00.001Z' })).toEqual({ at: '2026-11-23T06:00:00.001Z' });
});
