import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsumerOptions, FeedEvent, ParticipantView, Request, TransportOptions } from '@/api/generated/signaling';
import { FakeServer } from './fake-server';
import { RoomSession } from './room-session';

function remoteTransport(id: string): TransportOptions {
  const { iceParameters, iceCandidates, dtlsParameters } = fake.generateTransportRemoteParameters();
  return { id, iceParameters, iceCandidates, dtlsParameters };
}

function consumer(producerId: string): ConsumerOptions {
  const { rtpParameters } = fake.generateConsumerRemoteParameters({ codecMimeType: 'video/VP8' });
  return { id: `consumer-${producerId}`, producerId, participantId: 'p-dana', kind: 'video', source: 'screen', rtpParameters };
}

const dana = (...producerIds: string[]): ParticipantView => ({
  id: 'p-dana',
  userId: 'dana',
  displayName: 'Dana Okafor',
  role: 'host',
  producers: producerIds.map((id) => ({ id, kind: 'video', source: 'screen' })),
});

const line = (seq: number): FeedEvent => ({
  ...{ seq, kind: 'chat.posted', subjectId: `line-${seq}`, authorId: 'dana', authorName: 'Dana Okafor' },
  ...{ at: '2026-11-24T15:00:00Z', body: { text: `line ${seq}` } },
});

/** A server with one screen of Dana's; a resume keeps the media and names our own producers. */
function serve(): FakeServer {
  const server: FakeServer = new FakeServer((request, count) => {
    if (count === 1) return { recvTransport: remoteTransport('recv-1'), consumers: [consumer('s1')], participants: [dana('s1')], mediaKept: false };
    const isKept = request.method === 'hello' && request.keepMedia === true;
    const own: ParticipantView = { ...dana(), id: 'me', displayName: 'Me', producers: ownProducers(server) };
    return {
      mediaKept: isKept,
      recvTransport: isKept ? null : remoteTransport(`recv-${count}`),
      consumers: isKept ? [] : [consumer('s1')],
      participants: [dana('s1'), own],
    };
  });
  server.handlers.set('transport.create', (request) => ({
    transport: remoteTransport(request.method === 'transport.create' ? request.transportId : ''),
  }));
  server.handlers.set('consumer.create', (request) => ({
    consumers: request.method === 'consumer.create' ? request.producerIds.map(consumer) : [],
  }));
  server.handlers.set('producer.create', (request) => ({
    producerId: request.method === 'producer.create' ? request.producerId : '',
  }));
  return server;
}

function ownProducers(server: FakeServer): ParticipantView['producers'] {
  return server.asked('producer.create').map(({ producerId, kind, source }) => ({ id: producerId, kind, source }));
}

function open(server: FakeServer): RoomSession {
  const session = new RoomSession({
    join: () => Promise.resolve({ signalingUrl: 'ws://room', token: 't', rtpCapabilities: fake.generateRouterRtpCapabilities() }),
    createDevice: () => Device.factory({ handlerFactory: FakeHandler.createFactory(fake) }),
    createSocket: server.createSocket,
    captureTrack: (source) => Promise.resolve(new FakeMediaStreamTrack({ kind: source === 'microphone' ? 'audio' : 'video' })),
  });
  void session.start();
  return session;
}

describe('RoomSession', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const settle = (ms = 1): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  const methods = (requests: readonly Request[]): string[] => requests.map(({ method }) => method);

  it('connects and resumes everything the welcome offers, in one batch and nothing between', async () => {
    const server = serve();
    const session = open(server);

    await settle();

    expect(methods(server.last.requests)).toEqual(['hello', 'consumer.resume', 'transport.connect']);
    expect(session.store.getState().tracks).toMatchObject([{ producerId: 's1', source: 'screen', participantId: 'p-dana' }]);
    session.close();
  });

  it('keeps its media over a lost socket', async () => {
    const server = serve();
    const session = open(server);
    await settle();
    const [before] = session.store.getState().tracks;

    server.last.drop(1006);
    await settle(500);

    expect(session.store.getState().phase).toBe('live');
    expect(session.store.getState().tracks[0]?.track).toBe(before?.track);
    expect(server.asked('transport.create')).toHaveLength(0);
    session.close();
  });

  it('publishes the same tracks again after a media reset, still muted, asking nobody', async () => {
    const server = serve();
    const session = open(server);
    await settle();
    await session.local.toggleMicrophone();
    await session.local.toggleMicrophone();
    await session.local.toggleScreen();
    const { track } = session.store.getState().local.screen;

    server.last.notify({ method: 'media.reset', epoch: 2, reason: 'worker_died' });
    await settle(100);

    const created = server.asked('producer.create');
    expect(created.map(({ source, paused }) => [source, paused])).toEqual([
      ['microphone', false],
      ['screen', false],
      ['microphone', true],
      ['screen', false],
    ]);
    expect(new Set(created.map(({ producerId }) => producerId)).size).toBe(4);
    expect(session.store.getState().local).toMatchObject({ microphone: { status: 'muted' }, screen: { status: 'on' } });
    expect(session.store.getState().local.screen.track).toBe(track);
    expect(track?.readyState).toBe('live');
    session.close();
  });

  it('consumes a producer whose offer was lost', async () => {
    const server = serve();
    const session = open(server);
    await settle(1_500);

    server.last.notify({ method: 'producer.opened', participantId: 'p-dana', producer: { id: 's2', kind: 'video', source: 'screen' } });
    await settle(1_500);

    expect(server.asked('consumer.create').map(({ producerIds }) => producerIds)).toEqual([['s2']]);
    expect(session.store.getState().tracks.map(({ producerId }) => producerId)).toEqual(['s1', 's2']);
    session.close();
  });

  it('asks again for a missing producer when the first asking is refused', async () => {
    const server = serve();
    let refusals = 2;
    server.handlers.set('consumer.create', (request) => {
      if (refusals-- > 0) return { error: { code: 'unavailable', message: 'Try again.', facts: {} } };
      return { consumers: request.method === 'consumer.create' ? request.producerIds.map(consumer) : [] };
    });
    const session = open(server);
    await settle(1_500);

    server.last.notify({ method: 'producer.opened', participantId: 'p-dana', producer: { id: 's2', kind: 'video', source: 'screen' } });
    await settle(10_000);

    expect(server.asked('consumer.create')).toHaveLength(3);
    expect(session.store.getState().tracks.map(({ producerId }) => producerId)).toEqual(['s1', 's2']);
    session.close();
  });

  it('consumes a producer again whose consumer alone was closed', async () => {
    const server = serve();
    const session = open(server);
    await settle(1_500);

    server.last.notify({ method: 'consumer.closed', consumerId: 'consumer-s1' });
    await settle(1_500);

    expect(server.asked('consumer.create').map(({ producerIds }) => producerIds)).toEqual([['s1']]);
    expect(session.store.getState().tracks.map(({ producerId }) => producerId)).toEqual(['s1']);
    session.close();
  });

  it('makes a new receive transport when its own is closed', async () => {
    const server = serve();
    const session = open(server);
    await settle();

    server.last.notify({ method: 'transport.closed', transportId: 'recv-1', reason: 'dtls_failed' });
    await settle(50);

    expect(server.asked('consumer.create').map(({ producerIds }) => producerIds)).toEqual([['s1']]);
    expect(session.store.getState().tracks).toHaveLength(1);
    session.close();
  });

  it('brings a mute that happened while the socket was away to the server', async () => {
    const server = serve();
    const session = open(server);
    await settle();
    await session.local.toggleMicrophone();
    server.last.drop(1006);

    await session.local.toggleMicrophone();
    await settle(500);

    expect(server.asked('producer.pause')).toHaveLength(1);
    session.close();
  });

  it('reads what lies in a hole, once', async () => {
    const server = serve();
    server.handlers.set('feed.read', (request) => ({
      events: [1, 2, 3].filter((seq) => request.method === 'feed.read' && seq > request.after).map(line),
      lastSeq: 3,
    }));
    const session = open(server);
    await settle();

    server.last.notify({ method: 'feed.appended', event: line(3) });
    server.last.notify({ method: 'ping', lastSeq: 3, serverTime: '2026-11-24T15:00:00Z' });
    await settle(400);

    expect(session.store.getState().feed.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(server.asked('feed.read')).toHaveLength(1);
    session.close();
  });

  it('lets go of devices and socket when closed', async () => {
    const server = serve();
    const session = open(server);
    await settle();
    await session.local.toggleCamera();
    const { track } = session.store.getState().local.camera;

    session.close();
    session.close();

    expect(track?.readyState).toBe('ended');
    expect(session.store.getState()).toMatchObject({ phase: 'ended', end: 'left', tracks: [] });
    expect(server.asked('room.leave')).toHaveLength(1);
  });
});
