import { en } from '../../web/src/i18n/en.ts';
import { ko } from '../../web/src/i18n/ko.ts';

/** The language of this round and all that the app says in it. */
export const language = Cypress.env('language');
export const t = { en, ko }[language];

/** True on a phone, where the bottom bar leads to the pages. */
export const isPhone = Cypress.config('viewportWidth') < 600;

/** Selects what has this name in the page. */
export const at = (name) => `[data-test="${name}"]`;
