import { CLOSE_CODES, type Answers, type Notification, type Welcome } from '@/api/generated/signaling';
import type { Request } from '@/api/generated/signaling';
import { codeOf } from '@/lib/errors';
import type { OpeningSocket } from './early-socket';
import type { Renewal } from './renewal';
import { LOST, SignalingError, SignalingSocket, type BodyOf, type SocketLike } from './signaling-socket';

/** Why there will be no more connecting. */
export type EndReason = 'left' | 'replaced' | 'removed' | 'session_ended' | 'room_full' | 'no_access' | 'refused';
/** What `POST …/join` gives for the socket. */
export interface Ticket {
  signalingUrl: string;
  token: string;
}

export interface SignalingOptions {
  /** The loaded Device's receive capabilities; the socket opens while it still loads. */
  rtpCapabilities: Promise<unknown>;
  /** What to resume: last feed number applied, and whether the peer connections still stand. */
  resumeFrom: () => { afterSeq: number | null; keepMedia: boolean };
  /** Join again by REST, when the resume token is no longer taken. */
  rejoin: () => Promise<Ticket>;
  onWelcome: (welcome: Welcome) => void;
  onNotification: (notification: Notification) => void;
  onReconnecting: () => void;
  onEnd: (reason: EndReason) => void;
  /** Shows newer tokens while this goes on. */
  renewal?: Renewal | undefined;
  createSocket?: (url: string) => SocketLike;
  random?: () => number;
}

const FINAL: Partial<Record<number, EndReason>> = {
  [CLOSE_CODES.REPLACED]: 'replaced',
  [CLOSE_CODES.REMOVED]: 'removed',
  [CLOSE_CODES.SESSION_ENDED]: 'session_ended',
  [CLOSE_CODES.BAD_ORIGIN]: 'refused',
};
const REJOIN_FINAL: Partial<Record<string, EndReason>> = {
  room_not_live: 'session_ended',
  plan_limit_reached: 'room_full',
  forbidden: 'no_access',
  not_found: 'no_access',
  unauthenticated: 'no_access',
};
/** Refusals that pass by themselves: the request is repeated with the same ids. */
const PASSING = new Set(['connection_lost', 'timeout', 'unavailable', 'rate_limited', 'no_media_node']);
const BACKOFF_MS = 250;
/** A restarting server is back within seconds: for the first tries nobody waits long. */
const SHORT_MAX_MS = 1_500;
const SHORT_TRIES = 10;
const BACKOFF_MAX_MS = 5_000;
/** Sockets in a row that closed before a welcome with our own fault named; more of the same will not help. */
const MAX_BAD_MESSAGES = 5;

/** One participant's connection across sockets: hello, resume with the rotating token, backoff, and the end. */
export class SignalingClient {
  private socket: SignalingSocket | null = null;
  private resumeToken: string | null = null;
  private isOver = false;
  private isWelcomed = false;
  private badMessages = 0;
  private wake: (() => void) | null = null;
  private liveWaiters: { resolve: () => void; reject: (error: SignalingError) => void }[] = [];

  constructor(private readonly options: SignalingOptions) {}

  /** Open the first socket; everything after is told through the options' callbacks. */
  start(ticket: Ticket): void {
    this.options.renewal?.start((token) => this.renew(token));
    void this.run(ticket);
  }

  /** Ask once, on the socket that stands now. */
  request<M extends Request['method']>(method: M, body: BodyOf<M>): Promise<Answers[M]> {
    if (!this.socket || !this.isWelcomed) {
      return Promise.reject(new SignalingError('connection_lost', 'The connection was lost.'));
    }
    return this.socket.request(method, body);
  }

  /**
   * Ask until it is answered, over as many sockets as it takes; only for requests that are harmless to repeat (their ids are
   * ours). Gives up after `patienceMs`.
   */
  async requestDurably<M extends Request['method']>(method: M, body: BodyOf<M>, patienceMs = 60_000): Promise<Answers[M]> {
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      try {
        await this.whenLive();
        return await this.request(method, body);
      } catch (error) {
        const code = codeOf(error);
        if (this.isOver || code === null || !PASSING.has(code) || Date.now() >= giveUpAt) throw error;
        if (code !== 'connection_lost') await sleep(800);
      }
    }
  }

  /** Stop waiting out the backoff: the network is back, or the person pressed the button. */
  tryNow(): void {
    this.wake?.();
  }

  /** Go for good; the server is told when it can be. */
  leave(): void {
    if (this.isOver) return;
    if (this.isWelcomed) this.socket?.request('room.leave', {}).catch(() => undefined);
    this.finish('left');
  }

  private async run(first: Ticket): Promise<void> {
    let ticket: Ticket | null = first;
    let url = first.signalingUrl;
    let failures = 0;
    while (!this.isOver) {
      const { code, wasWelcomed } = await this.oneSocket(url, ticket);
      const end = FINAL[code] ?? this.countBad(code, wasWelcomed);
      // `leave()` may have come while the socket was open.
      if (this.hasEnded()) return;
      if (end) { this.finish(end); return; }
      this.options.onReconnecting();
      if (wasWelcomed) failures = 0;
      await this.pause(failures++);
      ticket = null;
      if (code === CLOSE_CODES.BAD_TOKEN || this.resumeToken === null) {
        ticket = await this.joinAgain();
        if (!ticket) return;
        url = ticket.signalingUrl;
      }
    }
  }

  private async joinAgain(): Promise<Ticket | null> {
    for (let failures = 0; !this.isOver; failures++) {
      try {
        return await this.options.rejoin();
      } catch (error) {
        const end = REJOIN_FINAL[codeOf(error) ?? ''];
        if (end) this.finish(end);
        else await this.pause(failures);
      }
    }
    return null;
  }

  /** One socket from opening to closing. */
  private oneSocket(url: string, ticket: Ticket | null): Promise<{ code: number; wasWelcomed: boolean }> {
    return new Promise((resolve) => {
      const create = this.options.createSocket ?? browserSocket;
      const socket = new SignalingSocket(create(url), {
        onNotification: this.options.onNotification,
        onClose: (code) => {
          const wasWelcomed = this.isWelcomed;
          this.isWelcomed = false;
          this.socket = null;
          resolve({ code, wasWelcomed });
        },
      });
      this.socket = socket;
      void Promise.all([socket.opened, this.options.rtpCapabilities]).then(
        ([, rtpCapabilities]) => this.hello(socket, ticket, rtpCapabilities),
        () => this.finish('refused'),
      );
    });
  }

  private async hello(socket: SignalingSocket, ticket: Ticket | null, rtpCapabilities: unknown): Promise<void> {
    const { afterSeq, keepMedia } = this.options.resumeFrom();
    const credentials = ticket ? { token: ticket.token } : { resumeToken: this.resumeToken, keepMedia };
    try {
      const welcome = await socket.request('hello', { rtpCapabilities, resumeAfterSeq: afterSeq, ...credentials });
      this.resumeToken = welcome.resumeToken;
      this.isWelcomed = true;
      this.badMessages = 0;
      this.options.onWelcome(welcome);
      for (const { resolve } of this.liveWaiters.splice(0)) resolve();
    } catch {
      // Refused or unanswered: the close code says why, or it is a loss.
      socket.end(LOST);
    }
  }

  /** Go on by a newer token. A refusal is an answer: the socket goes on to its own end, and joining again says why. */
  private async renew(accessToken: string): Promise<void> {
    try {
      this.resumeToken = (await this.requestDurably('session.renew', { accessToken })).resumeToken;
    } catch (error) {
      if (PASSING.has(codeOf(error) ?? 'timeout')) throw error;
    }
  }

  private whenLive(): Promise<void> {
    if (this.isWelcomed) return Promise.resolve();
    if (this.isOver) return Promise.reject(new SignalingError('session_over', 'The session is over.'));
    return new Promise((resolve, reject) => this.liveWaiters.push({ resolve, reject }));
  }

  private hasEnded(): boolean {
    return this.isOver;
  }

  private countBad(code: number, wasWelcomed: boolean): EndReason | null {
    if (wasWelcomed || code !== CLOSE_CODES.BAD_MESSAGE) return null;
    return ++this.badMessages >= MAX_BAD_MESSAGES ? 'refused' : null;
  }

  private finish(reason: EndReason): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wake?.();
    this.options.renewal?.close();
    this.socket?.end(1000);
    const over = new SignalingError('session_over', 'The session is over.');
    for (const { reject } of this.liveWaiters.splice(0)) reject(over);
    this.options.onEnd(reason);
  }

  /** Wait longer after each failure, with jitter, so that a thousand browsers do not come back in one instant. */
  private pause(failures: number): Promise<void> {
    const random = this.options.random ?? Math.random;
    const most = failures === 0 ? BACKOFF_MS : Math.min(failures < SHORT_TRIES ? SHORT_MAX_MS : BACKOFF_MAX_MS, BACKOFF_MS * 2 ** failures);
    const ms = failures === 0 ? most * random() : most * (0.5 + random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.wake = done;
    });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function browserSocket(url: string): OpeningSocket {
  // A WebSocket hands its handlers richer events than we read; TypeScript can't see that this is safe.
  return new WebSocket(url) as unknown as OpeningSocket;
}
