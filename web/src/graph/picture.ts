// The picture on a canvas: moved, zoomed, picked in. While it is moved and drawing is dear, what was drawn last
// is moved along, and drawn anew as soon as there is time: it never stops under the hand.
import { draw, zoomOf, type Camera, type Drawn } from "./draw.ts";
import type { Layout } from "./layout.ts";
import type { Look } from "./look.ts";
import type { Model } from "./model.ts";
import { CanvasPen, SvgPen } from "./pen.ts";
import type { Scene } from "./scene.ts";
import type { View } from "./state.ts";

export interface Asks {
  pick(at: number, isSecond: boolean): void;
  open(at: number): void;
  pin(at: number, x: number, y: number): void;
  hover(at: number): void;
}

const CHEAP_MS = 9;
const AGAIN_MS = 140;

export class Picture {
  readonly camera: Camera = { x: 0, y: 0, scale: 1 };
  picked = -1;
  hovered = -1;
  /** How long the last full drawing took. */
  tookMs = 0;
  /** Frames shown since the beginning. */
  frames = 0;
  #to: CanvasRenderingContext2D;
  #kept = document.createElement("canvas");
  #keptAt: Camera | null = null;
  #what: { model: Model; scene: Scene; layout: Layout; view: View } | null = null;
  #look: Look;
  #size = { width: 0, height: 0, ratio: 1 };
  #frame = 0;
  #again: ReturnType<typeof setTimeout> | null = null;
  #isMoving = false;
  #isDirty = true;
  #pointers = new Map<number, { x: number; y: number }>();
  #drag: { at: number; dx: number; dy: number; isMoved: boolean } | null = null;

  constructor(
    readonly canvas: HTMLCanvasElement,
    look: Look,
    readonly asks: Asks,
  ) {
    const to = canvas.getContext("2d");
    if (!to) throw new Error("this browser draws on no canvas");
    this.#to = to;
    this.#look = look;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#hover(-1));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => {
      const at = this.#hit(...this.#point(event));
      if (at >= 0) this.asks.open(at);
    });
  }

  show(what: { model: Model; scene: Scene; layout: Layout; view: View }): void {
    this.#what = what;
    this.paint();
  }
  restyle(look: Look): void {
    this.#look = look;
    this.paint();
  }
  resize(width: number, height: number, ratio: number): void {
    this.#size = { width, height, ratio };
    for (const canvas of [this.canvas, this.#kept]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    this.paint();
  }
  paint(): void {
    this.#isDirty = true;
    this.#ask();
  }
  /** All of it in sight. */
  fit(): void {
    const box = this.#what?.layout.box;
    if (!box || !this.#size.width) return;
    const { width, height } = this.#size;
    this.camera.scale = Math.min(1.4, Math.max(0.02, Math.min((width - (width > 700 ? 250 : width > 500 ? 200 : 110)) / (box.x1 - box.x0), (height - 70) / (box.y1 - box.y0 + 50))));
    this.camera.x = (box.x0 + box.x1) / 2;
    this.camera.y = (box.y0 + box.y1) / 2 + 8 / this.camera.scale;
    this.#rest();
    this.paint();
  }
  zoom(by: number, sx = this.#size.width / 2, sy = this.#size.height / 2): void {
    const { camera } = this;
    const next = Math.min(6, Math.max(0.02, camera.scale * by));
    const [dx, dy] = [sx - this.#size.width / 2, sy - this.#size.height / 2];
    camera.x += dx / camera.scale - dx / next;
    camera.y += dy / camera.scale - dy / next;
    camera.scale = next;
    this.#moved();
  }
  pan(dx: number, dy: number): void {
    this.camera.x -= dx / this.camera.scale;
    this.camera.y -= dy / this.camera.scale;
    this.#moved();
  }
  /** Into sight, where it is not. */
  reveal(at: number): void {
    const layout = this.#what?.layout;
    if (!layout) return;
    const x = (layout.x[at]! - this.camera.x) * this.camera.scale;
    const y = (layout.y[at]! - this.camera.y) * this.camera.scale;
    if (Math.abs(x) < this.#size.width / 2 - 40 && Math.abs(y) < this.#size.height / 2 - 40) return this.paint();
    this.camera.x = layout.x[at]!;
    this.camera.y = layout.y[at]!;
    this.#rest();
    this.paint();
  }

  #drawn(camera: Camera, width: number, height: number): Drawn | null {
    if (!this.#what) return null;
    const { model, scene, layout, view } = this.#what;
    return { model, scene, layout, look: this.#look, camera, width, height, picked: this.picked, hovered: this.hovered, pins: view.pins, notes: view.notes, folded: view.folded };
  }
  #ask(): void {
    this.#frame ||= requestAnimationFrame(() => this.#tick());
  }
  /** The hand has let go: what comes next is drawn in full. */
  #rest(): void {
    if (this.#again) clearTimeout(this.#again);
    this.#again = null;
    this.#isMoving = false;
  }
  #moved(): void {
    this.#isMoving = true;
    this.#isDirty = true;
    this.#again ??= setTimeout(() => {
      this.#again = null;
      this.#isMoving = false;
      this.paint();
      // Drawing never takes more than a quarter of the time.
    }, Math.max(AGAIN_MS, this.tookMs * 3));
    this.#ask();
  }
  #tick(): void {
    this.#frame = 0;
    this.frames++;
    this.canvas.dataset.frames = String(this.frames);
    const { width, height, ratio } = this.#size;
    if (!width) return;
    if (this.#isMoving && this.#keptAt && this.tookMs > CHEAP_MS) return this.#slide();
    if (!this.#isDirty) return;
    const drawn = this.#drawn(this.camera, width, height);
    const start = performance.now();
    this.#to.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#to.fillStyle = this.#look.paper;
    this.#to.fillRect(0, 0, width, height);
    if (drawn) draw(new CanvasPen(this.#to), drawn);
    const kept = this.#kept.getContext("2d");
    kept?.setTransform(1, 0, 0, 1, 0, 0);
    kept?.drawImage(this.canvas, 0, 0);
    this.tookMs = performance.now() - start;
    // Read by whoever measures.
    this.canvas.dataset.tookMs = this.tookMs.toFixed(1);
    this.canvas.dataset.accounts = String(this.#what?.scene.nodes.length ?? 0);
    this.#keptAt = { ...this.camera };
    this.#isDirty = false;
  }
  /** What was drawn last, where it belongs now. */
  #slide(): void {
    const { width, height, ratio } = this.#size;
    const from = this.#keptAt!;
    const by = this.camera.scale / from.scale;
    const x = (from.x - this.camera.x) * this.camera.scale + (width / 2) * (1 - by);
    const y = (from.y - this.camera.y) * this.camera.scale + (height / 2) * (1 - by);
    this.#to.setTransform(1, 0, 0, 1, 0, 0);
    this.#to.fillStyle = this.#look.paper;
    this.#to.fillRect(0, 0, width * ratio, height * ratio);
    this.#to.setTransform(by, 0, 0, by, x * ratio, y * ratio);
    this.#to.drawImage(this.#kept, 0, 0);
  }

  #point(event: MouseEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  #hit(sx: number, sy: number): number {
    if (!this.#what) return -1;
    const { layout, scene } = this.#what;
    const x = (sx - this.#size.width / 2) / this.camera.scale + this.camera.x;
    const y = (sy - this.#size.height / 2) / this.camera.scale + this.camera.y;
    const zoom = zoomOf(this.camera.scale) / this.camera.scale;
    let [found, nearest] = [-1, Infinity];
    for (let at = 0; at < scene.nodes.length; at++) {
      const away = Math.hypot(layout.x[at]! - x, layout.y[at]! - y) - layout.r[at]! * zoom;
      if (away < 6 / this.camera.scale && away < nearest) [found, nearest] = [at, away];
    }
    return found;
  }
  #hover(at: number): void {
    if (at === this.hovered) return;
    this.hovered = at;
    this.canvas.classList.toggle("over", at >= 0);
    this.asks.hover(at);
    if (!this.#isMoving) this.paint();
  }
  #down(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.#point(event);
    this.#pointers.set(event.pointerId, { x, y });
    const at = this.#hit(x, y);
    const layout = this.#what?.layout;
    this.#drag = layout ? { at, dx: x, dy: y, isMoved: false } : null;
  }
  #move(event: PointerEvent): void {
    const [x, y] = this.#point(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.#hover(this.#hit(x, y));
    if (this.#pointers.size === 2) {
      const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      if (other) this.zoom(Math.hypot(x - other.x, y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y)), (x + other.x) / 2, (y + other.y) / 2);
      this.#pointers.set(event.pointerId, { x, y });
      if (this.#drag) this.#drag.isMoved = true;
      return;
    }
    const drag = this.#drag;
    if (drag && !drag.isMoved && Math.hypot(x - drag.dx, y - drag.dy) < 4) return;
    if (drag) drag.isMoved = true;
    this.#pointers.set(event.pointerId, { x, y });
    const layout = this.#what?.layout;
    if (drag && drag.at >= 0 && layout && event.pointerType !== "touch") {
      layout.x[drag.at] = layout.x[drag.at]! + (x - before.x) / this.camera.scale;
      layout.y[drag.at] = layout.y[drag.at]! + (y - before.y) / this.camera.scale;
      this.paint();
    } else this.pan(x - before.x, y - before.y);
  }
  #up(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    const drag = this.#drag;
    if (!drag || this.#pointers.size) return;
    this.#drag = null;
    const layout = this.#what?.layout;
    if (!drag.isMoved) this.asks.pick(drag.at, event.shiftKey);
    else if (drag.at >= 0 && layout && event.pointerType !== "touch") this.asks.pin(drag.at, layout.x[drag.at]!, layout.y[drag.at]!);
  }
  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const [x, y] = this.#point(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp((-event.deltaY * lines) / 500), x, y);
  }

  /** The whole picture as SVG, at the size it was laid out. */
  svg(title: string): string {
    const what = this.#whole();
    if (!what) return "";
    const pen = new SvgPen();
    draw(pen, what);
    return pen.done(what.width, what.height, this.#look.paper, title);
  }
  /** The whole picture as PNG, as large as a browser makes one. */
  async png(): Promise<Blob | null> {
    const what = this.#whole();
    if (!what) return null;
    const ratio = Math.min(2, 8000 / Math.max(what.width, what.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(what.width * ratio);
    canvas.height = Math.round(what.height * ratio);
    const to = canvas.getContext("2d");
    if (!to) return null;
    to.setTransform(ratio, 0, 0, ratio, 0, 0);
    to.fillStyle = this.#look.paper;
    to.fillRect(0, 0, what.width, what.height);
    draw(new CanvasPen(to), what);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }
  #whole(): Drawn | null {
    const box = this.#what?.layout.box;
    if (!box) return null;
    const [width, height] = [box.x1 - box.x0 + 220, box.y1 - box.y0 + 120];
    const drawn = this.#drawn({ x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2, scale: 1 }, width, height);
    return drawn && { ...drawn, picked: -1, hovered: -1 };
  }
  destroy(): void {
    cancelAnimationFrame(this.#frame);
    if (this.#again) clearTimeout(this.#again);
  }
}
