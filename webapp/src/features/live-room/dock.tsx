import { CaretDownIcon, CaretUpIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import { IconButton } from '@/ui/button';
import { CameraTile } from './camera-tile';
import type { Picture } from './pictures';

interface DockProps {
  cameras: Picture[];
  /** Stands beside the cameras: the board of ideas. */
  board: ReactNode;
  isOpen: boolean;
  onToggle: () => void;
}

/** Below the picture: cameras at the left, the board beside them. Closes to its header with D. */
export function Dock({ cameras, board, isOpen, onToggle }: DockProps) {
  if (!isOpen) {
    return (
      <div className="flex h-7.5 flex-none items-center gap-2 border-t border-line bg-surface pr-1.5 pl-3 text-xs text-ink-2">
        <span className="flex-1">{cameras.length > 0 ? cameras.map(({ name }) => name).join(', ') : 'Dock'}</span>
        <IconButton label="Open the dock (D)" size="xs" onClick={onToggle}>
          <CaretUpIcon size={12} />
        </IconButton>
      </div>
    );
  }
  return (
    <div className="relative flex h-(--dock) min-w-0 flex-none border-t border-line bg-surface" data-testid="dock">
      {cameras.slice(0, 3).map((camera) => (
        <CameraTile
          key={camera.key}
          picture={camera}
          className="w-66.5 flex-none border-r border-line max-xl:w-50"
        />
      ))}
      <div className="flex min-w-0 flex-1 flex-col">{board}</div>
      <div className="absolute top-0.5 right-1.5">
        <IconButton label="Close the dock (D)" size="xs" onClick={onToggle}>
          <CaretDownIcon size={12} />
        </IconButton>
      </div>
    </div>
  );
}
