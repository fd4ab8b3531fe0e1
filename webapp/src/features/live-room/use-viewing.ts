import { useEffect, type RefObject } from 'react';
import type { Tile, Visibility } from '@/realtime/viewing';
import { useRoomSession } from './room-context';

/** While a panel slides or a window is dragged, sizes change many times a second. */
const SETTLE_MS = 250;

/**
 * Keep the room session told of a tile: its size, and whether it can be seen.
 *
 * @param producerId the video it shows; null: none that anybody sends us.
 */
export function useViewing(box: RefObject<HTMLElement | null>, producerId: string | null, isLarge: boolean): void {
  const { viewing } = useRoomSession();
  useEffect(() => {
    const element = box.current;
    if (!element || producerId === null) return;
    const key = {};
    let isOnPage = true;
    let popped: PictureInPictureWindow | null = null;
    let settling: ReturnType<typeof setTimeout> | null = null;

    const visibility = (): Visibility => {
      // A window of its own is seen wherever the page is.
      if (popped) return 'shown';
      if (!isOnPage) return 'hidden';
      return document.hidden ? 'away' : 'shown';
    };
    const tell = (): void => {
      const tile: Tile = { producerId, visibility: visibility(), height: heightOf(element, popped), isLarge };
      viewing.put(key, tile);
    };
    const tellSoon = (): void => {
      settling ??= setTimeout(() => {
        settling = null;
        tell();
      }, SETTLE_MS);
    };
    const pop = (event: Event): void => {
      popped?.removeEventListener('resize', tellSoon);
      popped = event.type === 'enterpictureinpicture' ? (event as PictureInPictureEvent).pictureInPictureWindow : null;
      popped?.addEventListener('resize', tellSoon);
      tell();
    };

    const sizes = new ResizeObserver(tellSoon);
    const places = new IntersectionObserver((entries) => {
      isOnPage = entries.at(-1)?.isIntersecting ?? true;
      tell();
    });
    sizes.observe(element);
    places.observe(element);
    element.addEventListener('enterpictureinpicture', pop);
    element.addEventListener('leavepictureinpicture', pop);
    document.addEventListener('visibilitychange', tell);
    tell();
    return () => {
      sizes.disconnect();
      places.disconnect();
      element.removeEventListener('enterpictureinpicture', pop);
      element.removeEventListener('leavepictureinpicture', pop);
      document.removeEventListener('visibilitychange', tell);
      if (settling) clearTimeout(settling);
      viewing.put(key, null);
    };
  }, [box, viewing, producerId, isLarge]);
}

/** Device pixels a 16:9 picture needs to fill the tile, or the window it was popped out to. */
function heightOf(element: HTMLElement, popped: PictureInPictureWindow | null): number {
  const { width, height } = element.getBoundingClientRect();
  const needed = Math.max(height, (width * 9) / 16, popped?.height ?? 0);
  return Math.round(needed * window.devicePixelRatio);
}
