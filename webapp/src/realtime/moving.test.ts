import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsumerOptions, ParticipantView, TransportOptions } from '@/api/generated/signaling';
import { FakeServer } from './fake-server';
import { RoomSession } from './room-session';

const captured = vi.fn();
/** Frames that a consumer has decoded, by its id on the handler; what the fake browser reports. */
let framesDecoded = 0;

function remoteTransport(id: string): TransportOptions {
  const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
  return { id, iceParameters, iceCandidates, dtlsParameters };
}

function consumer(producerId: string, transportId: string): ConsumerOptions {
  const { rtpParameters } = fake.generateConsumerRemoteParameters({ codecMimeType: 'video/VP8' });
  return { id: `${producerId} on ${transportId}`, producerId, participantId: 'p-dana', kind: 'video', source: 'screen', rtpParameters };
}

const dana: ParticipantView = {
  ...{ id: 'p-dana', userId: 'dana', displayName: 'Dana Okafor', role: 'host' },
  producers: [{ id: 's1', kind: 'video', source: 'screen' }],
};

/** A server whose second receive transport is on the new node. */
function serve(): FakeServer {
  const server = new FakeServer(() => ({
    recvTransport: remoteTransport('recv-1'),
    consumers: [consumer('s1', 'recv-1')],
    participants: [dana],
    mediaKept: false,
  }));
  server.handlers.set('transport.create', (request) => ({
    transport: remoteTransport(request.method === 'transport.create' ? request.transportId : ''),
  }));
  server.handlers.set('consumer.create', (request) => ({
    consumers: request.method === 'consumer.create' ? request.producerIds.map((id) => consumer(id, request.transportId)) : [],
  }));
  server.handlers.set('producer.create', (request) => ({
    producerId: request.method === 'producer.create' ? request.producerId : '',
  }));
  return server;
}

function open(server: FakeServer): RoomSession {
  const session = new RoomSession({
    join: () => Promise.resolve({ signalingUrl: 'ws://room', token: 't', rtpCapabilities: fake.generateRouterRtpCapabilities() }),
    createDevice: () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) }),
    createSocket: server.createSocket,
    captureTrack: (source) => {
      captured(source);
      return Promise.resolve(new FakeMediaStreamTrack({ kind: source === 'microphone' ? 'audio' : 'video' }));
    },
  });
  void session.start();
  return session;
}

describe('Media that moves to another node', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    captured.mockClear();
    framesDecoded = 0;
    vi.spyOn(FakeHandler.prototype, 'getReceiverStats').mockImplementation(() =>
      Promise.resolve(new Map([['in', { type: 'inbound-rtp', framesDecoded }]]) as unknown as RTCStatsReport),
    );
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  const settle = (ms = 1): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  const shown = (session: RoomSession): string[] => session.store.getState().tracks.map(({ consumerId }) => consumerId);

  it('shows a track from its old consumer until the new one has its first frame', async () => {
    const server = serve();
    const session = open(server);
    await settle(10);
    const before = session.store.getState().tracks[0]?.track;

    server.last.notify({ method: 'media.moving', epoch: 2, reason: 'draining' });
    await settle(500);
    expect(shown(session)).toEqual(['s1 on recv-1']);
    expect(before?.readyState).toBe('live');
    expect(server.asked('media.moved')).toEqual([]);

    framesDecoded = 1;
    await settle(500);
    expect(shown(session)).toHaveLength(1);
    expect(shown(session)).not.toEqual(['s1 on recv-1']);
    expect(before?.readyState).toBe('ended');
    expect(server.asked('media.moved').map(({ epoch }) => epoch)).toEqual([2]);
    session.close();
  });

  it('publishes the same tracks under the same ids, muted as they were, and asks for no device', async () => {
    const server = serve();
    const session = open(server);
    await settle(10);
    await session.local.toggleMicrophone();
    await session.local.toggleMicrophone();
    await settle(10);
    const track = session.store.getState().local.microphone.track;
    framesDecoded = 1;

    server.last.notify({ method: 'media.moving', epoch: 2, reason: 'draining' });
    await settle(500);

    const [first, second] = server.asked('producer.create');
    expect(second?.producerId).toBe(first?.producerId);
    expect(second?.transportId).not.toBe(first?.transportId);
    expect(second?.paused).toBe(true);
    expect(captured).toHaveBeenCalledTimes(1);
    expect(session.store.getState().local.microphone).toMatchObject({ status: 'muted', track });
    expect(track?.readyState).toBe('live');
    session.close();
  });

  it('goes on with the new send transport when one of two tracks is refused on it at first', async () => {
    const server = serve();
    const session = open(server);
    await settle(10);
    await session.local.toggleMicrophone();
    await session.local.toggleScreen();
    await settle(10);
    const before = server.asked('producer.create').length;
    const sendBefore = server.asked('transport.create').filter(({ direction }) => direction === 'send').length;
    let refusals = 1;
    server.handlers.set('producer.create', (request) => {
      if (request.method !== 'producer.create') return {};
      if (request.source === 'screen' && refusals-- > 0) return { error: { code: 'unavailable', message: 'Try again.', facts: {} } };
      return { producerId: request.producerId };
    });
    framesDecoded = 1;

    server.last.notify({ method: 'media.moving', epoch: 2, reason: 'draining' });
    await settle(2_000);

    const made = server.asked('producer.create').slice(before);
    expect(made.map(({ source }) => source)).toEqual(['microphone', 'screen', 'screen']);
    expect(new Set(made.map(({ transportId }) => transportId)).size).toBe(1);
    expect(server.asked('transport.create').filter(({ direction }) => direction === 'send')).toHaveLength(sendBefore + 1);
    expect(server.asked('media.moved')).toHaveLength(1);
    session.close();
  });

  it('lets the old send transport go only when the server closes it', async () => {
    const server = serve();
    const session = open(server);
    await settle(10);
    await session.local.toggleMicrophone();
    const old = server.asked('transport.create')[0]?.transportId ?? '';
    framesDecoded = 1;
    server.last.notify({ method: 'media.moving', epoch: 2, reason: 'draining' });
    await settle(500);
    const made = server.asked('transport.create').length;

    server.last.notify({ method: 'transport.closed', transportId: old, reason: 'moved' });
    await settle(500);

    expect(server.asked('transport.create')).toHaveLength(made);
    expect(server.asked('producer.create')).toHaveLength(2);
    expect(session.store.getState().local.microphone.status).toBe('on');
    session.close();
  });

  it('follows a track that is offered only later, when its publisher has moved', async () => {
    const server = serve();
    server.handlers.set('consumer.create', () => ({ consumers: [] }));
    const session = open(server);
    await settle(10);
    framesDecoded = 1;

    server.last.notify({ method: 'media.moving', epoch: 2, reason: 'draining' });
    await settle(2_000);
    expect(shown(session)).toEqual(['s1 on recv-1']);
    const transportId = server.asked('transport.create')[0]?.transportId ?? '';
    server.last.notify({ method: 'consumer.offered', consumer: consumer('s1', transportId) });
    await settle(500);

    expect(shown(session)).toEqual([`s1 on ${transportId}`]);
    expect(server.asked('media.moved')).toHaveLength(1);
    session.close();
  });
});
