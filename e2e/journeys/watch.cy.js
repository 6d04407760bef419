import { at, t } from '../support/page.js';

/** Asserts that there is still work on the video, whatever the page says. */
const isUnderway = () =>
  cy.location('pathname').then((path) =>
    cy
      .request(`/api/videos/${path.split('/').pop()}`)
      .its('body.asset.state')
      .should('equal', 'watchable'),
  );

describe('A video that is still being processed', () => {
  it('plays, and can be sought in', () => {
    cy.haveAccount();
    cy.open('/upload');
    cy.choose('choose-files', 'mountain.mkv', { mimeType: 'video/x-matroska' });
    cy.get(at('upload-watch')).click();
    cy.get(at('watch-page')).should('have.attr', 'data-state', 'watchable');
    cy.playsPast(2);
    cy.get(at('preparing'))
      .should('be.visible')
      .find('[role="progressbar"]')
      .invoke('attr', 'aria-label')
      .should('equal', t.upload.processing);
    isUnderway();
    cy.isAccessible();

    // Back to the start and forward again, by the keys of the player.
    const sought = {};
    cy.get(at('player-video')).then(([video]) => {
      video.ownerDocument.addEventListener('keydown', () => (sought.from = video.currentTime), { once: true, capture: true });
      video.addEventListener('seeked', () => (sought.to = video.currentTime), { once: true });
    });
    cy.get('body').type('{leftArrow}');
    cy.wrap(sought).should(({ from, to }) => expect(to).to.be.lessThan(from));
    cy.playsPast(0.5);
    cy.get('body').type('{rightArrow}');
    cy.playsPast(5);
    isUnderway();
  });
});
