// Draws a scene with a pen, as much of it as is in sight and can be told apart at this size.
import type { Layout } from "./layout.ts";
import { SHAPES, type Look } from "./look.ts";
import type { Meaning, Model } from "./model.ts";
import type { Pen, Side } from "./pen.ts";
import type { Scene, SceneNode } from "./scene.ts";
import { bigOf, count, shortAddress, shownAmount, usd } from "../lib/format.ts";
import { assetOf } from "../lib/assets.ts";

export interface Camera {
  /** The middle of the picture, in the layout's measure. */
  x: number;
  y: number;
  scale: number;
}
export interface Drawn {
  model: Model;
  scene: Scene;
  layout: Layout;
  look: Look;
  camera: Camera;
  width: number;
  height: number;
  picked: number;
  hovered: number;
  pins: Record<string, unknown>;
  notes: Record<string, string>;
  folded: string[];
}

/** Marks shrink less than the distances between them, so that they stay to be seen. */
export function zoomOf(scale: number): number {
  return Math.min(1.5, Math.max(0.3, Math.sqrt(scale)));
}

/** Fewer flows than this are drawn as curves, each by itself. */
const FINE_FLOWS = 2500;
const LABELS_MAX = 250;
/** Names are kept apart by a grid of this measure. */
const CELL = 6;

export function draw(pen: Pen, drawn: Drawn): void {
  const { scene, layout, camera, width, height } = drawn;
  const sx = (at: number) => (layout.x[at]! - camera.x) * camera.scale + width / 2;
  const sy = (at: number) => (layout.y[at]! - camera.y) * camera.scale + height / 2;
  const radius = (at: number) => Math.max(1.6, layout.r[at]! * zoomOf(camera.scale));
  const inSight: number[] = [];
  for (let at = 0; at < scene.nodes.length; at++) {
    const [x, y] = [sx(at), sy(at)];
    if (x > -120 && x < width + 60 && y > -40 && y < height + 40) inSight.push(at);
  }
  flows(pen, drawn, sx, sy, radius);
  for (const at of inSight) node(pen, drawn, at, sx(at), sy(at), radius(at));
  labels(pen, drawn, inSight, sx, sy, radius);
}

function flows(pen: Pen, drawn: Drawn, sx: (at: number) => number, sy: (at: number) => number, radius: (at: number) => number): void {
  const { scene, look, width, height, picked, hovered } = drawn;
  const heaviest = scene.flows.reduce((most, flow) => Math.max(most, flow.weight), 0) || 1;
  const isFine = scene.flows.length <= FINE_FLOWS;
  const isQuiet = scene.lit !== null || picked >= 0;
  const later: number[] = [];
  const paint = (index: number, isLit: boolean) => {
    const flow = scene.flows[index]!;
    const [r1, r2] = [radius(flow.from), radius(flow.to)];
    let [x1, y1, x2, y2] = [sx(flow.from), sy(flow.from), sx(flow.to), sy(flow.to)];
    if (Math.max(x1, x2) < -50 || Math.min(x1, x2) > width + 50 || Math.max(y1, y2) < -50 || Math.min(y1, y2) > height + 50) return;
    const isOnward = x2 > x1 + r1 + r2;
    x1 += isOnward ? r1 : 0;
    x2 -= isOnward ? r2 + 3 : 0;
    if (!isOnward) [y1, y2] = [y1 + r1, y2 + r2];
    const bend = isOnward ? Math.min(160, (x2 - x1) * 0.5) : 0;
    const sag = isOnward ? 0 : Math.min(90, 30 + Math.abs(x1 - x2) * 0.2);
    const stroke = flow.isBeyond ? 1 : Math.max(isFine ? 0.8 : 0.5, 7 * Math.sqrt(flow.weight / heaviest) * Math.min(1, drawn.camera.scale + 0.25));
    const colour = isLit ? look.accent : look.edge;
    const alpha = isLit ? 0.95 : isQuiet ? 0.16 : isFine ? 0.5 : 0.2;
    pen.curve([x1, y1, x1 + bend, y1 + sag, x2 - bend, y2 + sag, x2, y2], colour, isLit ? Math.max(1.6, stroke) : stroke, alpha, flow.isBeyond);
    if (!isLit && (!isFine || drawn.camera.scale < 0.55)) return;
    const a = isLit ? 4 : 3;
    if (isOnward) pen.polygon([x2 + 3, y2, x2 - a - 1, y2 - a, x2 - a - 1, y2 + a], colour, colour, 0);
    else pen.polygon([x2, y2, x2 - a, y2 + 7, x2 + a, y2 + 7], colour, colour, 0);
  };
  scene.flows.forEach((flow, index) => {
    const isLit = scene.lit?.flows.has(index) || (picked >= 0 && (flow.from === picked || flow.to === picked)) || (hovered >= 0 && (flow.from === hovered || flow.to === hovered));
    if (isLit) later.push(index);
    else paint(index, false);
  });
  for (const index of later) paint(index, true);
  if (later.length > 40) return;
  for (const index of later) {
    const flow = scene.flows[index]!;
    // How much went beyond the trace says the panel: here it would read as if it were traced.
    if (flow.isBeyond) continue;
    const x = (sx(flow.from) + sx(flow.to)) / 2;
    const y = (sy(flow.from) + sy(flow.to)) / 2;
    if (Math.hypot(sx(flow.from) - sx(flow.to), sy(flow.from) - sy(flow.to)) < 90) continue;
    const asset = assetOf(flow.asset);
    pen.text(x, y - 8, `${shownAmount(flow.tainted, asset.decimals)} ${asset.symbol}`, look.accent, 11, look.paper);
  }
}

function node(pen: Pen, drawn: Drawn, at: number, x: number, y: number, r: number): void {
  const { scene, look, picked, hovered } = drawn;
  const one = scene.nodes[at]!;
  const [colour, soft] = [look.meaning[one.meaning], look.soft[one.meaning]];
  const isFar = scene.lit !== null && !scene.lit.nodes.has(at);
  if (one.isBundle) {
    pen.circle(x + 3, y - 3, r, soft, colour, 1);
    pen.circle(x + 1.5, y - 1.5, r, soft, colour, 1);
  }
  mark(pen, one.meaning, x, y, r, colour, isFar ? look.paper : soft, look.paper, one.isBeyond);
  if (one.node !== null && drawn.model.nodes[one.node]!.crossings.length) {
    const isInferred = drawn.model.nodes[one.node]!.crossings.some((crossing) => crossing.kind === "inferred");
    pen.circle(x, y, r + 4, null, look.meaning.crossing, 1.6, isInferred);
  }
  if (at === picked || at === hovered) pen.circle(x, y, r + (at === picked ? 7 : 6), null, look.accent, at === picked ? 2.5 : 1.5);
  if (one.key in drawn.pins) pen.polygon([x + r, y - r - 6, x + r + 5, y - r - 1, x + r, y - r + 1], look.ink, look.ink, 1);
  if (drawn.notes[one.key]) pen.circle(x - r, y - r, 3.5, look.accent, look.paper, 1);
  if (drawn.folded.includes(one.key)) pen.circle(x, y, r + 3, null, colour, 1.5, true);
}

export function mark(pen: Pen, meaning: Meaning, x: number, y: number, r: number, colour: string, soft: string, paper: string, isBeyond = false): void {
  if (isBeyond) return outline(pen, meaning, x, y, r, colour, paper);
  switch (SHAPES[meaning].shape) {
    case "target":
      pen.circle(x, y, r, paper, colour, 2);
      pen.circle(x, y, r * 0.5, colour, colour, 1);
      return;
    case "diamond":
      pen.polygon([x, y - r * 1.15, x + r * 1.15, y, x, y + r * 1.15, x - r * 1.15, y], colour, paper, 1);
      return;
    case "square":
      pen.polygon([x - r * 0.9, y - r * 0.9, x + r * 0.9, y - r * 0.9, x + r * 0.9, y + r * 0.9, x - r * 0.9, y + r * 0.9], soft, colour, 1.8);
      return;
    case "triangle":
      pen.polygon([x, y - r * 1.15, x + r * 1.1, y + r * 0.85, x - r * 1.1, y + r * 0.85], soft, colour, 1.8);
      return;
    case "hexagon": {
      const points: number[] = [];
      for (let side = 0; side < 6; side++) points.push(x + r * 1.1 * Math.cos((side * Math.PI) / 3), y + r * 1.1 * Math.sin((side * Math.PI) / 3));
      pen.polygon(points, soft, colour, 2.2);
      return;
    }
    case "disc":
      pen.circle(x, y, r, soft, colour, 2.2);
      if (r > 4) pen.polygon([x - r * 0.45, y - 1, x + r * 0.45, y - 1, x + r * 0.45, y + 1, x - r * 0.45, y + 1], colour, colour, 0);
      return;
    case "ring":
      pen.circle(x, y, r, paper, colour, 1.4);
  }
}

/** What is not of the trace: hollow, with a broken line, and the shape of what it is. */
function outline(pen: Pen, meaning: Meaning, x: number, y: number, r: number, colour: string, paper: string): void {
  const corners = { diamond: 4, square: 4, triangle: 3, hexagon: 6 }[SHAPES[meaning].shape as string];
  if (!corners) return pen.circle(x, y, r, paper, colour, 1.3, true);
  const turn = { diamond: 0, square: Math.PI / 4, triangle: -Math.PI / 2, hexagon: 0 }[SHAPES[meaning].shape as string]!;
  const points = Array.from({ length: corners }, (_, at) => turn + (2 * Math.PI * at) / corners).flatMap((angle) => [x + 1.2 * r * Math.cos(angle), y + 1.2 * r * Math.sin(angle)]);
  pen.polygon(points, paper, colour, 1.3, true);
}

/** The names that fit: the heavy ones first, none over another. */
function labels(pen: Pen, drawn: Drawn, inSight: number[], sx: (at: number) => number, sy: (at: number) => number, radius: (at: number) => number): void {
  const { scene, look, picked, hovered } = drawn;
  const first = (at: number) => (at === picked || at === hovered ? 3 : scene.lit?.nodes.has(at) ? 2 : scene.nodes[at]!.meaning === "stolen" || scene.nodes[at]!.isBundle ? 1 : 0);
  const order = inSight.filter((at) => !scene.lit || scene.lit.nodes.has(at) || first(at) === 3).sort((a, b) => first(b) - first(a) || scene.nodes[b]!.weight - scene.nodes[a]!.weight);
  const taken = new Map<number, number>();
  const cells = (x0: number, y0: number, x1: number, y1: number): number[] => {
    const all: number[] = [];
    for (let row = Math.floor(y0 / CELL); row <= Math.floor(y1 / CELL); row++) for (let column = Math.floor(x0 / CELL); column <= Math.floor(x1 / CELL); column++) all.push(row * 10_000 + column);
    return all;
  };
  // No name lies over another's mark.
  for (const at of inSight) {
    const [x, y, r] = [sx(at), sy(at), radius(at) - 1];
    for (const cell of cells(x - r, y - r, x + r, y + r)) taken.set(cell, at);
  }
  let placed = 0;
  for (const at of order) {
    if (placed >= LABELS_MAX) break;
    const one = scene.nodes[at]!;
    const [name, worth] = words(drawn, one);
    const [x, y, r] = [sx(at), sy(at), radius(at)];
    const wide = Math.max(name.length * 6.1, worth.length * 5.6);
    const isFirst = first(at) > 0 || (one.node !== null && drawn.model.nodes[one.node]!.name !== null);
    const line = worth ? `${name}  ${worth}` : name;
    // Below it in two lines; else beside it in one.
    const places: { side: Side; x: number; y: number; area: number[] }[] = [
      { side: "middle", x, y: y + r + 10, area: cells(x - wide / 2, y + r + 5, x + wide / 2, y + r + (worth ? 26 : 14)) },
      { side: "left", x: x + r + 6, y, area: cells(x + r + 6, y - 5, x + r + 6 + line.length * 5.9, y + 5) },
      { side: "right", x: x - r - 6, y, area: cells(x - r - 6 - line.length * 5.9, y - 5, x - r - 6, y + 5) },
    ];
    const free = places.find((place) => place.area.every((cell) => (taken.get(cell) ?? at) === at));
    const place = free ?? (first(at) === 3 ? places[0]! : null);
    if (!place) continue;
    place.area.forEach((cell) => taken.set(cell, -2));
    placed++;
    if (place.side !== "middle") {
      pen.text(place.x, place.y, line, look.ink, 11, look.paper, isFirst, place.side);
      continue;
    }
    pen.text(place.x, place.y, name, look.ink, 11, look.paper, isFirst);
    if (worth) pen.text(place.x, place.y + 12, worth, look.quiet, 10, look.paper);
  }
}

export function words(drawn: Pick<Drawn, "model" | "folded">, one: SceneNode): [string, string] {
  const { model } = drawn;
  if (one.isBundle) return [`${count(one.members.length)} accounts`, one.usd !== null ? usd(one.usd) : SHAPES[one.meaning].word.toLowerCase()];
  const node = model.nodes[one.node!]!;
  const name = node.name ? (node.name.length > 26 ? `${node.name.slice(0, 25)}…` : node.name) : shortAddress(node.account);
  const behind = one.members.length > 1 ? ` +${count(one.members.length - 1)}` : "";
  if (node.isBeyond) return [name, ""];
  return [name + behind, node.usd !== null ? usd(node.usd) : largest(node.report.tainted)];
}

/** Where nothing has a price: the largest amount, with its asset. */
function largest(amounts: Record<string, string>): string {
  const [first] = Object.entries(amounts).sort(([, a], [, b]) => Number(b) - Number(a));
  if (!first) return "";
  const asset = assetOf(first[0]);
  return `${shownAmount(bigOf(first[1]), asset.decimals)} ${asset.symbol}`;
}
