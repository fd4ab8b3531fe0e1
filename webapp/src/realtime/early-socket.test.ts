import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import { describe, expect, it } from 'vitest';
import { EarlySocket } from './early-socket';
import { FakeServer } from './fake-server';
import { RoomSession } from './room-session';

function early(url: string | null): { early: EarlySocket; server: FakeServer } {
  const server = new FakeServer();
  return { early: new EarlySocket(url, server.createSocket), server };
}

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
  async function live(server: FakeServer, signalingUrl: string): Promise<RoomSession> {
    const session = new RoomSession({
      join: () => Promise.resolve({ signalingUrl: 'ws://room', token: 't', rtpCapabilities: fake.generateRouterRtpCapabilities() }),
      createDevice: () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) }),
      createSocket: server.createSocket,
      signalingUrl,
    });
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
});
