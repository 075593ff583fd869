// Something that is asked of the server and shown: on its way, slow, there, or why not.
import { Problem } from "./api.ts";

const SLOW_MS = 1200;

export class Load<T> {
  value = $state.raw<T | undefined>(undefined);
  problem = $state.raw<Problem | undefined>(undefined);
  isBusy = $state(false);
  isSlow = $state(false);
  #ask: (signal: AbortSignal) => Promise<T>;
  #control: AbortController | null = null;

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks; what was asked before and not answered is forgotten. What is shown stays until the answer. */
  async run(): Promise<void> {
    this.#control?.abort();
    const control = new AbortController();
    this.#control = control;
    this.isBusy = true;
    const slow = setTimeout(() => (this.isSlow = true), SLOW_MS);
    try {
      const value = await this.#ask(control.signal);
      if (control.signal.aborted) return;
      this.value = value;
      this.problem = undefined;
    } catch (error) {
      if (control.signal.aborted) return;
      this.problem = asProblem(error);
    } finally {
      clearTimeout(slow);
      if (this.#control === control) {
        this.isBusy = false;
        this.isSlow = false;
      }
    }
  }

  cancel(): void {
    this.#control?.abort();
    this.isBusy = false;
    this.isSlow = false;
  }

  /** Another question: what was shown of the old one goes. */
  ask(ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#ask = ask;
    this.value = undefined;
    this.problem = undefined;
    return this.run();
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new Problem(-1, "page", "the page made a mistake", text);
}
