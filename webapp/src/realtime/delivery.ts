import { parseScalabilityMode, type types } from 'mediasoup-client';
import { codeOf } from '@/lib/errors';
import type { ConsumerData } from './consume-options';
import type { MediaWire } from './media-wire';
import { layerFor, type Source } from './publishing';
import type { Viewing, Wish } from './viewing';

/** A consumer, or an offer of one. */
export type Sendable = Pick<types.Consumer<ConsumerData>, 'id' | 'kind' | 'producerId' | 'rtpParameters' | 'appData'>;

/** A video this browser is sent. `layerCount`: spatial layers it can choose from. */
interface Delivered {
  id: string;
  producerId: string;
  source: Source;
  layerCount: number;
}

/** What the server was asked of one consumer; it begins with everything, and paused until the first word (null). */
interface Asked {
  isPaused: boolean | null;
  layer: number;
  priority: number;
}

/** Who gets bits first when the link is short: screens before cameras, and of each kind what is looked at. The server's defaults are the first and the last. */
export function priorityOf(source: Source, { isLarge, height }: Wish): number {
  if (source === 'screen') return isLarge || height === 0 ? 255 : 220;
  return isLarge ? 180 : 100;
}

/** Refusals that asking again does not cure: a welcome, a new transport or a new consumer begins anew. */
const FINAL = new Set(['connection_lost', 'not_found', 'closed']);
const AGAIN_AFTER_MS = 1_000;
const AGAIN_MAX_MS = 5_000;

/** Keeps what the server sends in step with what the viewer can see. One per receive transport. */
export class Delivery {
  private readonly videos = new Map<string, { video: Delivered; asked: Asked }>();
  private readonly voices = new Set<string>();
  private readonly stop: () => void;
  /** Consumers of refused requests, to be asked for again when `again` ends. */
  private readonly refused = new Set<string>();
  private again: ReturnType<typeof setTimeout> | null = null;
  private refusals = 0;
  private isClosed = false;
  private toPause = new Set<string>();
  private toResume = new Set<string>();

  constructor(
    private readonly wire: MediaWire,
    private readonly viewing: Viewing,
  ) {
    this.stop = viewing.onChange((producerId) => {
      for (const { video } of this.videos.values()) if (video.producerId === producerId) this.adjust(video.id);
    });
  }

  /** A consumer is there, or on its way, paused as it came. Voices flow whatever can be seen. */
  add(consumer: Sendable | undefined): void {
    if (!consumer) return;
    const { id, kind, producerId, rtpParameters, appData } = consumer;
    const layerCount = parseScalabilityMode(rtpParameters.encodings?.[0]?.scalabilityMode).spatialLayers;
    if (kind === 'audio') {
      this.voices.add(id);
      this.say(id);
    } else this.addVideo({ id, producerId, source: appData.source, layerCount });
  }

  private addVideo(video: Delivered): void {
    // A pause is said too: a viewer who was never heard counts as one who watches, and the publisher encodes for them.
    const asked = { isPaused: null, layer: video.layerCount - 1, priority: video.source === 'screen' ? 255 : 100 };
    this.videos.set(video.id, { video, asked });
    this.viewing.begin(video.producerId);
    this.adjust(video.id);
  }

  remove(consumerId: string): void {
    this.videos.delete(consumerId);
    this.voices.delete(consumerId);
    this.refused.delete(consumerId);
  }

  /** The socket was away: what was asked then may be lost, so ask all of it again. */
  repeat(): void {
    for (const id of [...this.voices, ...this.videos.keys()]) this.say(id);
  }

  close(): void {
    this.isClosed = true;
    this.stop();
    if (this.again) clearTimeout(this.again);
    this.videos.clear();
    this.voices.clear();
  }

  /** All that is wished of one consumer, whatever was asked before. */
  private say(consumerId: string): void {
    if (this.voices.has(consumerId)) this.collect(consumerId, false);
    const entry = this.videos.get(consumerId);
    if (!entry) return;
    // Unlike anything that can be wished for, so that each is asked.
    entry.asked = { isPaused: null, layer: NaN, priority: NaN };
    this.adjust(consumerId);
  }

  private adjust(consumerId: string): void {
    const entry = this.videos.get(consumerId);
    if (!entry) return;
    const { video, asked } = entry;
    const wish = this.viewing.wishOf(video.producerId);
    if (asked.isPaused !== !wish.isShown) {
      asked.isPaused = !wish.isShown;
      this.collect(consumerId, asked.isPaused);
    }
    // Without a tile (it is between two places) there is nothing new to say, but what may have been lost.
    if (!wish.isShown || (wish.height === 0 && !Number.isNaN(asked.layer))) return;
    const priority = priorityOf(video.source, wish);
    if (asked.priority !== priority) {
      asked.priority = priority;
      this.ask([consumerId], 'consumer.setPriority', { consumerId, priority });
    }
    const layer = wish.height > 0 ? layerFor(wish.height, video.layerCount) : video.layerCount - 1;
    // A screen is always whole (decisions.md 1).
    if (video.source === 'screen' || video.layerCount < 2 || asked.layer === layer) return;
    asked.layer = layer;
    this.ask([consumerId], 'consumer.setPreferredLayers', { consumerId, spatialLayer: layer });
  }

  /** All that change in one turn go in one request. */
  private collect(consumerId: string, isPaused: boolean): void {
    if (this.toPause.size + this.toResume.size === 0) queueMicrotask(() => this.flush());
    (isPaused ? this.toResume : this.toPause).delete(consumerId);
    (isPaused ? this.toPause : this.toResume).add(consumerId);
  }

  private flush(): void {
    const [pause, resume] = [[...this.toPause], [...this.toResume]];
    this.toPause.clear();
    this.toResume.clear();
    if (pause.length > 0) this.ask(pause, 'consumer.pause', { consumerIds: pause });
    if (resume.length > 0) this.ask(resume, 'consumer.resume', { consumerIds: resume });
  }

  private ask(consumerIds: string[], ...[method, body]: Parameters<MediaWire['request']>): void {
    this.wire.request(method, body).then(
      () => (this.refusals = 0),
      (error: unknown) => {
        // A lost socket is repaired by `repeat`, a lost transport by a new one.
        if (!FINAL.has(codeOf(error) ?? '')) this.askAgain(consumerIds);
      },
    );
  }

  /** A node that is away for a moment: say all of it again soon, as it is wished by then. */
  private askAgain(consumerIds: string[]): void {
    if (this.isClosed) return;
    for (const id of consumerIds) this.refused.add(id);
    if (this.again) return;
    const most = Math.min(AGAIN_MAX_MS, AGAIN_AFTER_MS * 2 ** this.refusals++);
    // Spread, so that a full room does not come back in one instant.
    this.again = setTimeout(() => {
      this.again = null;
      const ids = [...this.refused];
      this.refused.clear();
      for (const id of ids) this.say(id);
    }, most * (0.75 + Math.random() / 4));
  }
}
