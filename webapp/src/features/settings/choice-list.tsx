import { Checkbox } from '@/ui/checkbox';

interface ChoiceListProps {
  legend: string;
  choices: readonly { name: string; description: string }[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

/** Several of a long list, each in words with its name below. */
export function ChoiceList({ legend, choices, chosen, onChange }: ChoiceListProps) {
  return (
    <fieldset>
      <legend className="mb-1 text-xs font-medium text-ink-2">
        {legend} <span className="font-normal text-ink-3">{chosen.length} chosen</span>
      </legend>
      <div className="h-56 overflow-y-auto rounded-2 border border-line px-2.5 py-1">
        {choices.map(({ name, description }) => (
          <Checkbox
            key={name}
            label={description}
            hint={<span className="font-mono">{name}</span>}
            checked={chosen.includes(name)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name))}
            data-testid={`choice-${name}`}
          />
        ))}
      </div>
    </fieldset>
  );
}
