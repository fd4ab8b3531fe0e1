import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLOSE_CODES } from '@/api/generated/signaling';
import { FakeServer } from './fake-server';
import { SignalingClient, type SignalingOptions } from './signaling-client';

interface Heard {
  ends: string[];
  welcomes: number;
  reconnecting: number;
}

function connect(server: FakeServer, overrides: Partial<SignalingOptions> = {}): { client: SignalingClient; heard: Heard } {
  const heard: Heard = { ends: [], welcomes: 0, reconnecting: 0 };
  const client = new SignalingClient({
    rtpCapabilities: Promise.resolve({ codecs: [] }),
    resumeFrom: () => ({ afterSeq: 7, keepMedia: true }),
    rejoin: () => Promise.resolve({ signalingUrl: 'ws://again', token: 'second' }),
    onWelcome: () => heard.welcomes++,
    onNotification: () => undefined,
    onReconnecting: () => heard.reconnecting++,
    onEnd: (reason) => heard.ends.push(reason),
    createSocket: server.createSocket,
    random: () => 1,
    ...overrides,
  });
  client.start({ signalingUrl: 'ws://first', token: 'first' });
  return { client, heard };
}

describe('SignalingClient', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

  it('says hello with the join token and the capabilities first', async () => {
    const server = new FakeServer();
    const { heard } = connect(server);

    await settle();

    expect(server.asked('hello')).toMatchObject([{ token: 'first', rtpCapabilities: { codecs: [] } }]);
    expect(heard.welcomes).toBe(1);
  });

  it('resumes with the newest resume token, its last seq and its media', async () => {
    const server = new FakeServer();
    const { heard } = connect(server);
    await settle();

    server.last.drop(1006);
    await settle(300);
    server.last.drop(CLOSE_CODES.TRY_AGAIN);
    await settle(300);

    const [, second, third] = server.asked('hello');
    expect(second).toMatchObject({ resumeToken: 'resume-1', resumeAfterSeq: 7, keepMedia: true });
    expect(second?.token).toBeUndefined();
    expect(third?.resumeToken).toBe('resume-2');
    expect(heard).toEqual({ ends: [], welcomes: 3, reconnecting: 2 });
  });

  it('takes six seconds of silence for a loss', async () => {
    const server = new FakeServer();
    const { heard } = connect(server);
    await settle();

    await settle(5_000);
    server.last.notify({ method: 'ping', lastSeq: 0, serverTime: '2026-11-24T15:00:00Z' });
    await settle(5_500);
    expect(heard.reconnecting).toBe(0);
    await settle(1_000);

    expect(heard.reconnecting).toBe(1);
    expect(server.sockets[0]?.isClosed).toBe(true);
  });

  it.each([
    [CLOSE_CODES.REPLACED, 'replaced'],
    [CLOSE_CODES.REMOVED, 'removed'],
    [CLOSE_CODES.SESSION_ENDED, 'session_ended'],
  ])('does not come back after close code %i', async (code, reason) => {
    const server = new FakeServer();
    const { heard } = connect(server);
    await settle();

    server.last.drop(code);
    await settle(60_000);

    expect(heard.ends).toEqual([reason]);
    expect(server.sockets).toHaveLength(1);
  });

  it('joins again by REST when its token is not taken', async () => {
    const server = new FakeServer();
    connect(server);
    await settle();

    server.last.drop(CLOSE_CODES.BAD_TOKEN);
    await settle(300);

    expect(server.last.url).toBe('ws://again');
    expect(server.asked('hello').at(-1)).toMatchObject({ token: 'second' });
  });

  it('ends when joining again is refused because the session is over', async () => {
    const server = new FakeServer();
    const problem = Object.assign(new Error('This room is not live.'), { code: 'room_not_live' });
    const { heard } = connect(server, { rejoin: () => Promise.reject(problem) });
    await settle();

    server.last.drop(CLOSE_CODES.BAD_TOKEN);
    await settle(300);

    expect(heard.ends).toEqual(['session_ended']);
  });

  it('waits longer after each failure, at most five seconds', async () => {
    const server = new FakeServer();
    server.handlers.set('hello', (_, socket) => queueMicrotask(() => socket.drop(1006)));
    connect(server);

    await settle(60_000);
    const many = server.sockets.length;
    await settle(50_000);

    expect(many).toBeGreaterThan(8);
    expect(server.sockets.length - many).toBeLessThanOrEqual(10);
  });

  it('tries at once when told to', async () => {
    const server = new FakeServer();
    const { client } = connect(server);
    await settle();
    server.last.drop(1006);
    await settle(1);

    client.tryNow();
    await settle(1);

    expect(server.sockets).toHaveLength(2);
  });

  it('refuses a request that is not answered in ten seconds', async () => {
    const server = new FakeServer();
    server.handlers.set('feed.read', () => undefined);
    const { client } = connect(server);
    await settle();
    const pings = setInterval(() => server.last.tell({ method: 'ping', lastSeq: 0 }), 2_000);

    const asked = client.request('feed.read', { after: 0 }).catch((error: unknown) => error);
    await settle(10_500);
    clearInterval(pings);

    expect(await asked).toMatchObject({ code: 'timeout' });
  });

  it('repeats a durable request with the same id after the socket was lost', async () => {
    const server = new FakeServer();
    let isSilent = true;
    server.handlers.set('chat.post', () => (isSilent ? undefined : { seq: 8 }));
    const { client } = connect(server);
    await settle();

    const posted = client.requestDurably('chat.post', { messageId: 'message', text: 'hello' });
    await settle();
    isSilent = false;
    server.last.drop(1006);
    await settle(1_000);

    expect(await posted).toEqual({ seq: 8 });
    expect(server.asked('chat.post').map(({ messageId }) => messageId)).toEqual(['message', 'message']);
  });

  it('hands a refusal on with its code and facts', async () => {
    const server = new FakeServer();
    server.handlers.set('chat.post', () => ({ error: { code: 'forbidden', message: 'No.', facts: { permission: 'chat.post' } } }));
    const { client } = connect(server);
    await settle();

    const refused = client.requestDurably('chat.post', { messageId: 'm', text: 'x' }).catch((error: unknown) => error);
    await settle();

    expect(await refused).toMatchObject({ code: 'forbidden', facts: { permission: 'chat.post' } });
  });

  it('tells the server that it leaves, and stays away', async () => {
    const server = new FakeServer();
    const { client, heard } = connect(server);
    await settle();

    client.leave();
    await settle(60_000);

    expect(server.asked('room.leave')).toHaveLength(1);
    expect(heard.ends).toEqual(['left']);
    expect(server.sockets).toHaveLength(1);
  });
});
