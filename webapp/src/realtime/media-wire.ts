import type { Answers, Request } from '@/api/generated/signaling';
import type { BodyOf } from './signaling-socket';
import type { Source } from './publishing';

/** What the media objects need from the room session above them. */
export interface MediaWire {
  request<M extends Request['method']>(method: M, body: BodyOf<M>): Promise<Answers[M]>;
  /** The receive transport is beyond repair: rebuild it. */
  onReceiverLost(): void;
  /** The send transport is beyond repair: rebuild it and publish again. */
  onSenderLost(): void;
  /** A track of ours ended by itself: the share was stopped in the browser, the device unplugged. */
  onLocalEnded(source: Source): void;
}
