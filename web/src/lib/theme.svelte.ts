// Light, dark, or as the system says.
export type Theme = "system" | "light" | "dark";
const KEY = "interdict.theme";

function kept(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return text === "light" || text === "dark" ? text : "system";
  } catch {
    return "system";
  }
}

let theme = $state<Theme>(kept());
/** Counts changes of what is seen, for those who paint themselves. */
let turn = $state(0);

export const look = {
  get theme() {
    return theme;
  },
  get turn() {
    return turn;
  },
};

export function applyTheme(): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  turn += 1;
}

export function setTheme(next: Theme): void {
  theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // It holds until the page is closed.
  }
  applyTheme();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (turn += 1));
