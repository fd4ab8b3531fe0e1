import { Outlet, useLocation } from 'react-router';
import { Page } from '@/ui/page';
import { Tabs } from '@/ui/tabs';

interface SettingsLayoutProps {
  /** Address of the settings, without a slash at the end. */
  base: string;
  canReadAudit: boolean;
  /** Handed on to the pages. */
  context: unknown;
}

/** What an organization is and may do, page by page. */
export function SettingsLayout({ base, canReadAudit, context }: SettingsLayoutProps) {
  const tabs = [
    { to: base, label: 'General', isExact: true },
    { to: `${base}/workspaces`, label: 'Workspaces and rooms' },
    { to: `${base}/roles`, label: 'Roles' },
    { to: `${base}/usage`, label: 'Usage' },
    { to: `${base}/tokens`, label: 'API tokens' },
    { to: `${base}/webhooks`, label: 'Webhooks' },
    { to: `${base}/single-sign-on`, label: 'Single sign-on' },
    ...(canReadAudit ? [{ to: `${base}/audit-log`, label: 'Audit log' }] : []),
  ];
  const { pathname } = useLocation();
  const here = tabs.findLast(({ to }) => pathname === to || pathname.startsWith(`${to}/`)) ?? tabs[0];
  return (
    <Page title="Settings" {...(here && { tabTitle: `${here.label}, settings` })} tabs={<Tabs label="Settings" tabs={tabs} />}>
      <Outlet context={context} />
    </Page>
  );
}

/** The width of forms; tables take all there is. */
export const FORM = 'grid max-w-180 gap-3';
