import { useEffect, useId, useRef, type ReactNode, type RefObject } from 'react';

interface DialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: string;
  /** What it means, in one or two sentences. */
  description?: ReactNode;
  children?: ReactNode;
  /** Who gets the focus afterwards when what had it is gone, such as the menu item that opened this. */
  returnTo?: RefObject<HTMLElement | null>;
  /** Buttons, the one that does it last. */
  footer?: ReactNode;
}

/**
 * A question or a small form over everything. The browser's own <dialog>: it traps focus and gives it back, and needs no
 * inline style sheet, which the CSP forbids (Radix' dialog locks scrolling with one).
 */
export function Dialog({ isOpen, ...rest }: DialogProps) {
  return isOpen ? <OpenDialog {...rest} /> : null;
}

function OpenDialog({ onOpenChange, title, description, children, footer, returnTo }: Omit<DialogProps, 'isOpen'>) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    const fallback = returnTo?.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else fallback?.focus();
    };
  }, [returnTo]);
  return (
    <dialog
      ref={ref}
      aria-labelledby={`${id}-title`}
      aria-describedby={description === undefined ? undefined : `${id}-text`}
      onCancel={(event) => {
        event.preventDefault();
        onOpenChange(false);
      }}
      onClick={(event) => event.target === event.currentTarget && onOpenChange(false)}
      className="appearing fixed top-1/2 left-1/2 m-0 max-h-[calc(100dvh-32px)] w-[min(440px,calc(100vw-24px))] -translate-1/2 overflow-y-auto rounded-4 bg-raised p-0 text-ink shadow-dialog backdrop:bg-scrim"
    >
      <div className="px-5 pt-4.5 pb-4 wrap-anywhere">
        <h2 id={`${id}-title`} className="text-lg font-semibold">
          {title}
        </h2>
        {description !== undefined && (
          <p id={`${id}-text`} className="mt-1.5 text-md text-ink-2">
            {description}
          </p>
        )}
        {children && <div className="mt-3">{children}</div>}
        {footer && <div className="mt-4 flex flex-wrap justify-end gap-2">{footer}</div>}
      </div>
    </dialog>
  );
}
