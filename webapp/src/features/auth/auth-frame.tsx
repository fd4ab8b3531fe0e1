import type { ReactNode } from 'react';
import { Mark } from '@/ui/marks';
import { useTitle } from '@/ui/use-title';

interface AuthFrameProps {
  title: string;
  lead: ReactNode;
  /** Over the panel: the demo's people. */
  above?: ReactNode;
  /** Under the panel: where else one may want to go. */
  below?: ReactNode;
  children?: ReactNode;
}

/** The pages before one is in: the mark and one panel in the middle. */
export function AuthFrame({ title, lead, above, below, children }: AuthFrameProps) {
  useTitle(title);
  return (
    <main className="grid min-h-full place-items-center bg-canvas p-4">
      <div className="w-full max-w-90">
        <div className="mb-5 flex items-center gap-2.5">
          <Mark size={26} />
          <span className="text-lg font-semibold">Trading room</span>
        </div>
        {above}
        <section className="rounded-3 border border-line bg-surface p-5">
          <h1 className="text-xl font-semibold">{title}</h1>
          <p className="mt-1 mb-4 text-ink-2">{lead}</p>
          {children}
        </section>
        {below && <div className="mt-4 grid gap-2 text-center text-ink-2 max-md:gap-6">{below}</div>}
      </div>
    </main>
  );
}

export const LINK = 'touchable inline-block font-medium text-ink underline decoration-ink-3 underline-offset-2';
