import { EnvelopeSimpleOpenIcon } from '@phosphor-icons/react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { momentOf } from '@/lib/dates';
import { cn } from '@/ui/cn';
import { Mark } from '@/ui/marks';
import { Loaded } from '@/ui/query-state';
import { Scroller } from '@/ui/scroller';
import { Blank } from '@/ui/states';
import { useTitle } from '@/ui/use-title';

interface Letter {
  id: string;
  to: string;
  subject: string;
  text: string;
  createdAt: string;
}

const EVERY_MS = 3_000;
const ADDRESS = /(https?:\/\/\S+)/;

/** Mail that was not sent: for trying things out on a machine without a mail server. */
export function MailboxPage() {
  useTitle('Mailbox');
  const [openId, setOpenId] = useState<string | null>(null);
  const mailbox = useQuery({ queryKey: ['mailbox'], queryFn: read, refetchInterval: EVERY_MS, retry: false });
  return (
    <main className="mx-auto flex h-full max-w-240 flex-col bg-canvas p-4">
      <header className="mb-3 flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Mark size={26} />
        <h1 className="text-xl font-semibold">Mailbox</h1>
        <p className="text-xs text-ink-2">Mail of this development server. Nothing here was sent.</p>
      </header>
      <Scroller label="Mails" className="min-h-0 flex-1 overflow-y-auto rounded-3 border border-line bg-surface">
        <Loaded query={mailbox} failed="There is no mailbox here" sentence={() => 'Servers with a mail server or a database of their own send mail instead.'}>
          {(letters) =>
            letters.length === 0 ? (
              <div className="grid place-items-center py-6">
                <Blank icon={<EnvelopeSimpleOpenIcon size={26} />} title="No mail">
                  Confirmations, invitations and links to sign in show here as they are written.
                </Blank>
              </div>
            ) : (
              <ul>
                {letters.map((letter) => (
                  <li key={letter.id} className="border-line not-last:border-b">
                    <button
                      type="button"
                      aria-expanded={openId === letter.id}
                      onClick={() => setOpenId(openId === letter.id ? null : letter.id)}
                      className="grid w-full grid-cols-[minmax(0,1fr)_auto] gap-x-3 px-3.5 py-2 text-left hover:bg-hover"
                      data-testid="letter"
                    >
                      <span className="line-clamp-2 font-medium wrap-anywhere">{letter.subject}</span>
                      <time className="narrow text-xs text-ink-3" dateTime={letter.createdAt}>
                        {momentOf(letter.createdAt)}
                      </time>
                      <span className="truncate text-xs text-ink-3">to {letter.to}</span>
                    </button>
                    <p className={cn('px-3.5 pb-3 leading-5 wrap-anywhere whitespace-pre-wrap', openId !== letter.id && 'hidden')}>
                      {letter.text.split(ADDRESS).map((part, index) =>
                        ADDRESS.test(part) ? (
                          <a key={index} href={part} className="underline decoration-ink-3 underline-offset-2" data-testid="letter-link">
                            {part}
                          </a>
                        ) : (
                          part
                        ),
                      )}
                    </p>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </Scroller>
    </main>
  );
}

async function read(): Promise<Letter[]> {
  const response = await fetch('/dev/mailbox', { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`mailbox ${response.status}`);
  return ((await response.json()) as { letters: Letter[] }).letters;
}
