// A list of checks, run in order, each told.
export class Suite {
  #checks = [];
  figures = {};
  check(name, run) {
    this.#checks.push({ name, run });
  }
  async run(only) {
    let [passed, failed] = [0, 0];
    for (const { name, run } of this.#checks) {
      if (only && !new RegExp(only).test(name) && !name.startsWith("0")) continue;
      const start = performance.now();
      try {
        await run();
        passed++;
        console.log(`ok      ${name} (${Math.round(performance.now() - start)} ms)`);
      } catch (error) {
        failed++;
        console.log(`FAILED  ${name}\n        ${String(error?.stack ?? error).split("\n").slice(0, 12).join("\n        ")}`);
      }
    }
    for (const [name, value] of Object.entries(this.figures)) console.log(`figure  ${name}: ${value}`);
    console.error(`${passed} passed, ${failed} failed`);
    return failed === 0;
  }
}

export function must(is, what) {
  if (!is) throw new Error(what);
}
