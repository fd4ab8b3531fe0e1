import { useEffect, useState } from 'react';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { accountSentence } from './account-sentence';
import { useAccountChange } from './api';

const DIGITS = 6;

interface Enrolment {
  factorId: string;
  picture: string;
  secret: string;
}

interface EnrolDialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

/** Scan, type the code, done. Left half-way, nothing stands. */
export function EnrolDialog({ isOpen, onOpenChange }: EnrolDialogProps) {
  return isOpen ? <Enrol onOpenChange={onOpenChange} /> : null;
}

function Enrol({ onOpenChange }: Omit<EnrolDialogProps, 'isOpen'>) {
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [code, setCode] = useState('');
  const verify = useAccountChange((typed: string) =>
    enrolment ? auth.mfa.challengeAndVerify({ factorId: enrolment.factorId, code: typed }) : Promise.resolve({ error: null }),
  );
  useEffect(() => {
    let isCurrent = true;
    void begin().then((answer) => {
      if (!isCurrent) return;
      if ('problem' in answer) setProblem(answer.problem);
      else setEnrolment(answer);
    });
    return () => {
      isCurrent = false;
    };
  }, []);
  const digits = code.replace(/\s/g, '');
  const wrong = verify.error ? accountSentence(verify.error) : problem;
  return (
    <Dialog
      isOpen
      onOpenChange={onOpenChange}
      title="Set up an authenticator"
      description="Scan this with an authenticator app, then type the code it shows."
      footer={
        <>
          <Button look="quiet" onClick={() => onOpenChange(false)}>
            Not now
          </Button>
          <Button
            look="primary"
            disabled={!enrolment || digits.length < DIGITS}
            isBusy={verify.isPending}
            onClick={() => verify.mutate(digits, { onSuccess: () => onOpenChange(false) })}
            data-testid="enrol-verify"
          >
            Turn it on
          </Button>
        </>
      }
    >
      <div className="grid gap-3.5">
        {enrolment ? (
          // Black on white in both themes: cameras read it.
          <img src={enrolment.picture} alt="QR code" className="mx-auto size-44 rounded-2 bg-[#fff] p-2" />
        ) : (
          <Skeleton className="mx-auto size-44" />
        )}
        {enrolment && <CopyField label="Or type this key into the app" value={enrolment.secret} isMono testId="enrol-secret" />}
        <TextField
          label="Code"
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={DIGITS + 1}
          value={code}
          error={wrong}
          onChange={(event) => setCode(event.target.value)}
          data-testid="enrol-code"
        />
      </div>
    </Dialog>
  );
}

async function begin(): Promise<Enrolment | { problem: string }> {
  // One that was begun and left would stand in the way under its name.
  const { data: known } = await auth.mfa.listFactors();
  const left = known?.all.filter(({ status }) => status === 'unverified') ?? [];
  await Promise.all(left.map(({ id }) => auth.mfa.unenroll({ factorId: id })));
  const number = (known?.totp.length ?? 0) + 1;
  const { data, error } = await auth.mfa.enroll({ factorType: 'totp', friendlyName: `Authenticator ${number}` });
  if (error) return { problem: accountSentence(error) };
  return { factorId: data.id, picture: data.totp.qr_code, secret: data.totp.secret };
}
