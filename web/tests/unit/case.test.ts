import test from "node:test";
import assert from "node:assert/strict";
import { timeline } from "../../src/pages/cases/timeline.ts";
import type { Parts } from "../../src/pages/cases/timeline.ts";

test("what happened in a case stands in the order of time, the newest first, and what did not happen does not", () => {
  const parts = {
    one: { created: "2026-01-01T00:00:00Z" },
    notes: [{ time: "2026-01-03T00:00:00Z", actor: "person:ada", text: "seen" }],
    tasks: [{ title: "call", done: null, done_by: null }, { title: "write", done: "2026-01-04T00:00:00Z", done_by: "person:bo" }],
    deadlines: [{ what: "order", met: null }, { what: "report", met: "2026-01-05T00:00:00Z" }],
    links: [{ kind: "route", target: "#/flow?s=x", time: "2026-01-02T00:00:00Z", actor: "person:ada" }],
    files: [{ name: "a.pdf", time: "2026-01-06T00:00:00Z", actor: "person:ada" }],
    freezes: [{ id: 7, holder: "Tether", created: "2026-01-02T12:00:00Z", drafted_by: "person:ada", approved: null, approved_by: null, sent: null, acknowledged: null, frozen: null, ended: null }],
  } as unknown as Parts;
  assert.deepEqual(timeline(parts).map((moment) => moment.text), ["File attached: a.pdf", "Deadline met: report", "Task done: write", "Note: seen", "Freeze request drafted to Tether", "A flow was kept", "Case begun"]);
  assert.equal(timeline(parts).find((moment) => moment.text === "A flow was kept")!.href, "#/flow?s=x");
  assert.deepEqual(timeline({}), []);
});
