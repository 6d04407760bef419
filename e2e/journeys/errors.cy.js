import { newAccount } from '../support/commands.js';
import { at, t } from '../support/page.js';

/** Which of the two sentences depends on how much of a video the bytes look like. */
const saysWhy = (element) => {
  const isSaid = [t.failures['not-a-video'], t.failures.unreadable].some((sentence) => element.text().includes(sentence));
  expect(isSaid, element.text()).to.equal(true);
};

describe('What goes wrong is said in a sentence', () => {
  it('for a wrong password and an unknown e-mail address alike', () => {
    cy.haveAccount({ isSignedIn: false }).then(({ email }) => {
      cy.open('/sign-in');
      for (const wrong of [{ email }, newAccount()]) {
        cy.fill('sign-in', { email: wrong.email, password: 'not my password' });
        cy.get(at('sign-in-submit')).click();
        cy.get(at('alert')).should('contain', t.problems['wrong-credentials']);
      }
    });
    cy.isAccessible();
    cy.location('pathname').should('equal', '/sign-in');
  });

  it('for an e-mail address that is taken', () => {
    cy.haveAccount({ isSignedIn: false }).then((account) => {
      cy.open('/sign-up');
      cy.fill('sign-up', account);
      cy.get(at('sign-up-submit')).click();
      cy.get(at('alert')).should('contain', t.problems['email-taken']);
    });
    cy.isAccessible();
  });

  it('for a video that does not exist and an address that leads nowhere', () => {
    cy.haveInstallation();
    for (const videoId of ['a'.repeat(20), 'no-such-video']) {
      cy.open(`/watch/${videoId}`);
      cy.get(at('video-missing')).should('contain', t.watch.missingTitle);
    }
    cy.isAccessible();
    cy.open('/no/such/page', { failOnStatusCode: false });
    cy.get(at('not-found')).should('contain', t.missing.title);
    cy.isAccessible();
  });

  it('for a text file, before it is sent or, under the name of a video, after', () => {
    cy.haveAccount();
    cy.open('/upload');
    cy.choose('choose-files', 'notes.txt', { mimeType: 'text/plain' });
    cy.get(at('upload-fault')).should('contain', t.upload.notVideo);
    cy.choose('choose-files', 'notes.txt', { fileName: 'notes.mp4', mimeType: 'video/mp4' });
    cy.get(at('upload-asset-failed')).should(saysWhy);
    cy.isAccessible();
    cy.get(`${at('upload-row')}[data-state="sent"]`)
      .invoke('attr', 'data-video-id')
      .then((videoId) => cy.open(`/watch/${videoId}`));
    cy.get(at('stage-failed')).should(saysWhy);
    cy.isAccessible();
  });
});
