import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { auth } from '@/api/auth';
import { call } from '@/api/client';
import type { DemoPerson } from '@/api/types';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { authSentence } from './auth-sentence';

/** Put into the page by the server of a demo: elsewhere the question itself would be a failed request. */
const IS_DEMO = document.querySelector('meta[name="demo"]') !== null;
const RETRY_MS = 2_000;

interface DemoPanelProps {
  /** Called before signing in: the room to go to, and whether to go straight in. */
  onChoice: (path: string, isEager: boolean) => void;
}

/** A demo's people: one click signs in. Viewers land in the moving picture, the host at the door. */
export function DemoPanel({ onChoice }: DemoPanelProps) {
  const demo = useQuery({
    queryKey: ['demo'],
    queryFn: () => call('GET', '/demo'),
    enabled: IS_DEMO,
    retry: true,
    retryDelay: RETRY_MS,
  });
  // Two visitors under one name would take the seat from each other.
  const [luck] = useState(Math.random);
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  if (!demo.data) return null;
  const { people, organizationId, roomId } = demo.data;
  const viewers = people.filter(({ role }) => role === 'viewer');
  const viewer = viewers[Math.floor(luck * viewers.length)];
  const host = people.find(({ role }) => role === 'owner' || role === 'host');

  async function join(person: DemoPerson): Promise<void> {
    setBusy(person.email);
    setProblem(null);
    onChoice(`/o/${organizationId}/rooms/${roomId}`, person === viewer);
    const { error } = await auth.signInWithPassword({ email: person.email, password: person.password });
    setBusy(null);
    if (error) setProblem(authSentence(error));
  }

  const choice = (person: DemoPerson, kind: 'viewer' | 'host') => (
    <div>
      <Button
        look={kind === 'viewer' ? 'primary' : 'default'}
        size="lg"
        isBusy={busy === person.email}
        disabled={busy !== null}
        onClick={() => void join(person)}
        className="w-full"
        data-testid={`demo-${kind}`}
      >
        Join as {kind}
      </Button>
      <p className="mt-1 truncate text-center text-xs text-ink-3">
        {person.displayName}, {roleName(person.role)}
      </p>
    </div>
  );

  return (
    <section aria-label="Demo" className="mb-3 rounded-3 border border-line bg-surface p-5" data-testid="demo-panel">
      <h2 className="text-md font-semibold">This is a demo</h2>
      <p className="mt-1 mb-3.5 text-ink-2">A made-up market, shown live. Look in as one of its people; no account needed.</p>
      <div className="grid grid-cols-2 gap-2.5">
        {viewer && choice(viewer, 'viewer')}
        {host && choice(host, 'host')}
      </div>
      {problem && (
        <p role="alert" className="mt-2 text-xs text-live">
          {problem}
        </p>
      )}
    </section>
  );
}
