import { useCallback, useLayoutEffect, useState, type HTMLAttributes, type Ref } from 'react';
import { cn } from './cn';

interface ScrollerProps extends HTMLAttributes<HTMLDivElement> {
  /** Read aloud where the keyboard stops here. */
  label: string;
  /** A ref object, or a function that stays the same. */
  ref?: Ref<HTMLDivElement>;
}

/**
 * What scrolls within a page. Where it has more than it shows it takes the focus, so that the keyboard scrolls it also
 * when nothing in it can be pressed (axe: scrollable-region-focusable; Safari does not do this by itself). Give it the
 * `overflow-…` class of the direction it scrolls in.
 */
export function Scroller({ label, role, className, children, ref, ...rest }: ScrollerProps) {
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const scrolls = useScrolls(element);
  const attach = useCallback((now: HTMLDivElement | null) => {
    setElement(now);
    if (typeof ref === 'function') ref(now);
    else if (ref) ref.current = now;
  }, [ref]);
  return (
    <div
      ref={attach}
      role={role ?? (scrolls ? 'region' : undefined)}
      aria-label={role !== undefined || scrolls ? label : undefined}
      tabIndex={scrolls ? 0 : undefined}
      // Inside its edge: what is around it cuts off what lies outside.
      className={cn('focus-visible:-outline-offset-2 focus-visible:shadow-none!', className)}
      {...rest}
    >
      {children}
    </div>
  );
}

/** Sizes are rounded to whole pixels: one more is not more to see. */
const SLACK_PX = 1;

/** Whether an element holds more than it shows, as it and its content grow and shrink. */
function useScrolls(element: HTMLElement | null): boolean {
  const [scrolls, setScrolls] = useState(false);
  const look = useCallback(() => {
    if (!element) return;
    const more = Math.max(element.scrollHeight - element.clientHeight, element.scrollWidth - element.clientWidth);
    setScrolls(more > SLACK_PX);
  }, [element]);
  // At once with what is drawn anew: an observer is told only with the next picture, which a busy machine draws late.
  useLayoutEffect(look);
  useLayoutEffect(() => {
    if (!element) return undefined;
    const sizes = new ResizeObserver(look);
    const watch = (): void => {
      sizes.disconnect();
      [element, ...element.children].forEach((one) => sizes.observe(one));
    };
    const content = new MutationObserver(watch);
    content.observe(element, { childList: true });
    watch();
    return () => {
      sizes.disconnect();
      content.disconnect();
    };
  }, [element, look]);
  return scrolls;
}
