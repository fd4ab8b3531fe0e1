import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EarlySocket, MAX_AGE_MS } from './early-socket';
import { FakeServer } from './fake-server';
import { RoomSession } from './room-session';

function early(url: string | null): { early: EarlySocket; server: FakeServer } {
  const server = new FakeServer();
  return { early: new EarlySocket(url, server.createSocket), server };
}

afterEach(() => void vi.useRealTimers());

describe('EarlySocket', () => {
  it('is handed over once, and says again that it is open', async () => {
    const { early: socket, server } = early('ws://room');
    await Promise.resolve();

    const taken = socket.take('ws://room');
    const told = new Promise((resolve) => {
      if (taken) taken.onopen = resolve;
    });

    expect(taken).toBe(server.last);
    await told;
    expect(socket.take('ws://room')).toBeNull();
    expect(server.last.isClosed).toBe(false);
  });

  it('is closed when the join leads elsewhere', () => {
    const { early: socket, server } = early('ws://room');

    expect(socket.take('ws://other')).toBeNull();
    expect(server.last.isClosed).toBe(true);
  });

  it('is not handed over when the server has closed it meanwhile', () => {
    const { early: socket, server } = early('ws://room');
    server.last.drop(4001);

    expect(socket.take('ws://room')).toBeNull();
  });

  it('is closed when the server has waited too long for a hello on it', () => {
    vi.useFakeTimers();
    const { early: socket, server } = early('ws://room');
    server.last.open();
    vi.advanceTimersByTime(MAX_AGE_MS + 1);

    expect(socket.take('ws://room')).toBeNull();
    expect(server.last.isClosed).toBe(true);
  });

  it('is closed when the join is refused', async () => {
    const { early: socket, server } = early('ws://room');

    await expect(socket.beside(Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(server.last.isClosed).toBe(true);
  });

  it('opens nothing when nobody knows where', () => {
    const { early: socket, server } = early(null);

    expect(server.sockets).toHaveLength(0);
    expect(socket.take('ws://room')).toBeNull();
  });
});

describe('RoomSession with an early socket', () => {
  function make(server: FakeServer, signalingUrl: string, answered: Promise<unknown> = Promise.resolve()): RoomSession {
    const ticket = { signalingUrl: 'ws://room', token: 't', rtpCapabilities: fake.generateRouterRtpCapabilities() };
    return new RoomSession({
      join: () => answered.then(() => ticket),
      createDevice: () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) }),
      createSocket: server.createSocket,
      signalingUrl,
    });
  }

  async function live(server: FakeServer, signalingUrl: string): Promise<RoomSession> {
    const session = make(server, signalingUrl);
    await session.start();
    await expect.poll(() => session.store.getState().phase).toBe('live');
    return session;
  }

  it('says hello on the socket that opened beside the join', async () => {
    const server = new FakeServer();
    const session = await live(server, 'ws://room');

    expect(server.sockets).toHaveLength(1);
    expect(server.asked('hello')).toHaveLength(1);
    session.close();
  });

  it('opens another one when the join names another server than the page', async () => {
    const server = new FakeServer();
    const session = await live(server, 'ws://elsewhere');

    expect(server.sockets.map(({ url, isClosed }) => ({ url, isClosed }))).toEqual([
      { url: 'ws://elsewhere', isClosed: true },
      { url: 'ws://room', isClosed: false },
    ]);
    session.close();
  });

  it('says hello on a fresh socket when the join took long', async () => {
    vi.useFakeTimers();
    const server = new FakeServer();
    const session = make(server, 'ws://room', new Promise((resolve) => setTimeout(resolve, MAX_AGE_MS + 1)));
    void session.start();

    await vi.advanceTimersByTimeAsync(MAX_AGE_MS + 100);

    expect(session.store.getState().phase).toBe('live');
    expect(server.sockets.map(({ isClosed, requests }) => [isClosed, requests.length])).toEqual([
      [true, 0],
      [false, 1],
    ]);
    session.close();
  });

  it('closes it at once when the person goes during the join', () => {
    const server = new FakeServer();
    const session = make(server, 'ws://room', new Promise(() => undefined));
    void session.start();

    session.close();

    expect(server.sockets.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  it('opens none, and joins nothing, when the person went before it started', async () => {
    const server = new FakeServer();
    const join = vi.fn(() => Promise.reject(new Error('nobody should ask')));
    const createDevice = () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) });
    const session = new RoomSession({ join, createDevice, createSocket: server.createSocket, signalingUrl: 'ws://room' });
    session.close();

    await session.start();

    expect(join).not.toHaveBeenCalled();
    expect(server.sockets).toHaveLength(0);
  });
});
