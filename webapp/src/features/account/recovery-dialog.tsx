import { CheckIcon, CopyIcon, DownloadSimpleIcon, PrinterIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { dayOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { Checkbox } from '@/ui/checkbox';
import { Dialog } from '@/ui/dialog';
import { useAccount } from './api';
import { groupedCode, recoveryText } from './recovery-text';

/** New recovery codes, this once: to copy, save or print. Closes only once they were kept. */
export function RecoveryDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const email = useAccount().data?.email ?? 'your account';
  const [isCopied, setCopied] = useState(false);
  const [isKept, setKept] = useState(false);
  const text = recoveryText(codes, email, location.origin, dayOf(new Date().toISOString()));

  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  }

  function save(): void {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'recovery-codes.txt';
    link.click();
    URL.revokeObjectURL(url);
  }

  return (
    <Dialog
      isOpen
      onOpenChange={() => isKept && onClose()}
      title="Your recovery codes"
      description="They are shown this once. Keep them where you find them without your phone."
      footer={
        <Button look="primary" disabled={!isKept} onClick={onClose} data-testid="recovery-done">
          Done
        </Button>
      }
    >
      <div className="printed rounded-2 bg-well px-3.5 py-3">
        <p className="mb-2 hidden print:block">
          Recovery codes for {email} at {location.origin}. Each works once, in place of the authenticator’s code.
        </p>
        <ul className="grid grid-cols-2 gap-x-4 gap-y-1.5 font-mono text-sm whitespace-nowrap select-all max-sm:grid-cols-1" data-testid="recovery-list">
          {codes.map((code) => (
            <li key={code}>{groupedCode(code)}</li>
          ))}
        </ul>
      </div>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button size="sm" onClick={copy} data-testid="recovery-copy">
          {isCopied ? <CheckIcon size={14} /> : <CopyIcon size={14} />} {isCopied ? 'Copied' : 'Copy'}
        </Button>
        <Button size="sm" onClick={save} data-testid="recovery-save">
          <DownloadSimpleIcon size={14} /> Download
        </Button>
        <Button size="sm" onClick={() => window.print()}>
          <PrinterIcon size={14} /> Print
        </Button>
      </div>
      <div className="mt-3">
        <Checkbox label="I have kept them" checked={isKept} onChange={(event) => setKept(event.target.checked)} data-testid="recovery-kept" />
      </div>
    </Dialog>
  );
}
