import { useEffect, useState, type RefObject } from 'react';

/** What is beside the picture does not wait longer for it. */
const PATIENCE_MS = 500;

/**
 * Whether what stands beside the picture may be drawn: the one thread belongs to the first picture until that is there.
 *
 * @param stage where the picture is.
 * @param isExpected whether one is on its way; if not, there is nothing to wait for.
 */
export function useSettled(stage: RefObject<HTMLElement | null>, isExpected: boolean): boolean {
  const [isSettled, setSettled] = useState(false);
  const isWaiting = isExpected && !isSettled;
  useEffect(() => {
    const box = stage.current;
    if (!isWaiting || !box) return;
    const settle = (): void => setSettled(true);
    // Events of media do not bubble, but are seen on their way down. The first picture is painted before anything else is.
    const paint = ({ target }: Event): void => {
      if (target instanceof HTMLVideoElement && 'requestVideoFrameCallback' in target) target.requestVideoFrameCallback(settle);
      else settle();
    };
    const timer = setTimeout(settle, PATIENCE_MS);
    box.addEventListener('loadedmetadata', paint, { capture: true });
    return () => {
      clearTimeout(timer);
      box.removeEventListener('loadedmetadata', paint, { capture: true });
    };
  }, [stage, isWaiting]);
  useEffect(() => {
    if (!isExpected) setSettled(true);
  }, [isExpected]);
  return isSettled;
}
