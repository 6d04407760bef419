// WCAG 2.2 AA, as far as axe can tell, of what is on the page now: light and dark.
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

const emulate = (features) =>
  Cypress.automation('remote:debugger:protocol', {
    command: 'Emulation.setEmulatedMedia',
    params: { features: Object.entries(features).map(([name, value]) => ({ name, value })) },
  });

/** Changes of appearance that are still under way; what goes on for ever has no end to wait for. */
const unfinished = (document) =>
  document.getAnimations().filter(({ playState, effect }) => playState === 'running' && effect.getComputedTiming().endTime !== Infinity);

const print = (scheme) => (violations) => {
  for (const { id, help, nodes } of violations) {
    cy.task('say', `  ${scheme}: ${id}: ${help}`);
    for (const { html, failureSummary } of nodes)
      cy.task('say', `    ${html.slice(0, 200)}\n      ${failureSummary.replaceAll('\n', '\n      ')}`);
  }
};

Cypress.Commands.add('isAccessible', () => {
  cy.injectAxe();
  for (const scheme of ['light', 'dark']) {
    cy.then(() => emulate({ 'prefers-color-scheme': scheme, 'prefers-reduced-motion': 'reduce' }));
    cy.window().should((window) => {
      expect(window.matchMedia(`(prefers-color-scheme: ${scheme})`).matches, scheme).to.equal(true);
      expect(unfinished(window.document), 'unfinished changes').to.have.length(0);
    });
    cy.checkA11y(null, { runOnly: standards }, print(scheme));
  }
  cy.then(() => emulate({}));
});
