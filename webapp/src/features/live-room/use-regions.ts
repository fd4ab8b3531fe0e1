import { useEffect } from 'react';

const FOCUSABLE = 'button:not(:disabled), a[href], input:not(:disabled), select, textarea, [tabindex="0"]';

/** `F6` walks the room's regions, `Shift F6` walks back: each gets the focus on its first control. */
export function useRegions(): void {
  useEffect(() => {
    function press(event: KeyboardEvent): void {
      if (event.key !== 'F6' || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      const first = [...document.querySelectorAll('[data-region]')].map(firstOf).filter((element) => element !== null);
      const regions = first.map((element) => element.closest('[data-region]'));
      const here = regions.indexOf(document.activeElement?.closest('[data-region]') ?? null);
      const step = event.shiftKey ? -1 : 1;
      // From nowhere: forward to the first, back to the last.
      const next = here === -1 && event.shiftKey ? first.length - 1 : (here + step + first.length) % first.length;
      first[next]?.focus();
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

/** The first control that is shown and reached by Tab. */
function firstOf(region: Element): HTMLElement | null {
  for (const element of region.querySelectorAll<HTMLElement>(FOCUSABLE)) {
    if (element.tabIndex >= 0 && element.checkVisibility()) return element;
  }
  return null;
}
