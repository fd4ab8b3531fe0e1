import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { types } from 'mediasoup-client';
import type { ConsumerData } from './consume-options';
import { Delivery } from './delivery';
import { SignalingError } from './signaling-socket';
import type { MediaWire } from './media-wire';
import { Viewing, type Tile } from './viewing';

/** A consumer, as far as delivery looks at it. */
function consumer(id: string, kind: 'audio' | 'video', source: ConsumerData['source'], scalabilityMode?: string) {
  const encodings = scalabilityMode ? [{ scalabilityMode }] : [{}];
  const made = { id, kind, producerId: source, rtpParameters: { encodings }, appData: { participantId: 'dana', source } };
  return made as unknown as types.Consumer<ConsumerData>;
}
const voice = consumer('v', 'audio', 'microphone');
const camera = consumer('c', 'video', 'camera', 'L3T3');
const screen = consumer('s', 'video', 'screen', 'L1T3');
const tile = (over: Partial<Tile> = {}): Tile => ({ producerId: 'camera', visibility: 'shown', height: 160, isLarge: false, ...over });

/** `server.refusal`: the code every request is refused with; null: none is. */
function open(server: { refusal: string | null } = { refusal: null }): {
  viewing: Viewing;
  delivery: Delivery;
  asked: () => Promise<unknown[]>;
} {
  const requests: unknown[] = [];
  const wire = {
    request: (method: string, body: object) => {
      requests.push({ method, ...body });
      return server.refusal === null ? Promise.resolve({}) : Promise.reject(new SignalingError(server.refusal, 'Refused.'));
    },
  } as unknown as MediaWire;
  const viewing = new Viewing();
  return {
    viewing,
    delivery: new Delivery(wire, viewing),
    asked: async () => {
      await vi.advanceTimersByTimeAsync(0);
      return requests.splice(0);
    },
  };
}

describe('Delivery', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lets everything that was attached in one turn flow by one request', async () => {
    const { delivery, asked } = open();

    delivery.add(voice);
    delivery.add(camera);
    delivery.add(screen);

    expect(await asked()).toEqual([{ method: 'consumer.resume', consumerIds: ['v', 'c', 's'] }]);
  });

  it('asks for a small layer for a small tile, and for the whole when it grows', async () => {
    const { viewing, delivery, asked } = open();
    const key = {};
    delivery.add(camera);
    await asked();

    viewing.put(key, tile({ height: 156 }));
    expect(await asked()).toEqual([{ method: 'consumer.setPreferredLayers', consumerId: 'c', spatialLayer: 0 }]);

    viewing.put(key, tile({ height: 700, isLarge: true }));
    expect(await asked()).toEqual([
      { method: 'consumer.setPriority', consumerId: 'c', priority: 180 },
      { method: 'consumer.setPreferredLayers', consumerId: 'c', spatialLayer: 2 },
    ]);
  });

  it('never asks for less than the whole screen', async () => {
    const { viewing, delivery, asked } = open();
    delivery.add(consumer('s', 'video', 'screen', 'L3T3_KEY'));
    viewing.put({}, tile({ producerId: 'screen', height: 90, isLarge: true }));

    expect(await asked()).toEqual([{ method: 'consumer.resume', consumerIds: ['s'] }]);
  });

  it('puts a screen beside another one before every camera', async () => {
    const { viewing, delivery, asked } = open();
    delivery.add(screen);
    await asked();
    viewing.put({}, tile({ producerId: 'screen', height: 200 }));

    expect(await asked()).toEqual([{ method: 'consumer.setPriority', consumerId: 's', priority: 220 }]);
  });

  it('pauses what nobody sees, resumes it at once, and never a voice', async () => {
    const { viewing, delivery, asked } = open();
    const key = {};
    viewing.put(key, tile());
    delivery.add(voice);
    delivery.add(camera);
    await asked();

    viewing.put(key, null);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await asked()).toEqual([{ method: 'consumer.pause', consumerIds: ['c'] }]);

    viewing.put(key, tile());
    expect(await asked()).toEqual([{ method: 'consumer.resume', consumerIds: ['c'] }]);
  });

  it('says on a new transport that a video which can not be seen stays paused', async () => {
    const { viewing, delivery, asked } = open();
    viewing.put({}, tile({ visibility: 'hidden' }));
    await vi.advanceTimersByTimeAsync(1_000);

    delivery.add(camera);

    expect(await asked()).toEqual([{ method: 'consumer.pause', consumerIds: ['c'] }]);
  });

  it('asks for everything again after the socket was away', async () => {
    const { viewing, delivery, asked } = open();
    viewing.put({}, tile());
    delivery.add(camera);
    delivery.add(voice);
    await asked();

    delivery.repeat();

    expect(await asked()).toEqual([
      { method: 'consumer.setPriority', consumerId: 'c', priority: 100 },
      { method: 'consumer.setPreferredLayers', consumerId: 'c', spatialLayer: 0 },
      { method: 'consumer.resume', consumerIds: ['v', 'c'] },
    ]);
  });

  it('asks again for what the server refused for a while, until it takes it', async () => {
    const server = { refusal: 'unavailable' as string | null };
    const { viewing, delivery, asked } = open(server);
    viewing.put({}, tile({ producerId: 'screen' }));
    delivery.add(voice);
    delivery.add(screen);
    await asked();

    await vi.advanceTimersByTimeAsync(1_000);
    expect(await asked()).toContainEqual({ method: 'consumer.resume', consumerIds: ['s', 'v'] });

    server.refusal = null;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await asked()).toContainEqual({ method: 'consumer.resume', consumerIds: ['s', 'v'] });

    await vi.advanceTimersByTimeAsync(60_000);
    expect((await asked()).filter((request) => (request as { method: string }).method === 'consumer.resume')).toEqual([]);
  });

  it('asks a refused video as it is wished by then', async () => {
    const server = { refusal: 'unavailable' as string | null };
    const { viewing, delivery, asked } = open(server);
    const key = {};
    viewing.put(key, tile());
    delivery.add(camera);
    await asked();
    viewing.put(key, null);
    await vi.advanceTimersByTimeAsync(1_000);
    await asked();

    server.refusal = null;
    await vi.advanceTimersByTimeAsync(2_000);

    expect(await asked()).toEqual([{ method: 'consumer.pause', consumerIds: ['c'] }]);
  });

  it.each(['connection_lost', 'not_found', 'closed'])('does not ask again after %s', async (code) => {
    const { delivery, asked } = open({ refusal: code });
    delivery.add(voice);
    await asked();

    await vi.advanceTimersByTimeAsync(60_000);

    expect(await asked()).toEqual([]);
  });

  it('asks no more for a consumer or a transport that is gone', async () => {
    const { delivery, asked } = open({ refusal: 'unavailable' });
    delivery.add(voice);
    delivery.add(consumer('v2', 'audio', 'microphone'));
    await asked();

    delivery.remove('v');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await asked()).toEqual([{ method: 'consumer.resume', consumerIds: ['v2'] }]);

    delivery.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await asked()).toEqual([]);
  });
});
