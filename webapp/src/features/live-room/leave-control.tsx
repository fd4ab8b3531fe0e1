import { CaretUpIcon, SignOutIcon, StopCircleIcon } from '@phosphor-icons/react';
import { useRef, useState } from 'react';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Menu, MenuItem } from '@/ui/menu';

interface LeaveControlProps {
  canEnd: boolean;
  onLeave: () => void;
  onEnd: () => Promise<unknown>;
}

/** Leave at once; ending for everyone is in its menu, and asks. */
export function LeaveControl({ canEnd, onLeave, onEnd }: LeaveControlProps) {
  const menuButton = useRef<HTMLButtonElement>(null);
  const [isAsking, setAsking] = useState(false);
  const [isEnding, setEnding] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function end(): Promise<void> {
    setEnding(true);
    setProblem(null);
    try {
      await onEnd();
      setAsking(false);
    } catch (error) {
      setProblem(sentenceOf(error, 'The session still runs. Try again in a moment.'));
    }
    setEnding(false);
  }

  return (
    <>
      <span className="inline-flex h-9.5 flex-none overflow-hidden rounded-3 bg-live-fill font-semibold text-on-live max-md:h-12">
        <button
          type="button"
          onClick={onLeave}
          data-testid="leave"
          className="inline-flex items-center gap-2 px-3.5 hover:bg-scrim/20 focus-visible:-outline-offset-2"
        >
          <SignOutIcon size={18} className="md:hidden" />
          Leave
        </button>
        {canEnd && (
          <Menu
            side="top"
            trigger={
              <button
                ref={menuButton}
                type="button"
                aria-label="End for everyone and more"
                data-testid="leave-menu"
                className="border-l border-current/25 px-2 hover:bg-scrim/20 focus-visible:-outline-offset-2 max-md:px-3"
              >
                <CaretUpIcon size={12} />
              </button>
            }
          >
            <MenuItem icon={<SignOutIcon size={16} />} onSelect={onLeave}>
              Leave, the session goes on
            </MenuItem>
            <MenuItem icon={<StopCircleIcon size={16} />} isDanger onSelect={() => setAsking(true)} testId="end-session">
              End for everyone
            </MenuItem>
          </Menu>
        )}
      </span>
      <Dialog
        isOpen={isAsking}
        returnTo={menuButton}
        onOpenChange={setAsking}
        title="End the session for everyone?"
        description="Picture and sound stop for all. Alerts and chat are kept in the room."
        footer={
          <>
            <Button look="quiet" onClick={() => setAsking(false)}>
              Go on
            </Button>
            <Button look="danger-solid" isBusy={isEnding} onClick={end} data-testid="end-session-confirm">
              End for everyone
            </Button>
          </>
        }
      >
        {problem && (
          <p role="alert" className="text-live">
            {problem}
          </p>
        )}
      </Dialog>
    </>
  );
}
