import { at, t } from '../support/page.js';

// Needs an installation that nobody has set up: it is the first journey of a round.
describe('First-run set-up', () => {
  it('leads the first visitor to the set-up page and says what is missing there', () => {
    cy.open('/');
    cy.location('pathname').should('equal', '/setup');
    cy.contains('h1', t.setup.title);
    cy.isAccessible();
    cy.get(at('setup-submit')).click();
    cy.get(at('setup-form')).should('contain', t.account.required);
    cy.get(at('setup-code')).should('have.focus').and('have.attr', 'aria-invalid', 'true');
    cy.fill('setup', { code: 'x', name: 'Ada', email: 'ada', password: 'short' });
    cy.get(at('setup-form')).should('contain', t.account.badEmail).and('contain', t.account.shortPassword);
    cy.isAccessible();
  });

  it('refuses a wrong code in a sentence, and makes the admin with the right one', () => {
    cy.open('/my-videos');
    cy.location('pathname').should('equal', '/setup');
    cy.fill('setup', { code: 'not-the-code', name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' });
    cy.get(at('setup-submit')).click();
    cy.get(at('alert')).should('contain', t.problems['wrong-setup-code']);
    cy.isAccessible();
    cy.fill('setup', { code: Cypress.env('setupCode') });
    cy.get(at('setup-submit')).click();
    cy.location('pathname').should('equal', '/');
    cy.get(at('home-empty')).should('contain', t.home.empty);
    cy.openAccountMenu();
    cy.get(at('account-name')).should('have.text', 'Ada');
    cy.isAccessible();
  });

  it('is over then: its page leads home', () => {
    cy.open('/setup');
    cy.location('pathname').should('equal', '/');
  });
});
