// Two ways to put the same picture down: on a canvas, and as SVG.

/** Where of its text the point is. */
export type Side = "left" | "middle" | "right";

export interface Pen {
  curve(points: [number, number, number, number, number, number, number, number], colour: string, width: number, alpha: number, isDashed?: boolean): void;
  polygon(points: number[], fill: string, stroke: string, width: number, isDashed?: boolean): void;
  circle(x: number, y: number, r: number, fill: string | null, stroke: string, width: number, isDashed?: boolean): void;
  text(x: number, y: number, text: string, colour: string, size: number, halo: string, isBold?: boolean, side?: Side): void;
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

export class CanvasPen implements Pen {
  constructor(readonly to: CanvasRenderingContext2D) {}

  curve([x1, y1, ax, ay, bx, by, x2, y2]: [number, number, number, number, number, number, number, number], colour: string, width: number, alpha: number, isDashed = false): void {
    const to = this.to;
    if (isDashed) to.setLineDash([4, 4]);
    to.globalAlpha = alpha;
    to.strokeStyle = colour;
    to.lineWidth = width;
    to.beginPath();
    to.moveTo(x1, y1);
    to.bezierCurveTo(ax, ay, bx, by, x2, y2);
    to.stroke();
    to.globalAlpha = 1;
    if (isDashed) to.setLineDash([]);
  }
  polygon(points: number[], fill: string, stroke: string, width: number, isDashed = false): void {
    const to = this.to;
    to.beginPath();
    to.moveTo(points[0]!, points[1]!);
    for (let at = 2; at < points.length; at += 2) to.lineTo(points[at]!, points[at + 1]!);
    to.closePath();
    to.fillStyle = fill;
    to.fill();
    if (!width) return;
    to.setLineDash(isDashed ? [3, 2] : []);
    to.strokeStyle = stroke;
    to.lineWidth = width;
    to.stroke();
    if (isDashed) to.setLineDash([]);
  }
  circle(x: number, y: number, r: number, fill: string | null, stroke: string, width: number, isDashed = false): void {
    const to = this.to;
    to.beginPath();
    to.arc(x, y, r, 0, 7);
    if (fill) {
      to.fillStyle = fill;
      to.fill();
    }
    if (!width) return;
    if (isDashed) to.setLineDash([3, 3]);
    to.strokeStyle = stroke;
    to.lineWidth = width;
    to.stroke();
    if (isDashed) to.setLineDash([]);
  }
  text(x: number, y: number, text: string, colour: string, size: number, halo: string, isBold = false, side: Side = "middle"): void {
    const to = this.to;
    to.font = `${isBold ? "600 " : ""}${size}px ${FONT}`;
    to.textAlign = side === "middle" ? "center" : side;
    to.textBaseline = "middle";
    to.lineJoin = "round";
    to.lineWidth = 3;
    to.strokeStyle = halo;
    to.strokeText(text, x, y);
    to.fillStyle = colour;
    to.fillText(text, x, y);
  }
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
const n = (value: number) => String(Math.round(value * 10) / 10);

export class SvgPen implements Pen {
  #parts: string[] = [];

  curve([x1, y1, ax, ay, bx, by, x2, y2]: [number, number, number, number, number, number, number, number], colour: string, width: number, alpha: number, isDashed = false): void {
    this.#parts.push(`<path d="M${n(x1)} ${n(y1)}C${n(ax)} ${n(ay)} ${n(bx)} ${n(by)} ${n(x2)} ${n(y2)}" fill="none" stroke="${colour}" stroke-width="${n(width)}" stroke-opacity="${alpha}"${isDashed ? ' stroke-dasharray="4 4"' : ""}/>`);
  }
  polygon(points: number[], fill: string, stroke: string, width: number, isDashed = false): void {
    this.#parts.push(`<polygon points="${points.map(n).join(" ")}" fill="${fill}" stroke="${stroke}" stroke-width="${n(width)}"${isDashed ? ' stroke-dasharray="3 2"' : ""}/>`);
  }
  circle(x: number, y: number, r: number, fill: string | null, stroke: string, width: number, isDashed = false): void {
    this.#parts.push(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill ?? "none"}" stroke="${stroke}" stroke-width="${n(width)}"${isDashed ? ' stroke-dasharray="3 3"' : ""}/>`);
  }
  text(x: number, y: number, text: string, colour: string, size: number, halo: string, isBold = false, side: Side = "middle"): void {
    this.#parts.push(`<text x="${n(x)}" y="${n(y)}" fill="${colour}" stroke="${halo}" stroke-width="3" stroke-linejoin="round" paint-order="stroke" font-size="${size}" dominant-baseline="central"${isBold ? ' font-weight="600"' : ""}${side === "left" ? "" : ` text-anchor="${side === "middle" ? "middle" : "end"}"`}>${escaped(text)}</text>`);
  }
  done(width: number, height: number, paper: string, title: string): string {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" font-family="${escaped(FONT)}"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="${paper}"/>${this.#parts.join("")}</svg>`;
  }
}
