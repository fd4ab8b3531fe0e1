import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsumerOptions, ParticipantView, TransportOptions } from '@/api/generated/signaling';
import { FakeServer } from './fake-server';
import { RoomSession } from './room-session';

function recvTransport(): TransportOptions {
  const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
  return { id: 'recv-1', iceParameters, iceCandidates, dtlsParameters };
}

function screen(): ConsumerOptions {
  const { rtpParameters } = fake.generateConsumerRemoteParameters({ codecMimeType: 'video/VP8' });
  return { id: 'consumer-s1', producerId: 's1', participantId: 'p-dana', kind: 'video', source: 'screen', rtpParameters };
}

const dana: ParticipantView = {
  ...{ id: 'p-dana', userId: 'dana', displayName: 'Dana Okafor', role: 'host' },
  producers: [{ id: 's1', kind: 'video', source: 'screen' }],
};

/** A room of Dana's; with her screen, or with nobody who shares. */
function serve(hasScreen: boolean): FakeServer {
  return new FakeServer(() => ({ recvTransport: recvTransport(), consumers: hasScreen ? [screen()] : [], participants: [dana] }));
}

function open(server: FakeServer): RoomSession {
  const session = new RoomSession({
    join: () => Promise.resolve({ signalingUrl: 'ws://room', token: 't', rtpCapabilities: fake.generateRouterRtpCapabilities() }),
    createDevice: () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) }),
    createSocket: server.createSocket,
  });
  void session.start();
  return session;
}

describe('drawing a room', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const settle = (ms = 1): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

  it('shows people and their pictures in one go, once the media is negotiated', async () => {
    const server = serve(true);
    const session = open(server);
    const drawn: [string, number, number][] = [];
    session.store.subscribe(({ phase, participants, tracks }) => drawn.push([phase, participants.length, tracks.length]));
    await settle();
    const before = drawn.at(-1);

    await settle(30);

    expect(before).toEqual(['joining', 0, 1]);
    expect(drawn.at(-1)).toEqual(['live', 1, 1]);
    session.close();
  });

  it('shows a room without media at once', async () => {
    const server = serve(false);
    const session = open(server);

    await settle();

    expect(session.store.getState().phase).toBe('live');
    session.close();
  });

  it('shows the people before anything that is told of them', async () => {
    const server = serve(true);
    const session = open(server);
    await settle();

    server.last.notify({ method: 'ping', lastSeq: 0, serverTime: '2026-11-24T15:00:00Z' });

    expect(session.store.getState()).toMatchObject({ phase: 'live', participants: [{ id: 'p-dana' }] });
    session.close();
  });
});
