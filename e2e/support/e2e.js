import 'cypress-axe';
import './accessibility.js';
import './commands.js';

// What the content security policy refused on the pages of a journey.
let refused = [];

Cypress.on('window:before:load', (window) => {
  window.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    refused.push(`${violatedDirective} ${blockedURI}`),
  );
});

beforeEach(() => {
  refused = [];
});

afterEach(() => {
  expect(refused, 'refused by the content security policy').to.deep.equal([]);
});
