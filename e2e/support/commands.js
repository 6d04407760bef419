import { at, isPhone, language } from './page.js';

let counter = 0;

/** Opens a page and waits until the app speaks on it. */
Cypress.Commands.add('open', (path, options = {}) => {
  cy.visit(path, options);
  cy.get('html').should('have.attr', 'lang', language);
  cy.get('h1').should('be.visible');
});

/** Has an installation that was set up, for journeys that begin after that. */
Cypress.Commands.add('haveInstallation', () => {
  cy.request('/api/setup').then(({ body }) => {
    if (!body.needsSetup) return;
    const admin = { name: 'Admin', email: 'admin@example.com', password: 'correct horse battery' };
    cy.request('POST', '/api/setup', { code: Cypress.env('setupCode'), ...admin });
    cy.clearCookies();
  });
});

/** Yields a new account. */
Cypress.Commands.add('haveAccount', ({ isSignedIn = true } = {}) => {
  cy.haveInstallation();
  const account = newAccount();
  cy.request('POST', '/api/auth/sign-up/email', account);
  if (!isSignedIn) cy.clearCookies();
  return cy.wrap(account, { log: false });
});

/** Name, e-mail and password that nobody has yet. */
export function newAccount() {
  counter += 1;
  return { name: `Mina ${counter}`, email: `mina-${Date.now()}-${counter}@example.com`, password: 'seven seas and 1 boat' };
}

/** Fills the fields of a form of accounts. */
Cypress.Commands.add('fill', (form, values) => {
  for (const [name, value] of Object.entries(values)) {
    cy.get(at(`${form}-${name}`)).clear();
    cy.get(at(`${form}-${name}`)).type(value, { delay: 0 });
  }
});

/** Goes to a page as a person does at this width: by the header, or by the bar at the bottom of a phone. */
Cypress.Commands.add('goTo', (page) => {
  cy.get(at(`${isPhone ? 'tab' : 'nav'}-${page}`)).click();
});

/** Opens the menu of the account. */
Cypress.Commands.add('openAccountMenu', () => {
  cy.goTo('account');
  cy.get(at('account-menu')).should('be.visible');
});

/** Chooses a file made of a clip and what comes after it. `selectFile` would take most of a minute for some ten megabytes on a busy machine. */
Cypress.Commands.add('choose', (input, clip, { fileName = clip, mimeType, after = [] }) => {
  cy.fixture(clip, null).then((bytes) => {
    cy.get(at(input)).then(([element]) => {
      const { File, DataTransfer, Event } = element.ownerDocument.defaultView;
      const chosen = new DataTransfer();
      chosen.items.add(new File([bytes, ...after], fileName, { type: mimeType }));
      element.files = chosen.files;
      element.dispatchEvent(new Event('change', { bubbles: true }));
    });
  });
});

/** Limits what the browser sends, in bytes per second; 0 for no limit. */
Cypress.Commands.add('limitSending', (bytesPerSecond) => {
  const params = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond || -1 };
  cy.then(() => Cypress.automation('remote:debugger:protocol', { command: 'Network.emulateNetworkConditions', params }));
});

/** Waits until the video of the page plays past a position, in seconds. */
Cypress.Commands.add('playsPast', (seconds) => {
  cy.get(at('player-video')).should(([video]) => {
    expect(video.error, 'error of the video').to.equal(null);
    expect(video.paused, 'paused').to.equal(false);
    expect(video.currentTime, 'position').to.be.greaterThan(seconds);
  });
});
