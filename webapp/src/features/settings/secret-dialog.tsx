import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { Dialog } from '@/ui/dialog';

/** The secret that signs what is sent: shown this once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title="Copy the secret now"
      description="Your server checks with it that a message is ours. It is shown this once; a new one can be made at any time."
      footer={
        <Button look="primary" onClick={onClose} data-testid="secret-done">
          Done
        </Button>
      }
    >
      <CopyField label="Signing secret" value={secret} isMono testId="webhook-secret" />
    </Dialog>
  );
}
