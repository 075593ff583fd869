// What the API answers, as far as the page reads it. The document is /openapi.json.

export type Role = "viewer" | "analyst" | "approver" | "administrator";
export type Severity = "info" | "low" | "medium" | "high";

export interface Paged<T> {
  items: T[];
  next: string | null;
}
export interface Me {
  actor: string;
  role: Role | null;
  scopes: string[];
  teams: number[];
  has_totp: boolean;
  has_passkey: boolean;
  csrf: string | null;
}
/** How one signs in here, besides a name and a password. */
export interface Ways {
  has_passkeys: boolean;
  provider: string | null;
}
export interface Passkey {
  id: number;
  name: string;
  made_at: string;
  used_at: string | null;
}
export interface Alert {
  id: number;
  kind: string;
  severity: Severity;
  subject: string;
  group: string;
  title: string;
  evidence: unknown;
  latest: unknown;
  times: number;
  first_seen: string;
  last_seen: string;
  state: "open" | "acknowledged" | "snoozed" | "in_case" | "closed";
  reason: string | null;
  is_false_positive: boolean;
  snoozed_until: string | null;
  assignee: string | null;
  team: string | null;
  case: number | null;
  previous: number | null;
}
export interface Case {
  id: number;
  number: string;
  title: string;
  summary: string;
  state: "triage" | "open" | "closed";
  reason: string | null;
  assignee: string | null;
  team: string | null;
  marking: string;
  created: string;
  changed: string;
  merged_into: number | null;
}
export interface Note {
  id: number;
  time: string;
  actor: string;
  text: string;
}
export interface Task {
  id: number;
  title: string;
  assignee: string | null;
  due: string | null;
  done: string | null;
  done_by: string | null;
}
export interface Link {
  id: number;
  kind: string;
  target: string;
  note: string;
  time: string;
  actor: string;
}
export interface Deadline {
  id: number;
  case: number;
  what: string;
  due: string;
  met: string | null;
}
export interface EvidenceFile {
  id: number;
  name: string;
  media_type: string;
  sha256: string;
  size: number;
  /** The bytes are kept there; none: by the server. */
  path: string | null;
  time: string;
  actor: string;
}
export interface Ledger {
  incidents: { id: number; title: string; time: string }[];
  holdings: { id: number; place: string; asset: string; amount: string }[];
  lines: {
    asset: string;
    decimals: number | null;
    claimed: string;
    found: string;
    unclaimed: string;
    shares: { claim: number; incident: number; claimant: string; claimed: string; share: string }[];
  }[];
}
export interface Person {
  id: number;
  retain_until: string;
  erased: string | null;
  /** To be erased before their time, once another person agrees. */
  asked?: { by: string; at: string; reason: string };
}
export interface Entry {
  seq: number;
  time: string;
  actor: string;
  act: string;
  subject: string;
  payload: unknown;
  previous: string;
  hash: string;
}
export interface FreezeItem {
  account: string;
  asset: string;
  asked: string;
  frozen: string;
  recovered: string;
}
export interface Freeze {
  id: number;
  case: number | null;
  revision: number;
  state: string;
  title: string;
  marking: string;
  holder: string;
  jurisdiction: string;
  reference: string | null;
  legal_basis: string[];
  clocks: { acknowledge_s: number; freeze_s: number };
  items: FreezeItem[];
  drafted_by: string;
  approved_by: string | null;
  reason: string | null;
  created: string;
  revised: string;
  approved: string | null;
  sent: string | null;
  acknowledged: string | null;
  frozen: string | null;
  frozen_until: string | null;
  ended: string | null;
}
export interface Due {
  request: number;
  kind: "approve" | "send" | "acknowledge" | "freeze" | "expiry";
  level: number;
  deadline: string;
}
export interface Hit {
  list: string;
  list_date: string | null;
  party: string | null;
  programme: string | null;
  listed_on: string | null;
  delisted_on: string | null;
  absent_since: string | null;
  match: string;
  written: string;
  score: number;
  matched: string;
  pieces: { query: string; matched: string; similarity: string; likeness: number; weight: number; contribution: number }[];
  decision: { decision?: string } | null;
  counterparty: string | null;
}
export interface Screening {
  query: string;
  kind: string;
  hits: Hit[];
  former: Hit[];
  cleared: Hit[];
  searched: { list: string; list_date: string | null; entries: number; covered: boolean }[];
  covered: boolean;
  valid: boolean;
  identifier: { text: string; families: string[] } | null;
  labels: Label[];
  exposure: unknown;
  risk: unknown;
  note: string | null;
}
export interface Label {
  name: string;
  concepts: string[];
  confidence: string;
  confidence_level?: number;
  source: string;
  collection?: string;
  date: string | null;
}
export interface Entity {
  account: string;
  cluster: { id?: string; size?: number; members?: string[]; name?: string | null } | null;
  conflicts: unknown[];
  labels: Label[];
  listings: { address: string; list: string; list_date: string | null; listed_on: string | null; party: string | null }[];
  remarks: string[];
  same_key: string[];
}
export interface User {
  id: number;
  name: string;
  role: Role;
  teams: number[];
  has_password: boolean;
  has_totp: boolean;
  has_passkey: boolean;
  is_locked: boolean;
  made_at: string;
  signed_in_at: string | null;
}
export interface Team {
  id: number;
  name: string;
}
export interface Key {
  id: number;
  name: string;
  hint: string;
  scopes: string[];
  team: number | null;
  per_s: number | null;
  owner: number | null;
  made_by: string;
  made_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  used_at: string | null;
}
export interface TraceState {
  id: number;
  state: "running" | "done" | "cancelled" | "failed";
  begun: string;
  questions: number;
  accounts: number;
  transfers: number;
  error?: string;
  report?: import("../graph/report.ts").Report;
}
