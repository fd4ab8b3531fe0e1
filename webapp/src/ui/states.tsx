import type { ReactNode } from 'react';
import { cn } from './cn';

interface BlankProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Small and copyable, under everything. */
  requestId?: string | null;
  testId?: string;
  /** It is all there is on the page. */
  isPage?: boolean;
}

/** An empty or failed place: what, one fact, one action. */
export function Blank({ icon, title, children, action, requestId, testId, isPage = false }: BlankProps) {
  const Title = isPage ? 'h1' : 'h2';
  return (
    <div data-testid={testId} className="grid max-w-90 justify-items-center gap-1.5 px-5 py-4 text-center">
      {icon && <span className="mb-0.5 text-ink-3">{icon}</span>}
      <Title className="max-w-full text-md font-semibold wrap-anywhere">{title}</Title>
      {children && <p className="mb-1 max-w-full text-xs leading-[17px] wrap-anywhere text-ink-2">{children}</p>}
      {action}
      {requestId && <p className="font-mono text-2xs text-ink-3 select-all">Request {requestId}</p>}
    </div>
  );
}

/** The exact place of something that is still on its way. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden="true" className={cn('late block rounded-1 bg-skeleton', className)} />;
}

interface BannerProps {
  tone?: 'plain' | 'warn' | 'live';
  icon: ReactNode;
  children: ReactNode;
  action?: ReactNode;
  testId?: string;
}

/** One line about the state of something, beside what it is about. */
export function Banner({ tone = 'plain', icon, children, action, testId }: BannerProps) {
  const tones = {
    plain: 'bg-surface border-line-strong',
    warn: 'bg-warn-soft border-warn-line',
    live: 'bg-live-soft border-live-line',
  };
  return (
    <div
      role="status"
      data-testid={testId}
      className={cn('appearing flex min-h-10 items-center gap-2.5 border-b px-3 py-1.25', tones[tone])}
    >
      <span className={cn('flex-none', tone === 'warn' && 'text-warn', tone === 'live' && 'text-live')}>{icon}</span>
      <p className="min-w-0 flex-1">{children}</p>
      {action}
    </div>
  );
}

/** A panel of a page. */
export function Panel({ title, count, actions, children }: { title: string; count?: number | string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="overflow-hidden rounded-3 border border-line bg-surface">
      <header className="flex h-9.5 items-center gap-2.5 border-b border-line pr-2 pl-3.5 text-xs text-ink-2 max-md:h-11">
        <h2 className="min-w-0 truncate text-sm font-semibold text-ink" title={title}>
          {title}
        </h2>
        {count !== undefined && <span className="flex-none text-ink-3">{count}</span>}
        <span className="flex-1" />
        {actions}
      </header>
      {children}
    </section>
  );
}
