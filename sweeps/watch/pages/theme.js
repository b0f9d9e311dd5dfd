// Colours of the style sheet for the figures, and texts that people read.
export const OUTCOMES = ["completed", "pruned", "early_stopped", "diverged", "failed", "stopped_by_hand", "rejected", "running", "waiting"];
export const BROKEN = ["diverged", "failed"];

// An outcome has a shape beside its colour, for those who tell few colours apart: that of its points
// (a symbol of Plotly), and that of its mark on a chip (a CSS clip-path).
export const SHAPES = {
  pruned: ["triangle-down", "polygon(0 8%, 100% 8%, 50% 100%)"],
  early_stopped: ["square", "inset(8%)"],
  diverged: ["diamond", "polygon(50% 0, 100% 50%, 50% 100%, 0 50%)"],
  failed: ["hexagon", "polygon(25% 5%, 75% 5%, 100% 50%, 75% 95%, 25% 95%, 0 50%)"],
  stopped_by_hand: ["triangle-up", "polygon(50% 0, 100% 92%, 0 92%)"],
};

export function symbol(outcome) {
  return SHAPES[outcome]?.[0] ?? "circle";
}

// A logarithmic axis for values so many decades apart: every mark has its number in full.
export function logAxis(decades) {
  return decades < 2.5 ? { type: "log", dtick: decades > 1 ? "D2" : "D1", tickformat: "~g" } : { type: "log", dtick: Math.ceil(decades / 8) };
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function element(name, text, parent, kind) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  if (kind) made.className = kind;
  if (parent) parent.append(made);
  return made;
}

// Plotly takes `<b>` and entities in names and labels for markup; they are the user's.
export function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// Texts of at most so many letters, their middles left out; whole where two would be one.
export function briefly(texts, most) {
  const head = Math.floor(most / 2);
  const cut = texts.map((one) => (one.length <= most ? one : `${one.slice(0, head)}…${one.slice(head + 1 - most)}`));
  return cut.map((one, at) => (cut.indexOf(one) === cut.lastIndexOf(one) ? one : texts[at]));
}

// What a sweep searches, in the words of its page.
export function searched(sweep) {
  return `${sweep.method} search${sweep.data === "none" ? "" : ` on ${sweep.data}`}`;
}

export function words(outcome) {
  return outcome.replaceAll("_", " ");
}

export function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e6)) return String(Number(value.toPrecision(digits)));
  return value.toExponential(digits - 1).replace(/\.?0*e/, "e").replace("e+", "e");
}

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

export function layout(x, y, more = {}) {
  const axis = { gridcolor: colour("grid"), linecolor: colour("line"), zeroline: false, automargin: true, exponentformat: "e" };
  const text = (words) => ({ text: words, font: { size: 12, color: colour("quiet") }, standoff: 8 });
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
    font: { family: "system-ui, sans-serif", size: 12, color: colour("ink") },
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") }, namelength: -1 },
    margin: { l: 50, r: 12, t: 8, b: 40 }, uirevision: "kept", selections: [],
    ...more,
    xaxis: { ...axis, title: text(x), ...more.xaxis },
    yaxis: { ...axis, title: text(y), ...more.yaxis },
  };
}

export const CONFIG = { responsive: true, displayModeBar: false, doubleClick: "reset" };
