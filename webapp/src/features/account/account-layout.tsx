import type { ReactNode } from 'react';
import { Outlet, useLocation } from 'react-router';
import { Page } from '@/ui/page';
import { Tabs } from '@/ui/tabs';

interface AccountLayoutProps {
  /** The pages' address, without a slash at the end. */
  base: string;
  actions?: ReactNode;
}

/** One's own pages, the same in every organization. */
export function AccountLayout({ base, actions }: AccountLayoutProps) {
  const { pathname } = useLocation();
  const tabs = [
    { to: base, label: 'Profile', isExact: true },
    { to: `${base}/security`, label: 'Security' },
    { to: `${base}/data`, label: 'Your data' },
  ];
  const here = tabs.find(({ to }) => to === pathname);
  return (
    <Page
      title="Your account"
      actions={actions}
      {...(here && { tabTitle: `${here.label}, your account` })}
      tabs={
        <Tabs
          label="Your account"
          tabs={tabs}
        />
      }
    >
      <div className="grid max-w-180 gap-3">
        <Outlet />
      </div>
    </Page>
  );
}
