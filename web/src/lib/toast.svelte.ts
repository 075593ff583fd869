// Short words about what was just done, read out by screen readers.
interface Said {
  id: number;
  text: string;
  isBad: boolean;
}
let all = $state.raw<Said[]>([]);
let last = 0;

export const toasts = {
  get all() {
    return all;
  },
};

export function say(text: string, isBad = false): void {
  const id = ++last;
  all = [...all.slice(-2), { id, text, isBad }];
  setTimeout(() => drop(id), isBad ? 12_000 : 5000);
}

export function drop(id: number): void {
  all = all.filter((said) => said.id !== id);
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied in full");
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    say(done ? "Copied in full" : "The browser did not let it be copied", !done);
  }
}
