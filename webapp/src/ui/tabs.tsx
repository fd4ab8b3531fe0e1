import { NavLink } from 'react-router';
import { cn } from './cn';

export interface Tab {
  to: string;
  label: string;
  /** Only the exact address is this tab. */
  isExact?: boolean;
}

/** Pages beside each other under one title. Scrolls sideways where there is no room. */
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  return (
    <nav aria-label={label} className="mb-3 flex flex-none gap-1 overflow-x-auto border-b border-line px-3">
      {tabs.map((tab) => (
        <NavLink
          key={tab.to}
          // On a phone the chosen one may lie outside.
          ref={(element) => {
            if (element?.getAttribute('aria-current') === 'page') element.scrollIntoView({ block: 'nearest', inline: 'center' });
          }}
          to={tab.to}
          end={tab.isExact === true}
          className={({ isActive }) =>
            cn(
              '-mb-px flex h-9 flex-none items-center border-b-2 px-2 whitespace-nowrap max-md:h-11',
              isActive ? 'border-ink font-semibold text-ink' : 'border-transparent font-medium text-ink-2 hover:text-ink',
            )
          }
        >
          {tab.label}
        </NavLink>
      ))}
    </nav>
  );
}
