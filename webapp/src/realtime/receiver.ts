import type { types } from 'mediasoup-client';
import type { ConsumerOptions, TransportOptions } from '@/api/generated/signaling';
import { newId } from '@/lib/ids';
import type { MediaWire } from './media-wire';
import type { Source } from './publishing';
import { sealed, transportOptions, watchTransport } from './transports';

/** A track of someone else, as it can be shown. */
export interface RemoteTrack {
  consumerId: string;
  producerId: string;
  participantId: string;
  kind: 'audio' | 'video';
  source: Source;
  track: MediaStreamTrack;
}

/** The receive transport and its consumers. Rebuilds itself when the transport is lost. */
export class Receiver {
  private transport: types.Transport | null = null;
  private readonly consumers = new Map<string, types.Consumer<ConsumerData>>();
  /** Rises with every transport, so that work for an older one stops by itself. */
  private generation = 0;

  constructor(
    private readonly device: types.Device,
    private readonly wire: MediaWire,
    private readonly onTracks: (tracks: RemoteTrack[]) => void,
    private readonly onRefused: (producerIds: string[]) => void,
  ) {}

  get isUsable(): boolean {
    return this.transport !== null && !this.transport.closed && this.transport.connectionState !== 'failed';
  }

  get isIdle(): boolean {
    return this.consumers.size === 0;
  }

  get transportId(): string | null {
    return this.transport?.id ?? null;
  }

  /** A new transport with these consumers; whatever was there goes. */
  open(options: TransportOptions, iceServers: RTCIceServer[], consumers: ConsumerOptions[]): void {
    this.close();
    const generation = this.generation;
    const transport = this.device.createRecvTransport(transportOptions(options, iceServers));
    this.transport = transport;
    watchTransport(transport, this.wire, () => {
      if (generation === this.generation) this.wire.onReceiverLost();
    });
    this.consume(consumers);
  }

  /** Attach consumers and let them flow, all in one negotiation and one request. Known ones are only resumed. */
  consume(offers: ConsumerOptions[]): void {
    const { transport, generation } = this;
    if (!transport || offers.length === 0) return;
    const fresh = offers.filter((offer) => !this.consumers.has(offer.id) && !this.has(offer.producerId));
    const consuming = fresh.map((offer) => transport.consume<ConsumerData>(consumeOptions(offer)));
    void Promise.all(consuming).then(
      (attached) => {
        if (generation !== this.generation) return;
        for (const consumer of attached) this.consumers.set(consumer.id, consumer);
        this.tell();
        // Not waiting for "connected": the worker asks for a key frame by itself once DTLS stands.
        this.wire.request('consumer.resume', { consumerIds: offers.map((offer) => offer.id) }).catch(() => undefined);
      },
      () => {
        if (generation === this.generation) this.wire.onReceiverLost();
      },
    );
  }

  /** Ask for a new transport and consume these producers on it. Resolves false when a newer one took its place. */
  async rebuild(producerIds: string[], iceServers: RTCIceServer[]): Promise<boolean> {
    this.close();
    const generation = this.generation;
    const { transport } = await this.wire.request('transport.create', { transportId: newId(), direction: 'recv' });
    if (generation !== this.generation) return false;
    const answer = await this.wire.request('consumer.create', { transportId: transport.id, producerIds });
    // Read again after waiting: another rebuild may have begun.
    if (this.isOutdated(generation)) return false;
    this.open(transport, iceServers, answer.consumers ?? []);
    this.onRefused(answer.refusedProducerIds ?? []);
    return true;
  }

  /** A consumer or producer is gone. */
  drop(gone: { consumerId?: string; producerId?: string }): void {
    for (const consumer of this.consumers.values()) {
      if (consumer.id !== gone.consumerId && consumer.producerId !== gone.producerId) continue;
      consumer.close();
      this.consumers.delete(consumer.id);
      this.tell();
    }
  }

  /** Keep only consumers of producers that still live. */
  keepOnly(producerIds: ReadonlySet<string>): void {
    for (const { producerId } of [...this.consumers.values()]) if (!producerIds.has(producerId)) this.drop({ producerId });
  }

  /** Whether a producer is consumed already. */
  has(producerId: string): boolean {
    return [...this.consumers.values()].some((consumer) => consumer.producerId === producerId);
  }

  /** Ask for consumers of producers that nobody offered: a push can be lost. */
  async consumeMissing(producerIds: string[]): Promise<void> {
    const { transport, generation } = this;
    if (!transport) return;
    const answer = await this.wire.request('consumer.create', { transportId: transport.id, producerIds });
    if (this.isOutdated(generation)) return;
    this.consume(answer.consumers ?? []);
    this.onRefused(answer.refusedProducerIds ?? []);
  }

  /** Sound of a producer now, 0-1; 0 when nothing plays. */
  levelOf(producerId: string): number {
    for (const consumer of this.consumers.values()) {
      if (consumer.producerId === producerId) return consumer.rtpReceiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
    }
    return 0;
  }

  /** Statistics of the transport; null while there is none. */
  async stats(): Promise<RTCStatsReport | null> {
    return this.transport && !this.transport.closed ? this.transport.getStats() : null;
  }

  close(): void {
    this.generation++;
    this.consumers.clear();
    this.transport?.close();
    this.transport = null;
    this.tell();
  }

  private isOutdated(generation: number): boolean {
    return generation !== this.generation;
  }

  private tell(): void {
    this.onTracks(
      [...this.consumers.values()].map(({ id, producerId, kind, track, appData }) => ({
        consumerId: id,
        producerId,
        kind,
        track,
        participantId: appData.participantId,
        source: appData.source,
      })),
    );
  }
}

interface ConsumerData extends Record<string, unknown> {
  participantId: string;
  source: Source;
}

function consumeOptions(offer: ConsumerOptions): types.ConsumerOptions<ConsumerData> {
  return {
    id: offer.id,
    producerId: offer.producerId,
    kind: offer.kind,
    rtpParameters: sealed<types.RtpParameters>(offer.rtpParameters),
    // Face and voice play in step; the screen must not wait for either.
    streamId: `${offer.participantId}-${offer.source === 'screen' ? 'screen' : 'person'}`,
    appData: { participantId: offer.participantId, source: offer.source },
  };
}
