import { Outlet, useLocation } from 'react-router';
import { Page } from '@/ui/page';
import { Tabs } from '@/ui/tabs';

/** One's own pages, the same in every organization. `base`: their address, without a slash at the end. */
export function AccountLayout({ base }: { base: string }) {
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
