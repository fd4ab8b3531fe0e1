import type { Answers, ErrorBody, Notification, Request } from '@/api/generated/signaling';

type Method = Request['method'];
/** The fields of a request without what the socket fills in. Distributes, so that each method keeps its own. */
export type BodyOf<M extends Method> = Omit<Extract<Request, { method: M }>, 'id' | 'method'>;

/** What of a WebSocket is used; tests give their own. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** A request that got no data: the server's `code`, or `connection_lost` / `timeout` of our own. */
export class SignalingError extends Error {
  override readonly name = 'SignalingError';
  constructor(
    readonly code: string,
    message: string,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

export interface SocketEvents {
  onNotification: (notification: Notification) => void;
  /** Once, whoever closed it. */
  onClose: (code: number) => void;
}

interface Waiting {
  resolve: (data: unknown) => void;
  reject: (error: SignalingError) => void;
  deadline: ReturnType<typeof setTimeout>;
}

/** Our own code for a socket that fell silent or never opened; never on the wire. */
export const LOST = 4000;
export const REQUEST_DEADLINE_MS = 10_000;
/** The server pings every 2 s; three missed pings are a loss (decisions.md 13). */
export const SILENCE_MS = 6_000;

/** One WebSocket: requests with deadlines, notifications, and the watch on its silence. */
export class SignalingSocket {
  readonly opened: Promise<void>;
  private readonly socket: SocketLike;
  private readonly waiting = new Map<number, Waiting>();
  private readonly watch: ReturnType<typeof setInterval>;
  private nextId = 1;
  private heardAt = Date.now();
  private isClosed = false;

  constructor(
    socket: SocketLike,
    private readonly events: SocketEvents,
  ) {
    this.socket = socket;
    this.opened = new Promise((resolve) => {
      socket.onopen = () => {
        this.heardAt = Date.now();
        resolve();
      };
    });
    socket.onmessage = ({ data }) => this.hear(data);
    socket.onclose = ({ code }) => this.end(code);
    this.watch = setInterval(() => {
      if (Date.now() - this.heardAt >= SILENCE_MS) this.end(LOST);
    }, 500);
  }

  /** Ask, and wait for the answer at most `deadlineMs`. */
  request<M extends Method>(method: M, body: BodyOf<M>, deadlineMs = REQUEST_DEADLINE_MS): Promise<Answers[M]> {
    if (this.isClosed) return Promise.reject(connectionLost());
    const id = this.nextId++;
    return new Promise<Answers[M]>((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.waiting.delete(id);
        reject(new SignalingError('timeout', 'The server did not answer in time.', { method }));
      }, deadlineMs);
      // The answer's shape is fixed by the method; `Answers` is generated from the server's own types.
      this.waiting.set(id, { resolve: (data) => resolve(data as Answers[M]), reject, deadline });
      this.socket.send(JSON.stringify({ id, method, ...body }));
    });
  }

  /** Drop it now. `onClose` hears `code`; late events of the old socket are ignored. */
  end(code: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.watch);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(code === LOST ? undefined : 1000);
    for (const { deadline, reject } of this.waiting.values()) {
      clearTimeout(deadline);
      reject(connectionLost());
    }
    this.waiting.clear();
    this.events.onClose(code);
  }

  private hear(data: unknown): void {
    this.heardAt = Date.now();
    if (typeof data !== 'string') return;
    const message = JSON.parse(data) as { id?: number; data?: unknown; error?: ErrorBody } | Notification;
    if ('method' in message) {
      this.events.onNotification(message);
      return;
    }
    const waiting = this.waiting.get(message.id ?? 0);
    if (!waiting) return;
    this.waiting.delete(message.id ?? 0);
    clearTimeout(waiting.deadline);
    const { error } = message;
    if (error) waiting.reject(new SignalingError(error.code, error.message, error.facts));
    else waiting.resolve(message.data ?? {});
  }
}

function connectionLost(): SignalingError {
  return new SignalingError('connection_lost', 'The connection was lost.');
}
