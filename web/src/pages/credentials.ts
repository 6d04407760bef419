/** Fields of the account forms. */
export interface Credentials {
  readonly code: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** What is wrong with a field, as a key of the dictionary's `account`. */
export type FieldFault = 'required' | 'badEmail' | 'shortPassword';

/** Faults of the fields a form asks for, found before the server is asked; empty when there are none. A password is measured only where one is chosen. */
export function faultsOf(
  values: Credentials,
  asked: readonly (keyof Credentials)[],
  isNewPassword: boolean,
): Partial<Record<keyof Credentials, FieldFault>> {
  const faults: Partial<Record<keyof Credentials, FieldFault>> = {};
  for (const field of asked) if (values[field].trim() === '') faults[field] = 'required';
  if (!faults.email && asked.includes('email') && !/^\S+@\S+\.\S+$/.test(values.email.trim())) faults.email = 'badEmail';
  if (!faults.password && isNewPassword && [...values.password].length < 8) faults.password = 'shortPassword';
  return faults;
}

/** A path of this site to go to after signing in; anything that could lead elsewhere is the home page. */
export function safePath(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])[^\\\s]*$/.test(to) ? to : '/';
}
