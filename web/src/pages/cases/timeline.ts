// What happened in a case, from its parts, the newest first.
import type { Alert, Case, Deadline, EvidenceFile, Freeze, Link, Note, Task } from "../../lib/types.ts";
import { words } from "../../lib/format.ts";

export interface Moment {
  time: string;
  text: string;
  who: string | null;
  href?: string;
}
export interface Parts {
  one?: Case;
  notes?: Note[];
  links?: Link[];
  tasks?: Task[];
  deadlines?: Deadline[];
  files?: EvidenceFile[];
  alerts?: Alert[];
  freezes?: Freeze[];
}

export function timeline(parts: Parts): Moment[] {
  const moments: Moment[] = [];
  const add = (time: string | null, text: string, who: string | null = null, href?: string) => time && moments.push({ time, text, who, ...(href ? { href } : {}) });
  if (parts.one) add(parts.one.created, "Case begun");
  for (const note of parts.notes ?? []) add(note.time, `Note: ${note.text}`, note.actor);
  for (const link of parts.links ?? []) add(link.time, link.target.startsWith("#/") ? "A flow was kept" : `Linked ${words(link.kind).toLowerCase()} ${link.target}`, link.actor, link.target.startsWith("#/") ? link.target : undefined);
  for (const task of parts.tasks ?? []) add(task.done, `Task done: ${task.title}`, task.done_by);
  for (const deadline of parts.deadlines ?? []) add(deadline.met, `Deadline met: ${deadline.what}`);
  for (const file of parts.files ?? []) add(file.time, `File attached: ${file.name}`, file.actor);
  for (const alert of parts.alerts ?? []) add(alert.first_seen, `Alert: ${alert.title}`, null, `#/alerts/${alert.id}?state=all`);
  for (const freeze of parts.freezes ?? []) {
    const href = `#/freezes/${freeze.id}`;
    add(freeze.created, `Freeze request drafted to ${freeze.holder}`, freeze.drafted_by, href);
    add(freeze.approved, `Freeze request ${freeze.id} approved`, freeze.approved_by, href);
    for (const [name, when] of [["sent", freeze.sent], ["acknowledged", freeze.acknowledged], ["confirmed frozen", freeze.frozen], ["ended", freeze.ended]] as const) add(when, `Freeze request ${freeze.id} ${name}`, null, href);
  }
  return moments.sort((a, b) => b.time.localeCompare(a.time));
}
