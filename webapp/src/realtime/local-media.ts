import { codeOf } from '@/lib/errors';
import { problemOf, type capture, type Devices } from './capture';
import type { MediaSession } from './media-session';
import type { Source } from './publishing';
import type { LocalMedia, RoomStore } from './room-store';

/** Our own microphone, camera and screen: switched here, shown by the store. */
export class LocalMediaControls {
  constructor(
    private readonly store: RoomStore,
    private readonly media: () => MediaSession | null,
    private readonly captureTrack: typeof capture,
    private devices: Devices,
  ) {}

  /** Use these devices from the next start on; running ones are exchanged by switching them off and on. */
  choose(devices: Partial<Devices>): void {
    this.devices = { ...this.devices, ...devices };
  }

  /** Microphone: on, muted, on again; the device stays ours while muted, so that unmuting is instant. */
  async toggleMicrophone(): Promise<void> {
    const { status } = this.get('microphone');
    if (status === 'off') await this.start('microphone');
    else if (status !== 'starting') await this.mute('microphone', status === 'on');
  }

  /** Another device was chosen: what runs on the old one goes on with the new one. */
  async exchange(source: Source): Promise<void> {
    const { status } = this.get(source);
    if (status !== 'on') {
      // A muted microphone lets go of the old device; unmuting asks for the new one.
      if (status === 'muted') this.switchOff(source);
      return;
    }
    this.switchOff(source);
    await this.start(source);
  }

  async toggleCamera(): Promise<void> {
    await this.toggle('camera');
  }

  async toggleScreen(): Promise<void> {
    await this.toggle('screen');
  }

  /** Publish a source; a track may be given (from the preview), or it is asked for. */
  async start(source: Source, given?: MediaStreamTrack): Promise<void> {
    if (this.get(source).status !== 'off') return;
    this.set(source, { status: 'starting', track: null, problem: null });
    let track: MediaStreamTrack;
    try {
      track = given ?? (await this.captureTrack(source, this.devices));
    } catch (error) {
      const problem = problemOf(error, source);
      this.set(source, { status: 'off', track: null, problem: problem === 'dismissed' ? null : problem });
      return;
    }
    const media = this.media();
    if (!media || this.store.getState().phase === 'ended') {
      track.stop();
      this.set(source, { status: 'off', track: null, problem: null });
      return;
    }
    this.set(source, { status: 'starting', track, problem: null });
    try {
      await media.publish(source, track, false);
      if (this.get(source).track === track) this.set(source, { status: 'on', track, problem: null });
    } catch (error) {
      const wasRefused = codeOf(error) !== null;
      this.set(source, { status: 'off', track: null, problem: wasRefused ? 'refused' : 'unsupported' });
    }
  }

  /** Stop a source and let go of its device. */
  switchOff(source: Source): void {
    this.set(source, { status: 'off', track: null, problem: null });
    void this.media()?.unpublish(source);
  }

  /** The room is over: the tracks are stopped by whoever published them. */
  forget(): void {
    for (const source of ['microphone', 'camera', 'screen'] as const) {
      this.get(source).track?.stop();
      this.set(source, { status: 'off', track: null, problem: null });
    }
  }

  private async toggle(source: Source): Promise<void> {
    const { status } = this.get(source);
    if (status === 'off') await this.start(source);
    else if (status !== 'starting') this.switchOff(source);
  }

  private async mute(source: Source, isMuted: boolean): Promise<void> {
    const { track } = this.get(source);
    this.set(source, { status: isMuted ? 'muted' : 'on', track, problem: null });
    await this.media()?.setPaused(source, isMuted);
  }

  private get(source: Source): LocalMedia {
    return this.store.getState().local[source];
  }

  private set(source: Source, value: LocalMedia): void {
    this.store.setState(({ local }) => ({ local: { ...local, [source]: value } }));
  }
}
