import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type ReactNode } from 'react';
import { setupQuery } from '../api/accounts.ts';
import { Alert } from '../components/Alert.tsx';
import { Button } from '../components/Button.tsx';
import { PasswordField, TextField } from '../components/Field.tsx';
import { PageTitle } from '../components/PageTitle.tsx';
import { useText } from '../i18n/settings.ts';
import { faultsOf, type Credentials } from './credentials.ts';
import styles from './page.module.css';

interface Props {
  readonly title: string;
  readonly intro?: string;
  readonly submit: string;
  readonly submitting: string;
  /** Fields to ask for, besides e-mail and password. */
  readonly asks: readonly ('code' | 'name')[];
  readonly isNewPassword: boolean;
  readonly test: string;
  readonly send: (values: Credentials) => Promise<unknown>;
  readonly onDone: () => Promise<void>;
  readonly children?: ReactNode;
}

const blank: Credentials = { code: '', name: '', email: '', password: '' };

/** The form of set-up, sign-up and sign-in. */
export function AccountForm({ title, intro, submit, submitting, asks, isNewPassword, test, send, onDone, children }: Props): ReactNode {
  const { t } = useText();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState(blank);
  const [isTried, setIsTried] = useState(false);
  const faults = faultsOf(values, [...asks, 'email', 'password'], isNewPassword);
  const request = useMutation({
    mutationFn: () => send({ ...values, code: values.code.trim(), name: values.name.trim(), email: values.email.trim() }),
    onSuccess: async () => {
      await client.resetQueries({ queryKey: ['me'] });
      await client.invalidateQueries({ queryKey: setupQuery.queryKey });
      await client.invalidateQueries({ queryKey: ['video-list'] });
      await onDone();
    },
  });
  const bind = (name: keyof Credentials) => ({
    name,
    value: values[name],
    error: isTried && faults[name] ? t.account[faults[name]] : undefined,
    onChange: ({ target }: { readonly target: { readonly value: string } }) => setValues((known) => ({ ...known, [name]: target.value })),
    'data-test': `${test}-${name}`,
  });
  const onSubmit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    setIsTried(true);
    const first = Object.keys(faults)[0];
    if (first !== undefined) form.current?.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
    else request.mutate();
  };
  return (
    <form ref={form} noValidate className={styles['form']} data-test={`${test}-form`} onSubmit={onSubmit}>
      <PageTitle>{title}</PageTitle>
      {intro !== undefined && <p className={styles['intro']}>{intro}</p>}
      {request.isError && <Alert error={request.error} />}
      <div className={styles['fields']}>
        {asks.includes('code') && (
          <div className={styles['code']}>
            <TextField label={t.setup.code} hint={t.setup.codeHint} autoComplete="one-time-code" spellCheck={false} {...bind('code')} />
          </div>
        )}
        {asks.includes('name') && <TextField label={t.account.name} autoComplete="name" maxLength={100} {...bind('name')} />}
        <TextField label={t.account.email} type="email" inputMode="email" autoComplete="username" maxLength={254} {...bind('email')} />
        <PasswordField
          label={t.account.password}
          hint={isNewPassword ? t.account.passwordHint : undefined}
          autoComplete={isNewPassword ? 'new-password' : 'current-password'}
          maxLength={128}
          {...bind('password')}
        />
        <Button kind="primary" type="submit" wide disabled={request.isPending} data-test={`${test}-submit`}>
          {request.isPending ? submitting : submit}
        </Button>
      </div>
      {children}
    </form>
  );
}
