import { at, t } from '../support/page.js';

const megabyte = 1024 * 1024;

describe('Upload', () => {
  it('shows how far it is, takes a title meanwhile, and ends in a video that can be watched', () => {
    cy.haveAccount();
    cy.open('/');
    cy.goTo('upload');
    cy.contains('h1', t.upload.title);
    cy.isAccessible();
    cy.limitSending(megabyte / 8);
    cy.choose('choose-files', 'harbour.mp4', { mimeType: 'video/mp4' });
    cy.get(at('upload-row')).should('have.attr', 'data-state', 'sending');
    cy.get(at('upload-facts')).should(([facts]) => {
      const percent = Number(/(\d+)\s?%/.exec(facts.textContent)?.[1]);
      expect(percent).to.be.greaterThan(0).and.lessThan(100);
    });
    cy.get(at('draft-title')).clear();
    cy.get(at('draft-title')).type('A morning in the harbour');
    cy.isAccessible();
    cy.limitSending(0);
    cy.get(at('upload-row')).should('have.attr', 'data-state', 'sent');
    cy.get(at('draft-saving')).should('have.attr', 'data-state', 'saved');
    cy.get(at('processing-note')).should('have.attr', 'data-state', 'ready');
    cy.get(at('processing-note')).should('contain', t.progress.ready);
    cy.isAccessible();

    cy.goTo('my-videos');
    cy.get(at('own-video')).should('contain', 'A morning in the harbour');
    cy.get(at('video-state')).should('have.attr', 'data-state', 'ready');
    cy.isAccessible();

    cy.get(at('nav-home')).click();
    cy.contains(at('video-card'), 'A morning in the harbour').find('a').click();
    cy.get(at('video-title')).should('have.text', 'A morning in the harbour');
    cy.playsPast(1);
    cy.get(at('player-video')).its('0.duration').should('be.closeTo', 12, 0.2);
    cy.isAccessible();
  });
});
