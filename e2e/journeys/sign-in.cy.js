import { newAccount } from '../support/commands.js';
import { at, language, t } from '../support/page.js';

describe('Accounts', () => {
  beforeEach(() => cy.haveInstallation());

  it('are made, left and entered again', () => {
    const account = newAccount();
    cy.open('/');
    cy.isAccessible();
    cy.goTo('sign-in');
    cy.contains('h1', t.account.signInTitle);
    cy.isAccessible();
    cy.get(at('to-sign-up')).click();
    cy.contains('h1', t.account.signUpTitle);
    cy.isAccessible();
    cy.fill('sign-up', account);
    cy.get(at('sign-up-submit')).click();
    cy.location('pathname').should('equal', '/');
    cy.openAccountMenu();
    cy.get(at('account-name')).should('have.text', account.name);
    cy.get(at('sign-out')).click();
    cy.get(at('account-menu')).should('not.be.visible');

    // A page for accounts asks to sign in, and goes on to where the person wanted to be.
    cy.open('/upload');
    cy.location('pathname').should('equal', '/sign-in');
    cy.fill('sign-in', { email: account.email, password: account.password });
    cy.get(at('sign-in-submit')).click();
    cy.location('pathname').should('equal', '/upload');
    cy.get(at('drop-area')).should('be.visible');
    cy.reload();
    cy.get(at('drop-area')).should('be.visible');
    cy.request('/api/me').its('body.name').should('equal', account.name);
  });

  it('may be used in the other language, which is remembered', () => {
    const other = language === 'ko' ? 'en' : 'ko';
    cy.open('/');
    cy.openAccountMenu();
    cy.get(at('language')).select(other);
    cy.get('html').should('have.attr', 'lang', other);
    cy.reload();
    cy.get('html').should('have.attr', 'lang', other);
    cy.isAccessible();
  });
});
