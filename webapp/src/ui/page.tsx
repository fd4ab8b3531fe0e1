import type { ReactNode } from 'react';
import { Scroller } from './scroller';
import { useTitle } from './use-title';

interface PageProps {
  title: string;
  /** Of the browser's tab, where it is more exact. */
  tabTitle?: string;
  /** Beside the title, quieter: one fact. */
  lead?: ReactNode;
  /** The page's own buttons, the main one last. */
  actions?: ReactNode;
  /** Under the title, over what scrolls: tabs. */
  tabs?: ReactNode;
  children: ReactNode;
}

/** A page of the shell: its head stays, the rest scrolls. */
export function Page({ title, tabTitle = title, lead, actions, tabs, children }: PageProps) {
  useTitle(tabTitle);
  return (
    <>
      <header className="flex min-h-14 flex-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
        <h1 className="text-xl font-semibold">{title}</h1>
        {lead && <p className="min-w-0 truncate text-xs text-ink-2">{lead}</p>}
        <span className="flex-1" />
        {actions}
      </header>
      {tabs}
      <Scroller label={title} className="min-h-0 flex-1 overflow-y-auto px-4 pb-8">
        {children}
      </Scroller>
    </>
  );
}

/** One row of a settings panel: what it is at the left, what one can do about it at the right. */
export function SettingRow({ label, hint, children }: { label: ReactNode; hint?: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex min-h-12 flex-wrap items-center gap-x-4 gap-y-1.5 border-line px-3.5 py-2 not-last:border-b">
      <div className="min-w-50 flex-1 wrap-anywhere">
        <div className="font-medium">{label}</div>
        {hint && <div className="text-xs text-ink-2">{hint}</div>}
      </div>
      {children}
    </div>
  );
}
