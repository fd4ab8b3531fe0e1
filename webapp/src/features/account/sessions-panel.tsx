import { DesktopIcon, DeviceMobileIcon } from '@phosphor-icons/react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { auth, issuer, type SignIn } from '@/api/auth';
import { momentOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { SettingRow } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { accountSentence } from './account-sentence';
import { deviceOf } from './device';

const key = ['account', 'sessions'];

/** Where one is signed in. Ending one closes its rooms at once. */
export function SessionsPanel() {
  const client = useQueryClient();
  const sessions = useQuery({ queryKey: key, queryFn: () => issuer<{ sessions: SignIn[] }>('GET', '/sessions') });
  const onSuccess = () => client.invalidateQueries({ queryKey: key });
  const end = useMutation({ mutationFn: (id: string) => issuer('DELETE', `/sessions/${id}`), onSuccess });
  const endOthers = useMutation({
    mutationFn: async () => {
      const { error } = await auth.signOut({ scope: 'others' });
      if (error) throw error;
    },
    onSuccess,
  });
  const hasOthers = (sessions.data?.sessions.length ?? 0) > 1;
  return (
    <Panel
      title="Signed in at"
      actions={
        hasOthers && (
          <Button size="sm" isBusy={endOthers.isPending} onClick={() => endOthers.mutate()} data-testid="end-others">
            Sign out everywhere else
          </Button>
        )
      }
    >
      <Loaded query={sessions} failed="Sessions did not load" sentence={accountSentence} place="h-20">
        {({ sessions: list }) =>
          list.map((one) => {
            const device = deviceOf(one.user_agent ?? '');
            return (
              <SettingRow
                key={one.id}
                label={
                  <span className="flex items-center gap-2">
                    {device.isPhone ? <DeviceMobileIcon size={16} /> : <DesktopIcon size={16} />}
                    {device.name}
                    {one.is_current && <span className="font-normal text-ink-3">this one</span>}
                  </span>
                }
                hint={[one.ip, `since ${momentOf(one.created_at)}`].filter(Boolean).join(', ')}
              >
                {!one.is_current && (
                  <Button size="sm" look="quiet" disabled={end.isPending} onClick={() => end.mutate(one.id)} data-testid="end-session">
                    Sign out
                  </Button>
                )}
              </SettingRow>
            );
          })
        }
      </Loaded>
    </Panel>
  );
}
