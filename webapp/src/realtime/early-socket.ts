import type { SocketLike } from './signaling-socket';

/** What of a WebSocket's state is read, beside what `SocketLike` has. */
export interface OpeningSocket extends SocketLike {
  readonly readyState: number;
}

const OPEN = 1;
/** An older one is not handed over, ms: the device has still to load before the hello, and the server's 5 s are running. */
export const MAX_AGE_MS = 2_500;

/**
 * A WebSocket that opens while `POST …/join` is on its way: its handshake costs no time of its own. The server waits 5 s for a
 * hello, so it is opened by the click, not at the door, and one that is nearly that old is given up for a fresh one.
 */
export class EarlySocket {
  private socket: OpeningSocket | null;
  private readonly createdAt = Date.now();

  /** @param url where it will probably lead; null: nobody knows, and none is opened. */
  constructor(
    private readonly url: string | null,
    create: (url: string) => OpeningSocket,
  ) {
    this.socket = url ? create(url) : null;
  }

  /** Wait for what it opens beside; a failure closes it. */
  async beside<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /** The socket, once, if it leads there, still stands and is young enough; null otherwise, and then it is closed. */
  take(url: string): SocketLike | null {
    const { socket } = this;
    const isOld = Date.now() - this.createdAt > MAX_AGE_MS;
    if (!socket || url !== this.url || socket.readyState > OPEN || isOld) {
      this.drop();
      return null;
    }
    this.socket = null;
    // Who listens only now is told again that it is open.
    if (socket.readyState === OPEN) queueMicrotask(() => socket.onopen?.(undefined as never));
    return socket;
  }

  drop(): void {
    this.socket?.close();
    this.socket = null;
  }
}
