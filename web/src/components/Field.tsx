import { CircleAlert, Eye, EyeOff } from 'lucide-react';
import { useId, useState, type ComponentProps, type ReactNode } from 'react';
import { useText } from '../i18n/settings.ts';
import { IconButton } from './Button.tsx';
import styles from './fields.module.css';

interface Common {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
}

interface Wiring {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

function Labelled({ label, hint, error, children }: Common & { readonly children: (wiring: Wiring) => ReactNode }): ReactNode {
  const id = useId();
  const described = error !== undefined || hint !== undefined ? `${id}-note` : undefined;
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      {children({ id, 'aria-describedby': described, 'aria-invalid': error === undefined ? undefined : true })}
      {error !== undefined ? (
        <p className={styles['error']} id={described}>
          <CircleAlert size={16} aria-hidden="true" />
          {error}
        </p>
      ) : hint !== undefined ? (
        <p className={styles['hint']} id={described}>
          {hint}
        </p>
      ) : null}
    </div>
  );
}

/** A line of text with its label, hint and error. */
export function TextField({ label, hint, error, ...input }: Common & ComponentProps<'input'>): ReactNode {
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(wiring) => <input className={styles['input']} {...input} {...wiring} />}
    </Labelled>
  );
}

/** Several lines of text; grows with what is typed. */
export function TextArea({ label, hint, error, ...area }: Common & ComponentProps<'textarea'>): ReactNode {
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(wiring) => <textarea className={styles['area']} {...area} {...wiring} />}
    </Labelled>
  );
}

/** A choice among a few. */
export function SelectField({ label, hint, error, ...select }: Common & ComponentProps<'select'>): ReactNode {
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(wiring) => <select className={styles['select']} {...select} {...wiring} />}
    </Labelled>
  );
}

/** A password that can be shown while it is typed. */
export function PasswordField({ label, hint, error, ...input }: Common & ComponentProps<'input'>): ReactNode {
  const { t } = useText();
  const [isShown, setIsShown] = useState(false);
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(wiring) => (
        <div className={styles['reveal']}>
          <input className={styles['input']} {...input} {...wiring} type={isShown ? 'text' : 'password'} />
          <IconButton
            label={isShown ? t.account.hidePassword : t.account.showPassword}
            aria-pressed={isShown}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? <EyeOff size={20} aria-hidden="true" /> : <Eye size={20} aria-hidden="true" />}
          </IconButton>
        </div>
      )}
    </Labelled>
  );
}
