import type { types } from 'mediasoup-client';
import type { Notification, ProducerView, Welcome } from '@/api/generated/signaling';
import { codeOf } from '@/lib/errors';
import type { MediaWire } from './media-wire';
import type { Source } from './publishing';
import { Receiver } from './receiver';
import type { RemoteTrack } from './remote-track';
import { Sender } from './sender';
import { iceServersOf } from './transports';
import type { Viewing } from './viewing';

export interface MediaHooks {
  onTracks: (tracks: RemoteTrack[]) => void;
  /** Producers this browser can't decode. */
  onRefused: (producerIds: string[]) => void;
  onLocalEnded: (source: Source) => void;
  /** Live producers of everyone else, as the room knows them now. */
  othersProducerIds: () => string[];
}

const REPAIR_AFTER_MS = 1_000;
const REPAIR_MAX_MS = 5_000;
const RETRY_MS = 200;
const RETRY_MAX_MS = 1_500;

/** The media of one participant: one Device, a receive and a send transport, and what rebuilds them. */
export class MediaSession {
  private readonly wire: MediaWire;
  private readonly receiver: Receiver;
  private readonly sender: Sender;
  private iceServers: RTCIceServer[] = [];
  private refused = new Set<string>();
  private rebuilding = { receiver: 0, sender: 0 };
  private repair: ReturnType<typeof setTimeout> | null = null;
  private isClosed = false;

  constructor(
    device: types.Device,
    request: MediaWire['request'],
    private readonly hooks: MediaHooks,
    viewing: Viewing,
  ) {
    this.wire = {
      request,
      onReceiverLost: () => void this.rebuildReceiver(),
      onSenderLost: () => void this.rebuildSender(),
      onLocalEnded: (source) => hooks.onLocalEnded(source),
    };
    this.receiver = new Receiver(device, this.wire, hooks.onTracks, (ids) => this.refuse(ids), viewing);
    this.sender = new Sender(device, this.wire, () => this.iceServers);
  }

  /** Whether the peer connections may be kept over a lost socket. */
  get isUsable(): boolean {
    return this.receiver.isUsable && this.sender.isUsable;
  }

  /** First hello or resume. Nothing here waits before the consumers are on their way. */
  welcome(welcome: Welcome): void {
    this.iceServers = iceServersOf(welcome.iceServers);
    this.refused = new Set(welcome.refusedProducerIds);
    const own = welcome.participants.find(({ id }) => id === welcome.participantId)?.producers ?? [];
    if (welcome.recvTransport) {
      this.rebuilding.receiver++;
      this.receiver.open(welcome.recvTransport, this.iceServers, welcome.consumers);
      if (this.sender.isActive) void this.rebuildSender();
    } else if (welcome.mediaKept) {
      this.keep(welcome, own);
    } else {
      void this.rebuildReceiver();
      if (this.sender.isActive) void this.rebuildSender();
    }
    this.scheduleRepair();
  }

  /** What of the notifications touches media. */
  hear(notification: Notification): void {
    switch (notification.method) {
      case 'consumer.offered':
        this.receiver.consume([notification.consumer]);
        break;
      case 'consumer.closed':
        this.receiver.drop({ consumerId: notification.consumerId });
        // Its producer may live on.
        this.scheduleRepair();
        break;
      case 'producer.opened':
        this.scheduleRepair();
        break;
      case 'producer.closed':
        this.receiver.drop({ producerId: notification.producerId });
        this.sender.republish(notification.producerId).catch(() => undefined);
        break;
      case 'producer.layersWanted':
        this.sender.limit(notification.producerId, notification.spatialLayer ?? null).catch(() => undefined);
        break;
      case 'transport.closed':
        if (notification.transportId === this.receiver.transportId) void this.rebuildReceiver();
        if (notification.transportId === this.sender.transportId) void this.rebuildSender();
        this.receiver.letGo(notification.transportId);
        this.sender.letGo(notification.transportId);
        break;
      case 'media.moving':
        void this.move(notification.epoch);
        break;
      case 'media.reset':
        void this.rebuildReceiver();
        void this.rebuildSender();
        break;
    }
  }

  /** Publish a track; a lost connection is no failure, the next welcome publishes it. */
  async publish(source: Source, track: MediaStreamTrack, isPaused: boolean): Promise<void> {
    try {
      await this.sender.publish(source, track, isPaused);
    } catch (error) {
      if (isPassing(error)) return;
      await this.unpublish(source);
      throw error;
    }
  }

  async setPaused(source: Source, isPaused: boolean): Promise<void> {
    try {
      await this.sender.setPaused(source, isPaused);
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  async unpublish(source: Source): Promise<void> {
    // Locally it is gone at once; the server forgets it now, or when the transport goes.
    await this.sender.unpublish(source).catch(() => undefined);
  }

  /** Look whether every live producer is consumed; after pushes were dropped. */
  checkConsumers(): void {
    this.receiver.keepOnly(new Set(this.hooks.othersProducerIds()));
    this.scheduleRepair();
  }

  levelOf(producerId: string): number {
    return this.receiver.levelOf(producerId);
  }

  /** Statistics of what is received; of what is sent, while nothing is received. */
  async stats(): Promise<RTCStatsReport | null> {
    return this.receiver.isIdle ? this.sender.stats() : this.receiver.stats();
  }

  close(): void {
    this.isClosed = true;
    if (this.repair) clearTimeout(this.repair);
    this.receiver.close();
    this.sender.close();
  }

  private keep(welcome: Welcome, own: ProducerView[]): void {
    const others = welcome.participants.filter(({ id }) => id !== welcome.participantId);
    this.receiver.keepOnly(new Set(others.flatMap(({ producers }) => producers ?? []).map(({ id }) => id)));
    this.receiver.consume(welcome.consumers);
    this.receiver.repeatWishes();
    this.sender.reconcile(own).catch((error: unknown) => {
      if (!isPassing(error)) void this.rebuildSender();
    });
  }

  private refuse(producerIds: string[]): void {
    for (const id of producerIds) this.refused.add(id);
    if (producerIds.length > 0) this.hooks.onRefused(producerIds);
  }

  /** The room goes to another node: everything new first, and what is shown or sent now until that stands. */
  private async move(epoch: number): Promise<void> {
    const moved = { receiver: false, sender: false };
    await Promise.all([
      this.persist('receiver', async () => {
        moved.receiver = await this.receiver.move(this.hooks.othersProducerIds(), this.iceServers);
      }),
      this.persist('sender', async (isRepeat) => {
        // A second `move` would leave the new transport, and what is published on it already.
        await (isRepeat ? this.sender.publishMissing() : this.sender.move());
        moved.sender = true;
      }),
    ]);
    if (this.isClosed || !moved.receiver || !moved.sender) return;
    this.receiver.letGo();
    this.wire.request('media.moved', { epoch }).catch(() => undefined);
  }

  private async rebuildReceiver(): Promise<void> {
    await this.persist('receiver', async () => {
      await this.receiver.rebuild(this.hooks.othersProducerIds(), this.iceServers);
      this.scheduleRepair();
    });
  }

  private async rebuildSender(): Promise<void> {
    await this.persist('sender', () => this.sender.rebuild());
  }

  /** Try until it works, a newer attempt begins, or the socket is lost (its welcome begins anew). */
  private async persist(what: 'receiver' | 'sender', attempt: (isRepeat: boolean) => Promise<void>): Promise<void> {
    const turn = ++this.rebuilding[what];
    for (let failures = 0; !this.isClosed && turn === this.rebuilding[what]; failures++) {
      try {
        await attempt(failures > 0); return;
      } catch (error) {
        if (codeOf(error) === 'connection_lost') return;
        await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failures)));
      }
    }
  }

  /** An offer can be lost, or come while there was no transport: look once more in a moment. */
  private scheduleRepair(afterMs = REPAIR_AFTER_MS): void {
    this.repair ??= setTimeout(() => {
      this.repair = null;
      if (this.isClosed) return;
      const missing = this.hooks.othersProducerIds().filter((id) => !this.receiver.has(id) && !this.refused.has(id));
      if (missing.length === 0) return;
      this.receiver.consumeMissing(missing).catch((error: unknown) => {
        const code = codeOf(error);
        // After these a welcome or a new transport looks anew.
        if (code === 'connection_lost' || code === 'not_found' || this.isClosed) return;
        this.scheduleRepair(Math.min(REPAIR_MAX_MS, 2 * afterMs));
      });
    }, afterMs);
  }
}

function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'connection_lost' || code === 'timeout' || code === 'unavailable';
}
