import type { types } from 'mediasoup-client';
import type { ProducerView } from '@/api/generated/signaling';
import { newId } from '@/lib/ids';
import { limitEncodings, prefer } from './encoding-limits';
import type { MediaWire } from './media-wire';
import { planFor, type Source } from './publishing';
import { transportOptions, watchTransport } from './transports';

interface ProducerData extends Record<string, unknown> {
  source: Source;
  producerId: string;
  isPaused: boolean;
}

interface Published {
  track: MediaStreamTrack;
  isPaused: boolean;
  producer: types.Producer<ProducerData> | null;
  /** The id it is published under on the transport it moves away from, and shall be on the next. */
  movingId: string | null;
  /** Changes of the encoder's parameters, one after the other: each is made from what the last one left. */
  tuning: Promise<void>;
}

/** What we send: the tracks stay ours over any number of transports, so that nobody is asked for permission twice. */
export class Sender {
  private readonly published = new Map<Source, Published>();
  private opening: Promise<types.Transport> | null = null;
  private transport: types.Transport | null = null;
  /** Sends on while the media moves, until the server says that nobody needs it. */
  private leaving: types.Transport | null = null;
  private generation = 0;

  constructor(
    private readonly device: types.Device,
    private readonly wire: MediaWire,
    private readonly iceServers: () => RTCIceServer[],
  ) {}

  get isActive(): boolean {
    return this.published.size > 0;
  }

  get transportId(): string | null {
    return this.transport?.id ?? null;
  }

  get isUsable(): boolean {
    return this.transport === null || (!this.transport.closed && this.transport.connectionState !== 'failed');
  }

  async stats(): Promise<RTCStatsReport | null> {
    return this.transport && !this.transport.closed ? this.transport.getStats() : null;
  }

  /** Publish a track. It stays ours when this fails: the caller decides whether to stop it. */
  async publish(source: Source, track: MediaStreamTrack, isPaused = false): Promise<void> {
    track.onended = () => this.wire.onLocalEnded(source);
    const entry: Published = { track, isPaused, producer: null, movingId: null, tuning: Promise.resolve() };
    this.published.set(source, entry);
    const { generation } = this;
    try {
      await this.produce(source, entry);
    } catch (error) {
      // A rebuild came in between and publishes it instead.
      if (generation === this.generation) throw error;
    }
  }

  /** Mute or unmute here at once, and tell the room; what the socket loses is repaired by `reconcile`. */
  async setPaused(source: Source, isPaused: boolean): Promise<void> {
    const entry = this.published.get(source);
    if (!entry) return;
    entry.isPaused = isPaused;
    entry.track.enabled = !isPaused;
    const { producer } = entry;
    if (!producer) return;
    if (isPaused) producer.pause();
    else producer.resume();
    await this.wire.request(isPaused ? 'producer.pause' : 'producer.resume', { producerId: producer.id });
  }

  /** Stop publishing and let go of the device. */
  async unpublish(source: Source): Promise<void> {
    const entry = this.published.get(source);
    if (!entry) return;
    this.published.delete(source);
    entry.track.onended = null;
    entry.track.stop();
    const producerId = entry.producer?.id ?? entry.movingId;
    entry.producer?.close();
    if (!producerId) return;
    await this.wire.request('producer.close', { producerId });
  }

  /** A new transport, and everything published again as it was: same tracks, same mute. */
  async rebuild(): Promise<void> {
    this.dropTransport();
    await this.publishMissing();
  }

  /** The same tracks under the same ids on a new transport; the old one sends on until `letGo`. What fails: `publishMissing`. */
  async move(): Promise<void> {
    if (this.transport) {
      this.leaving?.close();
      this.leaving = this.transport;
    }
    this.generation++;
    this.opening = null;
    this.transport = null;
    for (const entry of this.published.values()) {
      entry.movingId = entry.producer?.id ?? entry.movingId;
      entry.producer = null;
    }
    await this.publishMissing();
  }

  /** The server has closed the transport that sent on. */
  letGo(transportId: string): void {
    if (this.leaving?.id !== transportId) return;
    this.leaving.close();
    this.leaving = null;
  }

  /** After a resume: publish what the room lost meanwhile, and bring mute states in step. */
  async reconcile(known: readonly ProducerView[]): Promise<void> {
    const byId = new Map(known.map((producer) => [producer.id, producer]));
    for (const entry of this.published.values()) {
      const { producer } = entry;
      if (!producer) continue;
      const view = byId.get(producer.id);
      if (!view) {
        producer.close();
        entry.producer = null;
      } else if ((view.paused ?? false) !== entry.isPaused) {
        await this.wire.request(entry.isPaused ? 'producer.pause' : 'producer.resume', { producerId: producer.id });
      }
    }
    await this.publishMissing();
  }

  /** Our own producer was closed by the media plane, while its transport stands: publish it again. */
  async republish(producerId: string): Promise<void> {
    for (const entry of this.published.values()) {
      if (entry.producer?.id !== producerId) continue;
      entry.producer.close();
      entry.producer = null;
      await this.publishMissing();
    }
  }

  /** Encode only the layers of a video that somebody watches: up to `highest`, none for null. */
  async limit(producerId: string, highest: number | null): Promise<void> {
    const entry = [...this.published.values()].find(({ producer }) => producer?.id === producerId);
    if (entry) await this.tune(entry, (sender) => limitEncodings(sender, highest));
  }

  /** Let go of everything, devices too. */
  close(): void {
    for (const { track } of this.published.values()) {
      track.onended = null;
      track.stop();
    }
    this.published.clear();
    this.dropTransport();
  }

  private async tune(entry: Published, change: (sender: RTCRtpSender) => Promise<void>): Promise<void> {
    const sender = entry.producer?.rtpSender;
    if (!sender) return;
    await (entry.tuning = entry.tuning.catch(() => undefined).then(() => change(sender)));
  }

  /** Publish on the transport that stands, or a new one, whatever is not; a move that failed goes on by it, never by another `move`. */
  async publishMissing(): Promise<void> {
    for (const [source, entry] of this.published) if (!entry.producer) await this.produce(source, entry);
  }

  private async produce(source: Source, entry: Published): Promise<void> {
    const transport = await (this.opening ??= this.openTransport());
    const { track, isPaused } = entry;
    const plan = planFor(source, this.device.sendRtpCapabilities.codecs ?? [], track.getSettings().height);
    track.contentHint = plan.contentHint;
    track.enabled = !isPaused;
    const producer = await transport.produce<ProducerData>({
      track,
      // Ours to stop: a rebuilt transport publishes the same track again.
      stopTracks: false,
      ...(plan.codec && { codec: plan.codec }),
      ...(plan.encodings && { encodings: plan.encodings }),
      ...(plan.codecOptions && { codecOptions: plan.codecOptions }),
      appData: { source, producerId: entry.movingId ?? newId(), isPaused },
    });
    entry.movingId = null;
    if (this.published.get(source) !== entry) {
      // Switched off while it was being published.
      producer.close();
      await this.wire.request('producer.close', { producerId: producer.id });
      return;
    }
    entry.producer = producer;
    producer.on('transportclose', () => {
      // After a move it is the next transport's already.
      if (entry.producer === producer) entry.producer = null;
    });
    if (entry.isPaused !== isPaused) await this.setPaused(source, entry.isPaused);
    else if (isPaused) producer.pause();
    const { degradationPreference } = plan;
    if (degradationPreference) await this.tune(entry, (sender) => prefer(sender, degradationPreference));
  }

  private async openTransport(): Promise<types.Transport> {
    const generation = this.generation;
    try {
      const answer = await this.wire.request('transport.create', { transportId: newId(), direction: 'send' });
      const transport = this.device.createSendTransport(transportOptions(answer.transport, this.iceServers()));
      if (generation !== this.generation) {
        transport.close();
        throw new Error('A newer transport took its place.');
      }
      this.transport = transport;
      watchTransport(transport, this.wire, () => {
        if (generation === this.generation) this.wire.onSenderLost();
      });
      transport.on('produce', ({ kind, rtpParameters, appData }, done, fail) => {
        const { source, producerId, isPaused } = appData as ProducerData;
        this.wire
          .request('producer.create', { transportId: transport.id, producerId, kind, source, rtpParameters, paused: isPaused })
          .then(() => done({ id: producerId }), fail);
      });
      return transport;
    } catch (error) {
      if (generation === this.generation) this.opening = null;
      throw error;
    }
  }

  private dropTransport(): void {
    this.generation++;
    this.opening = null;
    for (const entry of this.published.values()) {
      entry.producer = null;
      entry.movingId = null;
    }
    this.transport?.close();
    this.transport = null;
    this.leaving?.close();
    this.leaving = null;
  }
}
