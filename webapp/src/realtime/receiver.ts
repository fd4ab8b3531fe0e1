import type { types } from 'mediasoup-client';
import type { ConsumerOptions, TransportOptions } from '@/api/generated/signaling';
import { newId } from '@/lib/ids';
import { consumeOptions, type ConsumerData } from './consume-options';
import { Delivery } from './delivery';
import { firstFrame } from './first-frame';
import type { MediaWire } from './media-wire';
import { remoteTrackOf, type RemoteTrack } from './remote-track';
import { transportOptions, watchTransport } from './transports';
import type { Viewing } from './viewing';

const CHANGE_OVER_LOOK_MS = 50;

/** What still plays from an older transport while the media moves to a newer one. */
interface Leaving {
  transport: types.Transport;
  consumers: Map<string, types.Consumer<ConsumerData>>;
}

/** The receive transport and its consumers. Rebuilds itself when the transport is lost. */
export class Receiver {
  private transport: types.Transport | null = null;
  private leaving: Leaving | null = null;
  /** Consumers of the newest transport that took the place of an older one. */
  private readonly arrived = new Set<string>();
  private readonly consumers = new Map<string, types.Consumer<ConsumerData>>();
  /** Of the newest transport: what plays from an older one stays as it is. */
  private delivery: Delivery | null = null;
  /** Rises with every transport, so that work for an older one stops by itself. */
  private generation = 0;

  constructor(
    private readonly device: types.Device,
    private readonly wire: MediaWire,
    private readonly onTracks: (tracks: RemoteTrack[]) => void,
    private readonly onRefused: (producerIds: string[]) => void,
    private readonly viewing: Viewing,
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
    this.attach(options, iceServers, consumers);
  }

  private attach(options: TransportOptions, iceServers: RTCIceServer[], consumers: ConsumerOptions[]): void {
    const generation = this.generation;
    const transport = this.device.createRecvTransport(transportOptions(options, iceServers));
    this.transport = transport;
    this.delivery = new Delivery(this.wire, this.viewing);
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
    const sendable = fresh.map(consumeOptions);
    // Nothing flows before DTLS stands, and then the worker asks for key frames: so ask now. Later a decoder must be there first.
    const ahead = transport.connectionState === 'new' ? sendable : [];
    for (const one of ahead) this.delivery?.add(one);
    void Promise.all(sendable.map((one) => transport.consume<ConsumerData>(one))).then(
      (attached) => {
        if (generation !== this.generation) return;
        for (const consumer of attached) {
          this.consumers.set(consumer.id, consumer);
          void this.arrive(consumer);
        }
        // One that is known and offered again is asked for again.
        for (const { id } of offers) if (!ahead.some((one) => one.id === id)) this.delivery?.add(this.consumers.get(id));
        this.tell();
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

  /**
   * Change over to a new transport while the old one plays on: each track is shown from its new consumer once that has its
   * first frame. Resolves true when nothing plays from the old one any more, false when something newer took this one's place.
   */
  async move(producerIds: string[], iceServers: RTCIceServer[]): Promise<boolean> {
    if (this.transport) {
      this.leaving?.transport.close();
      this.leaving = { transport: this.transport, consumers: new Map(this.consumers) };
    }
    const generation = ++this.generation;
    this.transport = null;
    this.forget();
    const { transport } = await this.wire.request('transport.create', { transportId: newId(), direction: 'recv' });
    if (this.isOutdated(generation)) return false;
    const answer = await this.wire.request('consumer.create', { transportId: transport.id, producerIds });
    if (this.isOutdated(generation)) return false;
    this.attach(transport, iceServers, answer.consumers ?? []);
    this.onRefused(answer.refusedProducerIds ?? []);
    while (this.leaving && this.leaving.consumers.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, CHANGE_OVER_LOOK_MS));
      if (this.isOutdated(generation)) return false;
    }
    return true;
  }

  /** An older transport may go: its tracks have changed over, or the server closed it. */
  letGo(transportId?: string): void {
    const { leaving } = this;
    if (!leaving || (transportId !== undefined && leaving.transport.id !== transportId)) return;
    this.leaving = null;
    leaving.transport.close();
    this.tell();
  }

  /** A consumer has its first frame: from now on its track is the one that is shown. */
  private async arrive(consumer: types.Consumer<ConsumerData>): Promise<void> {
    if (!this.leaving) {
      this.arrived.add(consumer.id);
      return;
    }
    await firstFrame(consumer);
    if (this.consumers.get(consumer.id) !== consumer) return;
    this.arrived.add(consumer.id);
    this.dropFrom(this.older(), ({ producerId }) => producerId === consumer.producerId);
    this.tell();
  }

  /** What plays from the older transport; read anew after waiting. */
  private older(): Leaving['consumers'] | undefined {
    return this.leaving?.consumers;
  }

  /** A consumer or producer is gone. */
  drop(gone: { consumerId?: string; producerId?: string }): void {
    const isGone = ({ id, producerId }: types.Consumer): boolean => id === gone.consumerId || producerId === gone.producerId;
    const wasHere = this.dropFrom(this.consumers, isGone);
    const wasLeaving = this.dropFrom(this.older(), isGone);
    if (wasHere || wasLeaving) this.tell();
  }

  private dropFrom(from: Leaving['consumers'] | undefined, isGone: (one: types.Consumer) => boolean): boolean {
    const gone = [...(from?.values() ?? [])].filter(isGone);
    for (const consumer of gone) {
      consumer.close();
      from?.delete(consumer.id);
      this.delivery?.remove(consumer.id);
    }
    return gone.length > 0;
  }

  /** The socket was away: what was asked of the server meanwhile may be lost. */
  repeatWishes(): void {
    this.delivery?.repeat();
  }

  /** Keep only consumers of producers that still live. */
  keepOnly(producerIds: ReadonlySet<string>): void {
    for (const { producerId } of this.shown()) if (!producerIds.has(producerId)) this.drop({ producerId });
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
    for (const consumer of this.shown()) {
      if (consumer.producerId === producerId) return consumer.rtpReceiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
    }
    return 0;
  }

  /** Statistics of the transport; null while there is none. */
  async stats(): Promise<RTCStatsReport | null> {
    const transport = this.transport ?? this.leaving?.transport;
    return transport && !transport.closed ? transport.getStats() : null;
  }

  close(): void {
    this.generation++;
    this.forget();
    this.transport?.close();
    this.transport = null;
    this.leaving?.transport.close();
    this.leaving = null;
    this.tell();
  }

  private forget(): void {
    this.delivery?.close();
    this.delivery = null;
    this.consumers.clear();
    this.arrived.clear();
  }

  private isOutdated(generation: number): boolean {
    return generation !== this.generation;
  }

  /** One consumer per producer: the newer one, unless an older one plays and the newer has no frame yet. */
  private shown(): types.Consumer<ConsumerData>[] {
    const leaving = [...(this.older()?.values() ?? [])];
    const isWaiting = (one: types.Consumer): boolean =>
      !this.arrived.has(one.id) && leaving.some(({ producerId }) => producerId === one.producerId);
    return [...leaving, ...[...this.consumers.values()].filter((one) => !isWaiting(one))];
  }

  private tell(): void {
    this.onTracks(this.shown().map(remoteTrackOf));
  }
}
