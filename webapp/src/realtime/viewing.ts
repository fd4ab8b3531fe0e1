/** How a tile is seen: on the page, not on it (scrolled away, covered by another tab), or its whole page is in the background. */
export type Visibility = 'shown' | 'hidden' | 'away';

/** A place on the page where a video is shown. `height` in device pixels, as a 16:9 picture would need it; 0: not measured. */
export interface Tile {
  producerId: string;
  visibility: Visibility;
  height: number;
  /** The picture one looks at, not one beside it. */
  isLarge: boolean;
}

/** What a viewer wants of one video. */
export interface Wish {
  isShown: boolean;
  /** Of its largest tile, device pixels; 0 while none is measured. */
  height: number;
  isLarge: boolean;
}

/** Tiles go and come when the layout changes; a video is not stopped for that. */
const HIDE_AFTER_MS = 1_000;
/** A look at another window is often short. */
const AWAY_AFTER_MS = 5_000;

/** What the viewer can see of every video: kept here, above transports and sockets, so that it outlives them. */
export class Viewing {
  private readonly tiles = new Map<object, Tile>();
  private readonly stopped = new Set<string>();
  private readonly timers = new Map<string, { at: number; timer: ReturnType<typeof setTimeout> }>();
  private readonly listeners = new Set<(producerId: string) => void>();

  /** Told of every video whose wish may have changed. Returns what ends it. */
  onChange(listener: (producerId: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  wishOf(producerId: string): Wish {
    const tiles = [...this.tiles.values()].filter((tile) => tile.producerId === producerId);
    return {
      isShown: !this.stopped.has(producerId),
      height: Math.max(0, ...tiles.map(({ height }) => height)),
      isLarge: tiles.some(({ isLarge }) => isLarge),
    };
  }

  /** A video is there: it counts as shown until it has no tile for a while. */
  begin(producerId: string): void {
    this.look(producerId);
  }

  /** A tile is there, or changed; null: it is gone. `key` is the tile's own. */
  put(key: object, tile: Tile | null): void {
    const before = this.tiles.get(key);
    if (tile) this.tiles.set(key, tile);
    else this.tiles.delete(key);
    for (const id of new Set([before?.producerId, tile?.producerId])) if (id !== undefined) this.look(id);
  }

  close(): void {
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.listeners.clear();
  }

  private look(producerId: string): void {
    const seen = [...this.tiles.values()].filter((tile) => tile.producerId === producerId).map(({ visibility }) => visibility);
    if (seen.includes('shown')) {
      this.cancel(producerId);
      this.stopped.delete(producerId);
    } else if (!this.stopped.has(producerId)) {
      this.stopAfter(producerId, seen.includes('away') ? AWAY_AFTER_MS : HIDE_AFTER_MS);
    }
    this.tell(producerId);
  }

  /** Stop it after this time unless it is seen again; an earlier end that is set already stands. */
  private stopAfter(producerId: string, delayMs: number): void {
    const at = Date.now() + delayMs;
    const known = this.timers.get(producerId);
    if (known && known.at <= at) return;
    this.cancel(producerId);
    const timer = setTimeout(() => {
      this.timers.delete(producerId);
      this.stopped.add(producerId);
      this.tell(producerId);
    }, delayMs);
    this.timers.set(producerId, { at, timer });
  }

  private cancel(producerId: string): void {
    const known = this.timers.get(producerId);
    if (known) clearTimeout(known.timer);
    this.timers.delete(producerId);
  }

  private tell(producerId: string): void {
    for (const listener of this.listeners) listener(producerId);
  }
}
