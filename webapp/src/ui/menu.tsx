import { CheckIcon } from '@phosphor-icons/react';
import { DropdownMenu as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cn } from './cn';

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  side?: 'top' | 'bottom';
  align?: 'start' | 'end';
}

/** A menu under (or over) its trigger. Not modal: the room goes on behind it. */
export function Menu({ trigger, children, side = 'bottom', align = 'end' }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          align={align}
          sideOffset={6}
          collisionPadding={8}
          className="appearing z-(--z-menu) min-w-50 max-w-80 rounded-3 bg-raised p-1 shadow-menu"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const ITEM =
  'flex min-h-7.5 items-center gap-2.5 rounded-[3px] px-2 py-1 outline-none! shadow-none! select-none cursor-pointer data-highlighted:bg-active max-md:min-h-11';

interface MenuItemProps {
  icon?: ReactNode;
  isDanger?: boolean;
  onSelect: () => void;
  children: ReactNode;
  testId?: string;
}

export function MenuItem({ icon, isDanger = false, onSelect, children, testId }: MenuItemProps) {
  return (
    <Radix.Item onSelect={onSelect} data-testid={testId} className={cn(ITEM, isDanger ? 'text-live' : 'text-ink')}>
      {icon && <span className={cn('flex-none', !isDanger && 'text-ink-2')}>{icon}</span>}
      {children}
    </Radix.Item>
  );
}

interface MenuChoiceProps {
  value: string;
  onChange: (value: string) => void;
  options: { value: string; label: string }[];
}

/** One of several, with a tick at the one that stands. */
export function MenuChoice({ value, onChange, options }: MenuChoiceProps) {
  return (
    <Radix.RadioGroup value={value} onValueChange={onChange}>
      {options.map((option) => (
        <Radix.RadioItem key={option.value} value={option.value} className={ITEM}>
          <span className="grid w-4 flex-none place-items-center">
            <Radix.ItemIndicator>
              <CheckIcon size={14} weight="bold" />
            </Radix.ItemIndicator>
          </span>
          <span className="truncate">{option.label}</span>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-1.5 pb-1 text-2xs text-ink-3">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="m-1 h-px bg-line" />;
}
