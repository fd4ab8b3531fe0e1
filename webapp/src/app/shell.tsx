import { CaretUpDownIcon, DoorIcon, EnvelopeSimpleIcon, GearSixIcon, MoonIcon, PlugsIcon, PlusIcon, SignOutIcon, SunIcon, UserIcon, UsersIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import { NavLink, useNavigate } from 'react-router';
import type { Me, Organization } from '@/api/types';
import { roleName } from '@/lib/roles';
import { IconButton } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Face } from '@/ui/face';
import { Count, Mark } from '@/ui/marks';
import { Menu, MenuItem, MenuLabel, MenuLine } from '@/ui/menu';
import { Banner } from '@/ui/states';
import { useTheme } from '@/ui/theme';

interface ShellProps {
  me: Me;
  organization: Organization;
  /** Of other organizations, to me. */
  invitationCount: number;
  canSeeMembers: boolean;
  canSeeSettings: boolean;
  onSignOut: () => void;
  /** False: what is shown may be old. */
  isReached: boolean;
  children: ReactNode;
}

/** Pages with the side bar: 200 px, 52 px below 1280, at the bottom on phones. */
export function Shell({ me, organization, invitationCount, canSeeMembers, canSeeSettings, onSignOut, isReached, children }: ShellProps) {
  const base = `/o/${organization.id}`;
  return (
    <div className="grid h-full grid-cols-[auto_1fr] max-md:grid-cols-1 max-md:grid-rows-[1fr_auto]">
      <nav
        aria-label="Main"
        className="flex w-(--nav) flex-col border-r border-line bg-surface p-2 max-xl:w-(--nav-slim) max-md:order-last max-md:w-auto max-md:flex-row max-md:border-t max-md:border-r-0 max-md:px-3 max-md:py-1 pad-safe-bottom"
      >
        <OrganizationMenu me={me} organization={organization} invitationCount={invitationCount} />
        <div className="flex flex-col gap-px max-md:flex-1 max-md:flex-row max-md:justify-center max-md:gap-2">
          <NavItem to={base} icon={<DoorIcon size={18} />} label="Rooms" />
          {canSeeMembers && <NavItem to={`${base}/members`} icon={<UsersIcon size={18} />} label="Members" />}
          {canSeeSettings && <NavItem to={`${base}/settings`} icon={<GearSixIcon size={18} />} label="Settings" isWhole />}
        </div>
        <div className="mt-auto flex items-center gap-2 border-line pt-2 max-xl:flex-col max-md:mt-0 max-md:flex-row max-md:p-0 xl:border-t">
          <PersonMenu me={me} organization={organization} onSignOut={onSignOut} />
          <ThemeButton className="max-md:hidden" />
        </div>
      </nav>
      <main className="flex min-h-0 min-w-0 flex-col overflow-hidden">
        {!isReached && (
          <Banner tone="warn" icon={<PlugsIcon size={18} />} testId="not-reached">
            The server can’t be reached. What is shown may be old; it comes up to date by itself.
          </Banner>
        )}
        {children}
      </main>
    </div>
  );
}

/** isWhole: everything below the address is this place too. */
function NavItem({ to, icon, label, isWhole = false }: { to: string; icon: ReactNode; label: string; isWhole?: boolean }) {
  return (
    <NavLink
      to={to}
      end={!isWhole}
      title={label}
      className={({ isActive }) =>
        cn(
          'flex h-8.5 items-center gap-2.5 rounded-2 px-2 max-xl:h-9.5 max-xl:justify-center max-xl:px-0 max-md:h-11 max-md:w-22 max-md:flex-col max-md:gap-0.5',
          isActive ? 'bg-active font-semibold text-ink max-md:bg-transparent' : 'font-medium text-ink-2 hover:bg-hover',
        )
      }
    >
      {icon}
      <span className="max-xl:sr-only max-md:not-sr-only max-md:text-2xs">{label}</span>
    </NavLink>
  );
}

function OrganizationMenu({ me, organization, invitationCount }: Pick<ShellProps, 'me' | 'organization' | 'invitationCount'>) {
  const navigate = useNavigate();
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          className="mb-2.5 flex h-10 items-center gap-2.5 rounded-2 px-1.5 text-left hover:bg-hover max-xl:justify-center max-md:mb-0 max-md:h-11 max-md:w-11 max-md:flex-none"
          data-testid="organization-menu"
        >
          <Mark />
          <span className="min-w-0 flex-1 max-xl:hidden">
            <span className="block truncate leading-4 font-semibold">{organization.name}</span>
          </span>
          <CaretUpDownIcon size={14} className="flex-none text-ink-3 max-xl:hidden" />
          <span className="sr-only">{organization.name}, change organization</span>
        </button>
      }
    >
      <MenuLabel>Organizations</MenuLabel>
      {me.organizations.map((one) => (
        <MenuItem key={one.id} onSelect={() => void navigate(`/o/${one.id}`)}>
          <span className={cn('flex-1 truncate', one.id === organization.id && 'font-semibold')}>{one.name}</span>
          <span className="text-xs text-ink-3">{roleName(one.role)}</span>
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem
        icon={<EnvelopeSimpleIcon size={16} />}
        onSelect={() => void navigate(`/o/${organization.id}/invitations`)}
        testId="to-invitations"
      >
        <span className="flex-1">Invitations</span>
        {invitationCount > 0 && <Count value={invitationCount} isHot />}
      </MenuItem>
      <MenuItem icon={<PlusIcon size={16} />} onSelect={() => void navigate('/new-organization')}>
        New organization
      </MenuItem>
    </Menu>
  );
}

function PersonMenu({ me, organization, onSignOut }: { me: Me; organization: Organization; onSignOut: () => void }) {
  const { theme, toggle } = useTheme();
  const navigate = useNavigate();
  return (
    <Menu
      side="top"
      align="start"
      trigger={
        <button
          type="button"
          className="flex min-w-0 flex-1 items-center gap-2.5 rounded-2 p-1.5 text-left hover:bg-hover max-md:size-11 max-md:flex-none max-md:justify-center"
          data-testid="person-menu"
        >
          <Face name={me.displayName} size={28} />
          <span className="min-w-0 max-xl:hidden">
            <span className="block truncate leading-4 font-medium">{me.displayName}</span>
            <span className="block text-2xs text-ink-3">{roleName(organization.role)}</span>
          </span>
          <span className="sr-only">{me.displayName}, account</span>
        </button>
      }
    >
      <MenuLabel>{me.email}</MenuLabel>
      <MenuItem icon={<UserIcon size={16} />} onSelect={() => void navigate(`/o/${organization.id}/account`)} testId="account">
        Your account
      </MenuItem>
      <MenuItem icon={theme === 'dark' ? <SunIcon size={16} /> : <MoonIcon size={16} />} onSelect={toggle}>
        {theme === 'dark' ? 'Light theme' : 'Dark theme'}
      </MenuItem>
      <MenuItem icon={<SignOutIcon size={16} />} onSelect={onSignOut} testId="sign-out">
        Sign out
      </MenuItem>
    </Menu>
  );
}

export function ThemeButton({ className }: { className?: string }) {
  const { theme, toggle } = useTheme();
  return (
    <IconButton
      label={theme === 'dark' ? 'Light theme' : 'Dark theme'}
      onClick={toggle}
      {...(className !== undefined && { className })}
    >
      {theme === 'dark' ? <SunIcon size={18} /> : <MoonIcon size={18} />}
    </IconButton>
  );
}
