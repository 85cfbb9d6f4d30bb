const Sequencer = require("@jest/test-sequencer").default;

/**
 * Jest's own order, but first the files that wait for Terraform's provider: it
 * polls for a minute and longer, while others keep the processors busy.
 *
 * @see https://jestjs.io/docs/configuration#testsequencer-string
 */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const waits = ({ path }) =>
      /(terraform|faults-deploy|\/plan)\.test\.ts$/.test(path) ? 0 : 1;
    return super.sort(tests).sort((a, b) => waits(a) - waits(b));
  }
};
