// Parallel coordinates: a line a trial, and ranges on its axes that choose trials.
import { CONFIG, briefly, colour, number, plain } from "./theme.js";

const MOST_AXES = 14;
const MOST_LINES = 2000;
const MOST_COLOURED = 200;
const BEST_COLOURED = 60;
const AXIS_WIDTH_PX = 105;
const MOST_OF_OPTION = 14;
const MOST_OF_NAME = 24;

export class Parallel {
  constructor(place, store) {
    this.place = place;
    this.store = store;
    this.ranges = new Map(); // what a person dragged, by the axis
    this.axes = [];
  }

  draw() {
    const { store, place } = this;
    const rows = store.ranks.slice(0, MOST_LINES);
    const varied = store.dimensions.map((one, at) => ({ one, at }));
    varied.sort((a, b) => store.share(b.one.name) - store.share(a.one.name) || a.at - b.at);
    this.axes = [
      ...varied.filter(({ at }) => new Set(rows.map((row) => row.values[at])).size > 1).slice(0, MOST_AXES).map(({ one, at }) => this.axis(one, at, rows)),
      this.objective(rows),
    ];
    if (rows.length < 2) return Promise.resolve(place.setAttribute("data-drawn", String(store.version)));
    place.style.minWidth = `${AXIS_WIDTH_PX * this.axes.length}px`;
    const chosen = rows.map((one) => store.isChosen(one));
    const last = Math.max(1, rows.length - 1);
    // Lines of a high colour are drawn over those of a low one: the best have the highest.
    const isFull = chosen.filter(Boolean).length > MOST_COLOURED;
    const rank = (at) => (isFull ? Math.max(0.05, 1 - (0.9 * at) / BEST_COLOURED) : 0.1 + 0.9 * (1 - at / last));
    const paint = rows.map((_, at) => (chosen[at] ? rank(at) : 0));
    const trace = {
      type: "parcoords", labelangle: -20, labelside: "bottom", labelfont: { size: 12, color: colour("quiet") },
      tickfont: { color: colour("ink"), size: 11 }, rangefont: { color: "rgba(0,0,0,0)" },
      dimensions: this.axes.map(({ own, ...axis }) => ({ ...axis, constraintrange: this.ranges.get(own) })),
      line: {
        color: paint, cmin: 0, cmax: 1,
        colorscale: [[0, colour("faint")], [0.0999, colour("faint")], [0.1, colour("diverged")], [0.5, colour("pruned")], [0.97, colour("accent")], [1, colour("best")]],
      },
      unselected: { line: { color: colour("faint"), opacity: 0.25 } },
    };
    // Of many only the best have colours, which the others would hide.
    if (isFull) trace.line.colorscale.splice(2, 1);
    const made = {
      paper_bgcolor: "rgba(0,0,0,0)", margin: this.margin(), uirevision: "kept",
      font: { family: "system-ui, sans-serif", color: colour("ink") },
    };
    const isNew = !place.classList.contains("js-plotly-plot");
    const drawn = Plotly.react(place, [trace], made, CONFIG);
    if (isNew) place.on("plotly_restyle", () => this.read());
    return drawn.then(() => place.setAttribute("data-drawn", String(store.version)));
  }

  // Reads the ranges that a person dragged, and chooses the trials that lie in all of them.
  read() {
    const found = this.place.data[0].dimensions;
    this.ranges.clear();
    found.forEach((axis, at) => {
      if (axis.constraintrange) this.ranges.set(this.axes[at].own, axis.constraintrange);
    });
    if (!this.ranges.size) return this.store.choose("parallel", "parameters", null);
    const place = this.store.place;
    const tests = found.filter((axis) => axis.constraintrange).map((axis) => {
      const several = Array.isArray(axis.constraintrange[0]) ? axis.constraintrange : [axis.constraintrange];
      return (at) => several.some(([low, high]) => axis.values[at] >= low && axis.values[at] <= high);
    });
    const kept = new Set();
    for (const [trial, at] of place) if (tests.every((test) => test(at))) kept.add(trial);
    const label = found.filter((axis) => axis.constraintrange).map((axis) => axis.label).join(", ");
    return this.store.choose("parallel", label.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"), (one) => kept.has(one.trial));
  }

  // The room that tilted names need: each is centred below its axis.
  margin() {
    const half = 3.4 * Math.max(...this.axes.map((axis) => axis.label.length));
    return { l: Math.max(80, half + 10), r: Math.max(60, half + 10), t: 24, b: 50 + 0.35 * half };
  }

  clear() {
    this.ranges.clear();
  }

  // What has no number lies below the axis, at the mark of a dash.
  axis(one, at, rows) {
    const scale = one.log ? Math.log10 : (value) => value;
    let [low, high] = [scale(one.low), scale(one.high)];
    let values = rows.map((row) => (row.values[at] === null ? null : scale(row.values[at])));
    let marks = one.kind === "choice" ? briefly(one.options, MOST_OF_OPTION).map((text, place) => [place, text]) : this.marks(one, low, high);
    if (values.includes(null)) {
      const below = low - 0.15 * Math.max(high - low, 1);
      values = values.map((value) => (value === null ? below : value));
      marks = [[below, "–"], ...marks];
      low = below;
    }
    return { own: one.name, label: plain(this.labels()[at]), values, range: [low, high > low ? high : low + 1], tickvals: marks.map((mark) => mark[0]), ticktext: marks.map((mark) => mark[1]) };
  }

  // The last part of each dotted name where that is enough to tell it from the others.
  labels() {
    const names = this.store.dimensions.map((one) => one.name);
    const last = names.map((name) => name.slice(name.split(" ")[0].lastIndexOf(".") + 1));
    return briefly(names.map((name, at) => (last.indexOf(last[at]) === last.lastIndexOf(last[at]) ? last[at] : name)), MOST_OF_NAME);
  }

  marks(one, low, high) {
    const found = [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
    const shown = (mark) => (one.log ? 10 ** mark : mark);
    if (one.kind !== "int") return found.map((mark) => [mark, number(shown(mark), 2)]);
    const whole = [...new Set(found.map((mark) => Math.round(shown(mark))))];
    return whole.map((mark) => [one.log ? Math.log10(mark) : mark, String(mark)]);
  }

  objective(rows) {
    const { sweep } = this.store;
    const span = this.store.span() || { low: 0, high: 1, isLog: false };
    const scale = span.isLog ? Math.log10 : (value) => value;
    const [low, high] = [scale(span.low), scale(span.high)];
    const values = rows.map((one) => scale(Math.min(Math.max(one.value, span.low), span.high)));
    const marks = this.marks({ log: span.isLog, kind: "float" }, low, high);
    return { own: " objective", label: plain(sweep.metric), values, range: [low, high > low ? high : low + 1], tickvals: marks.map((mark) => mark[0]), ticktext: marks.map((mark) => number(span.isLog ? 10 ** mark[0] : mark[0], 3)) };
  }
}
