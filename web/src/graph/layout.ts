// Where accounts stand: a column for each hop, each near those its value came from. The same scene is always
// laid out the same.
import type { Scene } from "./scene.ts";

export interface Layout {
  x: Float64Array;
  y: Float64Array;
  /** Radius. */
  r: Float64Array;
  box: { x0: number; y0: number; x1: number; y1: number };
}

const COLUMN = 250;
const ROW = 46;
const NARROW = 120;

export function layout(scene: Scene, pins: Record<string, [number, number]>, isBackward = false, aspect = 2): Layout {
  const count = scene.nodes.length;
  const [x, y, r] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const heaviest = scene.nodes.reduce((most, node) => Math.max(most, node.weight), 0) || 1;
  scene.nodes.forEach((node, at) => {
    r[at] = 6 + 14 * Math.sqrt(Math.max(0, node.weight) / heaviest) + (node.isBundle ? 4 : 0);
  });
  const columns = new Map<number, number[]>();
  scene.nodes.forEach((node, at) => {
    const list = columns.get(node.depth);
    if (list) list.push(at);
    else columns.set(node.depth, [at]);
  });
  const tall = tallness([...columns.values()].map((list) => list.length), aspect);
  let left = 0;
  for (const depth of [...columns.keys()].sort((a, b) => a - b)) {
    const list = columns.get(depth)!;
    const wanted = new Map(list.map((at) => [at, near(scene, at, y, depth)]));
    list.sort((a, b) => wanted.get(a)! - wanted.get(b)! || scene.nodes[b]!.weight - scene.nodes[a]!.weight || a - b);
    const wide = Math.ceil(list.length / tall);
    const rows = Math.ceil(list.length / wide);
    const centre = middle(list.map((at) => wanted.get(at)!)) * (list.length > tall / 2 ? 0.25 : 0.8);
    list.forEach((at, index) => {
      const row = Math.floor(index / wide);
      const column = index % wide;
      x[at] = left + column * NARROW;
      y[at] = centre + (row - (rows - 1) / 2) * ROW + (wide > 1 && column % 2 ? ROW / 2 : 0);
    });
    left += COLUMN + (wide - 1) * NARROW;
  }
  // Money always runs from left to right.
  if (isBackward) for (let at = 0; at < count; at++) x[at] = -x[at]!;
  scene.nodes.forEach((node, at) => {
    const pin = pins[node.key];
    if (pin) [x[at], y[at]] = pin;
  });
  return { x, y, r, box: boxOf(x, y, r) };
}

/** How many stand above each other before a column is set in several: as fills a surface of this shape best. */
function tallness(counts: number[], aspect: number): number {
  let [best, found] = [0, 26];
  for (let tall = 8; tall < 600; tall = Math.ceil(tall * 1.15)) {
    const width = counts.reduce((sum, count) => sum + COLUMN + (Math.ceil(count / tall) - 1) * NARROW, 0);
    const height = Math.max(...counts.map((count) => Math.min(count, tall)), 6) * ROW;
    const scale = Math.min(aspect / width, 1 / height);
    if (scale > best) [best, found] = [scale, tall];
  }
  return found;
}

/** Where those stand that its value came from, the heavier the nearer. */
function near(scene: Scene, at: number, y: Float64Array, depth: number): number {
  let [sum, weight] = [0, 0];
  for (const index of [...scene.into[at]!, ...scene.out[at]!]) {
    const flow = scene.flows[index]!;
    const other = flow.from === at ? flow.to : flow.from;
    if (scene.nodes[other]!.depth >= depth) continue;
    const w = flow.weight + 1e-9;
    sum += y[other]! * w;
    weight += w;
  }
  return weight ? sum / weight : 0;
}

function middle(values: number[]): number {
  if (!values.length) return 0;
  return (Math.min(...values.slice(0, 5000)) + Math.max(...values.slice(0, 5000))) / 2;
}

export function boxOf(x: Float64Array, y: Float64Array, r: Float64Array): Layout["box"] {
  if (!x.length) return { x0: -100, y0: -100, x1: 100, y1: 100 };
  const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (let at = 0; at < x.length; at++) {
    box.x0 = Math.min(box.x0, x[at]! - r[at]!);
    box.x1 = Math.max(box.x1, x[at]! + r[at]!);
    box.y0 = Math.min(box.y0, y[at]! - r[at]!);
    box.y1 = Math.max(box.y1, y[at]! + r[at]!);
  }
  return box;
}
