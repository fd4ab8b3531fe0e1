import { newerOf } from '@/api/edit';

/** How a field is called, and what it says now. */
export type FieldWords<Thing> = Partial<Record<keyof Thing, { label: string; say: (now: Thing) => string }>>;

interface EditProblemProps<Thing> {
  error: Error;
  sentence: string;
  words: FieldWords<Thing>;
}

/** Why an edit was refused; where another has been quicker, what they made of it. What was typed stays. */
export function EditProblem<Thing extends object>({ error, sentence, words }: EditProblemProps<Thing>) {
  const newer = newerOf<Thing>(error);
  return (
    <div className="grid gap-1 text-xs text-live" role="alert" data-testid="edit-problem">
      <p>{sentence}</p>
      {newer && (
        <dl className="text-ink">
          {newer.fields.map((field) => {
            const said = words[field];
            return (
              said && (
                <div key={String(field)} className="flex gap-1.5">
                  <dt className="text-ink-2">{said.label}:</dt>
                  <dd className="min-w-0 wrap-anywhere">{said.say(newer.now) || 'empty'}</dd>
                </div>
              )
            );
          })}
        </dl>
      )}
    </div>
  );
}
