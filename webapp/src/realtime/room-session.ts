import type { types } from 'mediasoup-client';
import type { AlertPost, AlertStep, Notification, Welcome } from '@/api/generated/signaling';
import { newId } from '@/lib/ids';
import { applyEvent, applyFeedPage, applyWelcome } from './apply-event';
import { capture, type Devices } from './capture';
import { LocalMediaControls } from './local-media';
import { MediaSession } from './media-session';
import { EarlySocket, type OpeningSocket } from './early-socket';
import { createRoomStore, othersProducerIds, type RoomStore } from './room-store';
import { Renewal, type TokenSource } from './renewal';
import { countsOf, qualityOf, type Counts } from './quality';
import { browserSocket, SignalingClient, type EndReason, type Ticket } from './signaling-client';
import { Viewing } from './viewing';

/** What `POST …/join` answers, as far as the room needs it. */
export interface JoinTicket extends Ticket {
  rtpCapabilities: unknown;
}

export interface RoomSessionOptions {
  /** `POST …/join`; called again when the resume token is no longer taken. */
  join(): Promise<JoinTicket>;
  createDevice(): Promise<types.Device>;
  /** Where the socket will probably lead; it opens beside the join. Null: nobody knows. */
  signalingUrl?: string | null;
  /** Who is here goes on by each next token. */
  tokens?: TokenSource;
  devices?: Devices;
  captureTrack?: typeof capture;
  createSocket?: (url: string) => OpeningSocket;
}

export type StepDraft = Omit<AlertStep, 'id' | 'method' | 'stepId'>;
export type AlertDraft = Omit<AlertPost, 'id' | 'method' | 'alertId'>;

const QUALITY_EVERY_MS = 2_000;
/** A push on its way usually closes the hole by itself. */
const HOLE_PATIENCE_MS = 150;
const PAGE = 200;
/** How long the thread is left to ICE once the negotiation is done: beside a drawing it takes 90 ms instead of 10. */
const ICE_HEAD_START_MS = 25;
/** How long a welcome may wait for its media before it is drawn without. */
const DRAW_PATIENCE_MS = 250;

/** One open room: the socket, the media and the store they fill. Whoever makes it closes it. */
export class RoomSession {
  readonly store: RoomStore = createRoomStore();
  readonly local: LocalMediaControls;
  /** What of the videos can be seen; the tiles on the page keep it true. */
  readonly viewing = new Viewing();
  private early: EarlySocket | null = null;
  private client: SignalingClient | null = null;
  private media: MediaSession | null = null;
  private isReadingFeed = false;
  private undrawn: Welcome | null = null;
  private counts: Counts | null = null;
  private isClosed = false;
  private qualityTimer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly options: RoomSessionOptions) {
    this.local = new LocalMediaControls(
      this.store,
      () => this.media,
      options.captureTrack ?? capture,
      options.devices ?? { microphoneId: null, cameraId: null },
    );
  }

  /**
   * Join: everything that can run side by side does. Resolves when the hello is out, or will be as soon as the socket opens;
   * all after it is told by the store's `phase`. After `close` it does nothing.
   *
   * @throws what `join` throws the first time, so that the page can say why the door stayed shut.
   */
  async start(): Promise<void> {
    if (this.isOver()) return;
    const { tokens, createSocket: create = browserSocket } = this.options;
    const renewal = tokens && new Renewal(tokens);
    const early = (this.early = new EarlySocket(this.options.signalingUrl ?? null, create));
    const [ticket, device] = await early.beside(Promise.all([this.options.join(), this.options.createDevice()]));
    if (this.isOver()) return;
    // The server carries them sealed; they are the routers' capabilities as mediasoup wrote them.
    const loading = device.load({ routerRtpCapabilities: ticket.rtpCapabilities as types.RtpCapabilities });
    this.client = new SignalingClient({
      rtpCapabilities: loading.then(() => device.recvRtpCapabilities),
      rejoin: () => this.options.join(),
      resumeFrom: () => this.resumeFrom(),
      onWelcome: (welcome) => this.hearWelcome(welcome, device),
      onNotification: (notification) => this.hear(notification),
      onReconnecting: () => this.store.setState((state) => ({ phase: 'reconnecting', lostAt: state.lostAt ?? Date.now() })),
      onEnd: (reason) => this.end(reason),
      renewal,
      createSocket: (url) => early.take(url) ?? create(url),
    });
    this.client.start(ticket);
    // A browser that fails here ends the session: the store says so.
    await loading.catch(() => undefined);
  }

  /** Say something. Shown at once as on its way; the feed's entry replaces it. */
  async say(text: string): Promise<void> {
    await this.sendChat(newId(), text);
  }

  /** Send a failed line again, with its own id, so that it can't stand there twice. */
  async sayAgain(id: string): Promise<void> {
    const failed = this.store.getState().outgoing.find((one) => one.id === id);
    if (failed) await this.sendChat(id, failed.text);
  }

  /** Post a trade idea; resolves when it is committed. Never shown before. */
  async postAlert(draft: AlertDraft): Promise<void> {
    await this.requireClient().requestDurably('alert.post', { alertId: newId(), ...draft }, 20_000);
  }

  /** Say what happened to an alert; resolves when it is committed. */
  async stepAlert(draft: StepDraft): Promise<void> {
    await this.requireClient().requestDurably('alert.step', { stepId: newId(), ...draft }, 20_000);
  }

  async removeParticipant(participantId: string): Promise<void> {
    await this.requireClient().request('participant.remove', { participantId });
  }

  /** Sound of a source of someone, 0-1, now. */
  levelOf(producerId: string): number {
    return this.media?.levelOf(producerId) ?? 0;
  }

  tryNow(): void { this.client?.tryNow(); }

  dismissBack(): void {
    this.store.setState({ backAfterMs: null });
  }

  /** Leave, and let go of every device. May be called twice. */
  close(): void {
    if (this.isClosed) return;
    this.client?.leave();
    this.end('left');
  }

  private requireClient(): SignalingClient {
    if (!this.client) throw new Error('The room is not open yet.');
    return this.client;
  }

  private isOver(): boolean { return this.isClosed; }

  private async sendChat(id: string, text: string): Promise<void> {
    const line = { id, kind: 'chat' as const, text, hasFailed: false };
    this.store.setState(({ outgoing }) => ({ outgoing: [...outgoing.filter((one) => one.id !== id), line] }));
    try {
      const { seq } = await this.requireClient().requestDurably('chat.post', { messageId: id, text });
      // Its push may be lost; the hole is seen and read.
      this.store.setState((state) => applyFeedPage(state, [], seq));
      this.repairFeed();
    } catch (error) {
      this.store.setState(({ outgoing }) => ({
        outgoing: outgoing.map((one) => (one.id === id ? { ...one, hasFailed: true } : one)),
      }));
      throw error;
    }
  }

  private resumeFrom(): { afterSeq: number | null; keepMedia: boolean } {
    this.draw();
    const { facts, feed } = this.store.getState();
    return { afterSeq: facts ? feed.lastSeq : null, keepMedia: this.media?.isUsable ?? false };
  }

  private hearWelcome(welcome: Welcome, device: types.Device): void {
    const { client } = this;
    if (this.isClosed || !client) return;
    this.media ??= new MediaSession(device, client.request.bind(client), {
      onTracks: (tracks) => {
        this.store.setState({ tracks });
        if (tracks.length > 0) setTimeout(() => this.draw(), ICE_HEAD_START_MS);
      },
      onRefused: (ids) =>
        this.store.setState((state) => ({ refusedProducerIds: [...new Set([...state.refusedProducerIds, ...ids])] })),
      onLocalEnded: (source) => this.local.switchOff(source),
      othersProducerIds: () => othersProducerIds(this.store.getState()),
    }, this.viewing);
    // Media first: drawing the room takes tens of milliseconds of the one thread, so it waits until the negotiation is done.
    this.undrawn = welcome;
    this.media.welcome(welcome);
    setTimeout(() => this.draw(), welcome.consumers.length > 0 ? DRAW_PATIENCE_MS : 0);
    this.qualityTimer ??= setInterval(() => void this.measure(), QUALITY_EVERY_MS);
  }

  /** Put the newest welcome into the store; whatever comes after it must find it there. */
  private draw(): void {
    const welcome = this.undrawn;
    this.undrawn = null;
    if (!welcome || this.isClosed) return;
    this.store.setState((state) => applyWelcome(state, welcome, Date.now()));
    this.repairFeed();
  }

  private hear(notification: Notification): void {
    this.draw();
    this.store.setState((state) => applyEvent(state, notification));
    this.media?.hear(notification);
    if (notification.method === 'resync') this.media?.checkConsumers();
    this.repairFeed();
  }

  /** Read the feed while somebody knows of entries that are not here. */
  private repairFeed(): void {
    const { feed } = this.store.getState();
    if (this.isReadingFeed || feed.knownSeq <= feed.lastSeq) return;
    this.isReadingFeed = true;
    setTimeout(() => void this.readFeed().finally(() => (this.isReadingFeed = false)), HOLE_PATIENCE_MS);
  }

  private async readFeed(): Promise<void> {
    for (;;) {
      const { feed } = this.store.getState();
      if (this.isClosed || feed.knownSeq <= feed.lastSeq) return;
      try {
        const page = await this.requireClient().requestDurably('feed.read', { after: feed.lastSeq, limit: PAGE });
        this.store.setState((state) => applyFeedPage(state, page.events, page.lastSeq));
        // Told of something that is not there (yet): the next ping asks again.
        if (page.events.length === 0) return;
      } catch {
        return;
      }
    }
  }

  private async measure(): Promise<void> {
    const report = await this.media?.stats();
    if (!report || this.isClosed) return;
    const counts = countsOf(report);
    this.store.setState({ quality: qualityOf(this.counts, counts) });
    this.counts = counts;
  }

  private end(reason: EndReason): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.qualityTimer) clearInterval(this.qualityTimer);
    this.early?.drop();
    this.local.forget();
    this.media?.close();
    this.viewing.close();
    this.store.setState({ phase: 'ended', end: reason, lostAt: null });
  }
}
