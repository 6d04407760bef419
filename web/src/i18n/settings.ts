import { useSyncExternalStore } from 'react';
import { en, type Dictionary } from './en.ts';
import { ko } from './ko.ts';
import { chooseLanguage, type Language } from './language.ts';

const dictionaries: Record<Language, Dictionary> = { en, ko };

/** How light the page is. */
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

interface Settings {
  readonly language: Language;
  readonly theme: Theme;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage can be switched off; the choice then lasts until the page is closed.
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

const languageKey = 'kinora.language';
const themeKey = 'kinora.theme';
const storedTheme = read(themeKey);

let settings: Settings = {
  language: chooseLanguage(read(languageKey), navigator.languages),
  theme: themes.find((theme) => theme === storedTheme) ?? 'system',
};
const listeners = new Set<() => void>();

function apply(): void {
  document.documentElement.lang = settings.language;
  if (settings.theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = settings.theme;
}
apply();

function change(next: Partial<Settings>): void {
  settings = { ...settings, ...next };
  apply();
  for (const listener of listeners) listener();
}

/** Chooses and remembers the language. */
export function setLanguage(language: Language): void {
  write(languageKey, language);
  change({ language });
}

/** Chooses and remembers the appearance. */
export function setTheme(theme: Theme): void {
  write(themeKey, theme);
  change({ theme });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Present language and appearance; the component is drawn again when either changes. */
export const useSettings = (): Settings => useSyncExternalStore(subscribe, () => settings);

/** The present language and all that is said in it. */
export function useText(): { readonly t: Dictionary; readonly language: Language } {
  const { language } = useSettings();
  return { t: dictionaries[language], language };
}
