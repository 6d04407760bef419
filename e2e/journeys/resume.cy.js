import { at, t } from '../support/page.js';

const chunkBytes = 64 * 1024 * 1024; // of the web app; the bytes after it go by a second PATCH
const fileName = 'harbour-long.mp4';

/** An MP4 box of nothing, behind a clip: so that it takes two requests to send. */
function filler() {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, chunkBytes);
  head.set(
    [...'free'].map((letter) => letter.charCodeAt(0)),
    4,
  );
  return [head, new Uint8Array(chunkBytes - head.length)];
}

const file = { fileName, mimeType: 'video/mp4' };

/** Where the requests of a page that send bytes began. */
const offsetsOf = (spy) =>
  spy
    .getCalls()
    .filter(({ args }) => args[0].toLowerCase() === 'upload-offset')
    .map(({ args }) => Number(args[1]));

const listen = { onBeforeLoad: (window) => cy.spy(window.XMLHttpRequest.prototype, 'setRequestHeader').as('headers').log(false) };

describe('An interrupted upload', () => {
  it('goes on after a reload where it stopped', () => {
    cy.haveAccount();
    let letGo;
    // The second request is held until the page that sent it is gone.
    cy.intercept({ method: 'PATCH', url: '/api/uploads/*', headers: { 'upload-offset': String(chunkBytes) }, times: 1 }, (request) => {
      return new Promise((resolve) => {
        letGo = () => {
          request.destroy();
          resolve();
        };
      });
    }).as('held');
    cy.open('/upload', listen);
    cy.choose('choose-files', 'harbour.mp4', { ...file, after: filler() });
    // 64 MiB go first, on any machine.
    cy.wrap(null, { timeout: 120_000 }).should(() => expect(letGo, 'second request').to.be.a('function'));
    cy.get('@headers').should((spy) => expect(offsetsOf(spy)).to.deep.equal([0, chunkBytes]));
    cy.get(at('upload-row')).should('have.attr', 'data-state', 'sending');

    cy.open('/upload', listen);
    cy.then(() => letGo());
    cy.get(at('upload-row')).should('have.attr', 'data-state', 'interrupted').and('contain', t.upload.interrupted(fileName));
    cy.isAccessible();

    cy.choose('resume-file', 'notes.txt', file);
    cy.get(at('upload-fault')).should('be.visible');
    cy.choose('resume-file', 'harbour.mp4', { ...file, after: filler() });
    cy.get(at('upload-row')).should('have.attr', 'data-state', 'sent');
    cy.get('@headers').should((spy) => {
      const [first, ...rest] = offsetsOf(spy);
      expect(first, 'offset of the first request after the reload').to.be.at.least(chunkBytes);
      expect(rest).to.deep.equal([]);
    });
    cy.get(at('upload-link')).should('be.visible');
    cy.get(at('upload-watch')).click();
    cy.playsPast(1);
  });
});
