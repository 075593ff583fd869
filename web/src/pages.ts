// Every page and where it stands; each is fetched when it is first opened.
import type { Component } from "svelte";
import type { Role } from "./lib/types.ts";

export interface Page {
  id: string;
  title: string;
  load: () => Promise<{ default: Component<any> }>;
  /** In the navigation, under this head. */
  group?: "work" | "look" | "run";
  needs?: Role;
}

export const PAGES: Page[] = [
  { id: "", title: "Overview", group: "work", load: () => import("./pages/Overview.svelte") },
  { id: "alerts", title: "Alerts", group: "work", load: () => import("./pages/Alerts.svelte") },
  { id: "cases", title: "Cases", group: "work", load: () => import("./pages/Cases.svelte") },
  { id: "freezes", title: "Freezes", group: "work", load: () => import("./pages/Freezes.svelte") },
  { id: "flow", title: "Flow", group: "look", load: () => import("./pages/Flow.svelte") },
  { id: "screen", title: "Screening", group: "look", load: () => import("./pages/Screen.svelte") },
  { id: "address", title: "Addresses", group: "look", load: () => import("./pages/Address.svelte") },
  { id: "lists", title: "Lists", group: "look", load: () => import("./pages/Lists.svelte") },
  { id: "watches", title: "Watches", group: "look", load: () => import("./pages/Watches.svelte") },
  { id: "reports", title: "Reports", group: "run", load: () => import("./pages/Reports.svelte") },
  { id: "journal", title: "Journal", group: "run", load: () => import("./pages/Journal.svelte"), needs: "approver" },
  { id: "cost", title: "Cost calculator", group: "run", load: () => import("./pages/Cost.svelte") },
  { id: "admin", title: "Administration", group: "run", load: () => import("./pages/Admin.svelte"), needs: "administrator" },
  { id: "me", title: "My account", load: () => import("./pages/Me.svelte") },
];

const NOWHERE: Page = { id: "?", title: "Not found", load: () => import("./pages/Nowhere.svelte") };

export function pages(id: string): Page {
  return PAGES.find((page) => page.id === id) ?? NOWHERE;
}
