import { useEffect } from 'react';

const PRODUCT = 'Trading room';

/** Name the browser's tab and history entry by the page. One page at a time calls this. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === PRODUCT ? title : `${title} · ${PRODUCT}`;
    return () => {
      document.title = PRODUCT;
    };
  }, [title]);
}
