// One clock for all that counts down.
let now = $state(Date.now());
setInterval(() => (now = Date.now()), 1000 * 15);

export const clock = {
  get now() {
    return now;
  },
};
