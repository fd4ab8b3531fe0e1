import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLOSE_CODES } from '@/api/generated/signaling';
import { FakeServer } from './fake-server';
import { READ_EVERY_MS, Renewal, type TokenSource } from './renewal';
import { SignalingClient } from './signaling-client';

/** Tokens that change when the test says so; `tell`: as whoever signs people in does, by itself. */
class Tokens implements TokenSource {
  current: string | null = 'first';
  watchers = new Set<(token: string) => void>();
  now = () => this.current;
  read = () => Promise.resolve(this.current);
  watch = (onToken: (token: string) => void) => {
    this.watchers.add(onToken);
    return () => this.watchers.delete(onToken);
  };
  tell(token: string): void {
    this.current = token;
    for (const watcher of this.watchers) watcher(token);
  }
}

function connect(server: FakeServer, tokens: Tokens): SignalingClient {
  const client = new SignalingClient({
    rtpCapabilities: Promise.resolve({ codecs: [] }),
    resumeFrom: () => ({ afterSeq: 7, keepMedia: true }),
    rejoin: () => Promise.resolve({ signalingUrl: 'ws://again', token: 'again' }),
    onWelcome: () => undefined,
    onNotification: () => undefined,
    onReconnecting: () => undefined,
    onEnd: () => undefined,
    renewal: new Renewal(tokens),
    createSocket: server.createSocket,
    random: () => 1,
  });
  client.start({ signalingUrl: 'ws://first', token: 'join' });
  return client;
}

function serve(): FakeServer {
  const server = new FakeServer();
  server.handlers.set('session.renew', () => ({ resumeToken: 'renewed', expiresAt: null }));
  return server;
}

const shown = (server: FakeServer): string[] => server.asked('session.renew').map(({ accessToken }) => accessToken);
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
/** A look at the tokens, with the server's pings in between. */
async function look(server: FakeServer): Promise<void> {
  for (let ms = 0; ms < READ_EVERY_MS; ms += 2_000) {
    server.last.notify({ method: 'ping', lastSeq: 0, serverTime: '2026-11-24T15:00:00Z' });
    await settle(2_000);
  }
}

describe('Renewal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('shows a refreshed token at once, and comes back by the resume token of the answer', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    connect(server, tokens);
    await settle();

    tokens.tell('second');
    await settle();
    server.last.drop(1006);
    await settle(300);

    expect(shown(server)).toEqual(['second']);
    expect(server.asked('hello')[1]).toMatchObject({ resumeToken: 'renewed' });
  });

  it('reads the token itself, because a hidden page is told of none', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    connect(server, tokens);
    await settle();

    tokens.current = 'second';
    await look(server);

    expect(shown(server)).toEqual(['second']);
  });

  it('shows no token twice, nor the one that joined', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    connect(server, tokens);
    await look(server);
    tokens.tell('second');
    await look(server);
    await look(server);

    expect(shown(server)).toEqual(['second']);
  });

  it('shows a token again, on the next socket, that the lost one did not answer', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    server.handlers.set('session.renew', (_, socket) => (socket === server.sockets[0] ? undefined : { resumeToken: 'renewed', expiresAt: null }));
    connect(server, tokens);
    await settle();

    tokens.tell('second');
    await settle();
    server.last.drop(CLOSE_CODES.TRY_AGAIN);
    await settle(1_000);

    expect(shown(server)).toEqual(['second', 'second']);
  });

  it('takes a refusal for an answer, and the socket goes on', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    server.handlers.set('session.renew', () => ({ error: { code: 'forbidden', message: 'No.', facts: {} } }));
    connect(server, tokens);
    await settle();

    tokens.tell("somebody else's");
    await look(server);
    await look(server);

    expect(shown(server)).toEqual(["somebody else's"]);
    expect(server.sockets).toHaveLength(1);
  });

  it('shows again later what the server could not look at', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    let isAway = true;
    server.handlers.set('session.renew', () =>
      isAway ? { error: { code: 'unavailable', message: 'Away.', facts: {} } } : { resumeToken: 'renewed', expiresAt: null },
    );
    connect(server, tokens);
    await settle();
    tokens.tell('second');
    await look(server);
    isAway = false;
    await look(server);
    server.last.drop(1006);
    await settle(300);

    expect(server.asked('hello')[1]).toMatchObject({ resumeToken: 'renewed' });
  });

  it('stops when one leaves', async () => {
    const [server, tokens] = [serve(), new Tokens()];
    const client = connect(server, tokens);
    await settle();

    client.leave();
    tokens.tell('second');
    await settle(2 * READ_EVERY_MS);

    expect(shown(server)).toEqual([]);
    expect(tokens.watchers.size).toBe(0);
  });
});
