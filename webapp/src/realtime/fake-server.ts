/** A pretend signaling server for the tests of this folder: answers what it is told to, and remembers what was asked. */
import type { Notification, Request, Welcome } from '@/api/generated/signaling';
import type { SocketLike } from './signaling-socket';

export class FakeSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly requests: Request[] = [];
  isClosed = false;
  readyState = 0;

  constructor(
    readonly url: string,
    private readonly answer: (request: Request, socket: FakeSocket) => unknown,
  ) {}

  open(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }

  send(data: string): void {
    const request = JSON.parse(data) as Request;
    this.requests.push(request);
    const answer = this.answer(request, this);
    if (answer !== undefined) queueMicrotask(() => this.tell(answer));
  }

  tell(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  notify(notification: Notification): void {
    this.tell(notification);
  }

  drop(code: number): void {
    this.close();
    this.onclose?.({ code });
  }

  close(): void {
    this.isClosed = true;
    this.readyState = 3;
  }
}

export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  /** Method -> what it answers; `undefined` stays silent; an object with `error` refuses. */
  readonly handlers = new Map<string, (request: Request, socket: FakeSocket) => unknown>();
  welcomes = 0;

  constructor(private readonly welcome: (request: Request, count: number) => Partial<Welcome> = () => ({})) {}

  readonly createSocket = (url: string): FakeSocket => {
    const socket = new FakeSocket(url, (request, self) => this.answer(request, self));
    this.sockets.push(socket);
    queueMicrotask(() => socket.open());
    return socket;
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('No socket was opened.');
    return socket;
  }

  /** All requests of a method, over all sockets. */
  asked<M extends Request['method']>(method: M): Extract<Request, { method: M }>[] {
    return this.sockets
      .flatMap((socket) => socket.requests)
      .filter((request): request is Extract<Request, { method: M }> => request.method === method);
  }

  private answer(request: Request, socket: FakeSocket): unknown {
    const handler = this.handlers.get(request.method);
    if (handler) {
      const data = handler(request, socket);
      if (data === undefined) return undefined;
      return typeof data === 'object' && data !== null && 'error' in data
        ? { id: request.id, error: data.error }
        : { id: request.id, data };
    }
    if (request.method === 'hello') {
      this.welcomes++;
      return { id: request.id, data: { ...makeWelcome(this.welcomes), ...this.welcome(request, this.welcomes) } };
    }
    return { id: request.id, data: {} };
  }
}

export function makeWelcome(count = 1): Welcome {
  return {
    participantId: 'me',
    liveSessionId: 'session',
    roomId: 'room',
    roomName: 'Opening Drive',
    organizationId: 'organization',
    role: 'host',
    grant: {
      canPublish: true,
      canPostChat: true,
      canPostAlert: true,
      canModerate: true,
      canEnd: true,
      takesSeat: false,
    },
    epoch: 1,
    startedAt: '2026-11-24T14:30:00Z',
    serverTime: '2026-11-24T15:00:00Z',
    resumeToken: `resume-${count}`,
    iceServers: [],
    recvTransport: null,
    consumers: [],
    participants: [],
    lastSeq: 0,
    feed: [],
    mediaKept: true,
  };
}
