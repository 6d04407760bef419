import type { Visibility } from '@kinora/contracts';
import type { ReactNode } from 'react';
import { useText } from '../i18n/settings.ts';
import { SelectField } from './Field.tsx';

interface Props {
  readonly value: Visibility;
  readonly onChange: (value: Visibility) => void;
  readonly test: string;
}

/** Who can watch a video, with what that means. */
export function VisibilityField({ value, onChange, test }: Props): ReactNode {
  const { t } = useText();
  const choices = Object.keys(t.visibility) as Visibility[];
  return (
    <SelectField
      label={t.upload.visibilityLabel}
      hint={t.visibilityHint[value]}
      value={value}
      onChange={({ target }) => onChange(choices.find((choice) => choice === target.value) ?? value)}
      data-test={test}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {t.visibility[choice]}
        </option>
      ))}
    </SelectField>
  );
}
