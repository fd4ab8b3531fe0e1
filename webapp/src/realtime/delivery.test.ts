import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { types } from 'mediasoup-client';
import type { ConsumerData } from './consume-options';
import { Delivery } from './delivery';
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

function open(): { viewing: Viewing; delivery: Delivery; asked: () => Promise<unknown[]> } {
  const requests: unknown[] = [];
  const wire = {
    request: (method: string, body: object) => {
      requests.push({ method, ...body });
      return Promise.resolve({});
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

  it('keeps a video paused on a new transport while it can not be seen', async () => {
    const { viewing, delivery, asked } = open();
    viewing.put({}, tile({ visibility: 'hidden' }));
    await vi.advanceTimersByTimeAsync(1_000);

    delivery.add(camera);

    expect(await asked()).toEqual([]);
  });

  it('asks for everything again after the socket was away', async () => {
    const { viewing, delivery, asked } = open();
    viewing.put({}, tile());
    delivery.add(camera);
    await asked();

    delivery.repeat();

    expect(await asked()).toEqual([
      { method: 'consumer.setPriority', consumerId: 'c', priority: 100 },
      { method: 'consumer.setPreferredLayers', consumerId: 'c', spatialLayer: 0 },
      { method: 'consumer.resume', consumerIds: ['c'] },
    ]);
  });
});
