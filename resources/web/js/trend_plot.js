/** A trend on screen: line with its 90 % band, hatched; reference as dots; gaps hatched. */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { timeOfDay } from "./format.js";

const HEIGHT = 220;

function hatch(colour, step, angle) {
  const canvas = document.createElement("canvas");
  canvas.width = step;
  canvas.height = step;
  const context = canvas.getContext("2d");
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (const shift of [-step, 0, step]) {
    context.moveTo(shift, angle > 0 ? step : 0);
    context.lineTo(shift + step, angle > 0 ? 0 : step);
  }
  context.stroke();
  return context.createPattern(canvas, "repeat");
}

export class TrendPlot {
  /**
   * @param {HTMLElement} place
   * @param {{parameters: {name: string, ink: string}[], reference: string, quiet: string, grid: string}} look colours
   */
  constructor(place, look) {
    this.place = place;
    this.look = look;
    this.gaps = [];
    this.rangeS = [0, 1];
    this.plot = new uPlot(this.options(), [[]], place);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(place);
  }

  options() {
    const { parameters, reference, quiet, grid } = this.look;
    const series = [{}];
    const bands = [];
    for (const { ink } of parameters) {
      const at = series.length;
      series.push({ stroke: ink, width: 2, points: { show: false } });
      series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
      series.push({ stroke: reference, paths: () => null, points: { show: true, size: 4, fill: reference, stroke: reference } });
      bands.push({ series: [at + 2, at + 1], fill: hatch(ink, 6, 1) });
    }
    const axis = { stroke: quiet, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid }, font: "12px sans-serif" };
    return {
      width: Math.max(200, this.place.clientWidth), height: HEIGHT, series, bands,
      cursor: { drag: { x: false, y: false } }, legend: { show: false },
      scales: { x: { range: () => this.rangeS }, y: { range: (_, low, high) => roomy(low, high) } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((t) => timeOfDay(t * 1e6)), space: 70 }, { ...axis, size: 46 }],
      hooks: { drawAxes: [(u) => this.drawGaps(u)] },
    };
  }

  /** Tables of `trend_data.table`, one a parameter. */
  show(tables, gaps, rangeS) {
    this.gaps = gaps;
    this.rangeS = rangeS;
    this.plot.setData(tables.length > 1 ? uPlot.join(tables) : tables[0]);
  }

  drawGaps(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = this.gapFill ??= hatch(this.look.quiet, 8, -1);
    for (const [a, b] of this.gaps) {
      const [from, to] = [u.valToPos(a, "x", true), u.valToPos(b, "x", true)];
      ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
    }
    ctx.restore();
  }

  fit() {
    const width = Math.max(200, this.place.clientWidth);
    if (width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  stop() {
    this.sizes.disconnect();
    this.plot.destroy();
  }
}

function roomy(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 0.5);
  return [low - room, high + room];
}
