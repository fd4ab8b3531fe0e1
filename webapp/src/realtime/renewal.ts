/** Where access tokens come from, as far as an open room asks. */
export interface TokenSource {
  /** The token of now, without waiting; null when nobody knows it yet. */
  now(): string | null;
  /** The token of now, renewed when it is about to end; null when signed out. */
  read(): Promise<string | null>;
  /** Be told of each new token; answers what ends the telling. */
  watch(onToken: (token: string) => void): () => void;
}

/**
 * How often the token is read, which renews it within 90 s of its end. Left alone it is renewed only while the page is seen, and
 * who shares a screen looks at another one; browsers run timers of a hidden page once a minute at least.
 */
export const READ_EVERY_MS = 30_000;

/** Shows the server each new token while a room is open, because what joined a room may end with its token. */
export class Renewal {
  private shown: string | null;
  private isShowing = false;
  private stop: (() => void) | null = null;

  /** Make it before joining: the token of that moment, or a later one, is what joins, and need not be shown. */
  constructor(private readonly tokens: TokenSource) {
    this.shown = tokens.now();
  }

  /** @param show tells the server; rejects when it could not be told. What the server refuses it has been told. */
  start(show: (token: string) => Promise<void>): void {
    const unwatch = this.tokens.watch((token) => void this.offer(token, show));
    const timer = setInterval(() => void this.look(show), READ_EVERY_MS);
    this.stop = () => {
      clearInterval(timer);
      unwatch();
    };
  }

  close(): void {
    this.stop?.();
    this.stop = null;
  }

  private async look(show: (token: string) => Promise<void>): Promise<void> {
    const token = await this.tokens.read().catch(() => null);
    if (token) await this.offer(token, show);
  }

  private async offer(token: string, show: (token: string) => Promise<void>): Promise<void> {
    if (this.isShowing || !this.stop || token === this.shown) return;
    this.isShowing = true;
    try {
      await show(token);
      this.shown = token;
    } catch {
      // The next look shows it again.
    } finally {
      this.isShowing = false;
    }
  }
}
