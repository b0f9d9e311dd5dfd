// The figures of trials, curves and single parameters; choosing in one is seen in all.
import { usualEnd } from "./store.js";
import { BROKEN, CONFIG, OUTCOMES, briefly, colour, element, layout, logAxis, number, plain, plural, symbol, words } from "./theme.js";

const MOST_SVG = 20000; // points of curves, beyond which WebGL draws them
const MOST_SLICES = 24;
const MOST_OF_OPTION = 14;

export function wire(place, store, where, label) {
  place.on("plotly_selected", (event) => {
    if (!event) return store.choose(where, label, null);
    const found = new Set(event.points.map((point) => point.customdata));
    const had = store.filters.get(where);
    // Plotly tells of a selection that it takes away again itself.
    if (!event.range && !event.lassoPoints) return undefined;
    if (!found.size && !had) return undefined;
    return store.choose(where, label, found.size ? (one) => found.has(one.trial) : null);
  });
  place.on("plotly_click", (event) => {
    const trial = event.points[0]?.customdata;
    if (trial !== undefined) store.toggle(trial);
  });
}

export function draw(place, traces, made, store, where, label) {
  const isNew = !place.classList.contains("js-plotly-plot");
  const drawn = Plotly.react(place, traces, made, CONFIG);
  if (isNew) wire(place, store, where, label);
  return drawn.then(() => place.setAttribute("data-drawn", String(store.version)));
}

function about(one, { metric, others }) {
  const named = [[metric, one.value], ...others.map((other, at) => [other.metric, one.others[at]])];
  const values = one.value === null ? ["no result"] : named.map(([name, value]) => `${plain(name)} ${number(value, 5)}`);
  return [`trial ${one.trial}, ${words(one.outcome)}`, ...values].join("<br>");
}

// The objective's axis: values beyond it stand at its edge, trials without any at the very edge.
function objectiveAxis(store) {
  const span = store.span();
  if (span === null) return { axis: { showticklabels: false }, at: () => null };
  const high = store.sweep.mode === "min";
  const [low, top] = span.range;
  const edge = high ? top - 0.02 * (top - low) : low + 0.02 * (top - low);
  const lost = span.isLog ? 10 ** edge : edge;
  const at = (value) => (value === null ? lost : Math.min(Math.max(value, span.low), span.high));
  const isBeyond = (value) => value < span.low || value > span.high;
  const axis = { ...(span.isLog ? logAxis(span.range[1] - span.range[0]) : { type: "linear" }), range: span.range };
  return { axis, at, isBeyond, edge: lost };
}

// One trace of points: those that are not chosen are pale and come first.
export function points(store, rows, x, y) {
  const best = store.sweep.best;
  const depth = (one) => (one.trial === best ? 2 : Number(store.isChosen(one)));
  const sorted = [...rows].sort((a, b) => depth(a) - depth(b));
  const colours = Object.fromEntries(OUTCOMES.map((name) => [name, colour(name)]));
  const size = rows.length > 300 ? 6 : 8;
  return {
    type: "scatter", mode: "markers", cliponaxis: false, x: sorted.map(x), y: sorted.map(y),
    customdata: sorted.map((one) => one.trial), text: sorted.map((one) => about(one, store.sweep)),
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      color: sorted.map((one) => (one.trial === best ? colour("best") : colours[one.outcome])),
      opacity: sorted.map((one) => (store.isChosen(one) ? 0.85 : 0.1)),
      size: sorted.map((one) => (one.trial === best ? size + 5 : size)),
      symbol: sorted.map((one) => (one.trial === best ? "star" : one.value === null ? "x-thin" : symbol(one.outcome))),
      line: { width: sorted.map((one) => (one.value === null ? 2 : one.trial === best ? 1 : 0)), color: sorted.map((one) => (one.value === null ? colours[one.outcome] : colour("ink"))) },
    },
    selected: { marker: {} }, unselected: { marker: {} },
  };
}

export function history(place, store, note) {
  const { axis, at, isBeyond } = objectiveAxis(store);
  const rows = store.trials.filter((one) => one.value !== null || BROKEN.includes(one.outcome));
  const sign = store.sweep.mode === "max" ? -1 : 1;
  let best = null;
  const line = { x: [], y: [] };
  for (const one of store.trials) {
    if (one.value === null) continue;
    if (best === null || sign * (one.value - best) < 0) best = one.value;
    line.x.push(one.trial);
    line.y.push(best);
  }
  const last = store.trials.length - 1;
  if (line.x.length && line.x[line.x.length - 1] !== last && store.sweep.state !== "running") { line.x.push(last); line.y.push(best); }
  const running = {
    type: "scatter", mode: "lines", ...line, line: { shape: "hv", color: colour("best"), width: 2.5 },
    hovertemplate: "best so far %{y:.5g}<extra></extra>",
  };
  const made = layout("trial", plain(store.sweep.metric), {
    dragmode: "select", yaxis: axis, xaxis: { exponentformat: "none", separatethousands: true, range: [-0.5 - 0.01 * store.sweep.wanted, store.sweep.wanted - 0.5 + 0.01 * store.sweep.wanted] },
  });
  if (last < 10) made.xaxis.dtick = 1;
  const lost = rows.filter((one) => one.value === null).length;
  const worse = rows.filter((one) => one.value !== null && isBeyond?.(one.value)).length;
  const atEdge = [worse ? `${plural(worse, "trial")} worse than the axis goes` : "", lost ? `crosses for ${plural(lost, "trial")} without a result` : ""].filter(Boolean);
  note.textContent = !store.ranks.length ? "No trial has a result yet." : `The line is the best so far, the star its trial.${atEdge.length ? ` At the edge: ${atEdge.join(", ")}.` : ""}`;
  return draw(place, [running, points(store, rows, (one) => one.trial, (one) => at(one.value))], made, store, "history", "by trial");
}

function curveTrace(store, rows, kind, style) {
  const found = { x: [], y: [], customdata: [] };
  for (const one of rows) {
    for (const [epoch, value] of store.curves[one.trial] || []) {
      found.x.push(epoch);
      found.y.push(value);
      found.customdata.push(one.trial);
    }
    found.x.push(null);
    found.y.push(null);
    found.customdata.push(undefined);
  }
  return { type: kind, mode: style.dots ? "lines+markers" : "lines", ...found, opacity: style.opacity, line: { width: style.width, color: style.colour },
    marker: { size: 4, color: style.colour }, hovertemplate: "trial %{customdata}, epoch %{x}<br>%{y:.5g}<extra></extra>" };
}

export function curves(place, store, note) {
  const has = store.trials.filter((one) => store.curves[one.trial]?.length);
  const count = has.reduce((sum, one) => sum + store.curves[one.trial].length, 0);
  const kind = count > MOST_SVG ? "scattergl" : "scatter";
  const chosen = has.filter((one) => store.isChosen(one));
  const best = has.filter((one) => one.trial === store.sweep.best && store.isChosen(one));
  const many = chosen.length > 60;
  const longest = has.reduce((most, one) => Math.max(most, store.curves[one.trial].length), 0);
  const dots = longest <= 3;
  const traces = store.hasChoice ? [curveTrace(store, has.filter((one) => !store.isChosen(one)), kind, { width: 1, opacity: 0.5, colour: colour("faint") })] : [];
  for (const outcome of OUTCOMES) {
    const rows = chosen.filter((one) => one.outcome === outcome);
    if (rows.length) traces.push(curveTrace(store, rows, kind, { width: many ? 1 : 1.6, opacity: many ? 0.35 : 0.8, colour: colour(outcome), dots }));
  }
  traces.push(curveTrace(store, best, kind, { width: 3, opacity: 1, colour: colour("best"), dots }));
  const range = curveRange(store, has);
  note.textContent = has.length ? `${plain(store.sweep.metric)} of ${plural(chosen.length, "trial")} by epoch, the best in bold; click on a curve to choose its trial.` : "No epoch has been reported yet.";
  const made = layout("epoch", plain(store.sweep.metric), { dragmode: "zoom", yaxis: range, xaxis: !longest ? { showticklabels: false } : longest <= 10 ? { dtick: 1 } : {} });
  return draw(place, traces, made, store, "curves", "learning curves");
}

// One trial that explodes does not flatten all others.
function curveRange(store, rows) {
  const values = rows.flatMap((one) => store.curves[one.trial].map((point) => point[1])).filter((value) => value !== null);
  if (!values.length) return { showticklabels: false };
  if (values.length < 2) return {};
  values.sort((a, b) => a - b);
  const isMin = store.sweep.mode === "min";
  const ordered = isMin ? values : [...values].reverse();
  const worst = usualEnd(ordered, 0.8);
  const [low, high] = isMin ? [values[0], worst] : [worst, values[values.length - 1]];
  if (!(high > low)) return {};
  if (low > 0 && high / low > 20) {
    const room = 0.05 * Math.log10(high / low);
    return { ...logAxis(Math.log10(high / low)), range: [Math.log10(low) - room, Math.log10(high) + room] };
  }
  const room = 0.05 * (high - low);
  return { range: [low - room, high + room] };
}

// A figure a parameter, made when it is needed, so that the page has one for each.
export function slicePlaces(parent, store) {
  const names = store.dimensions.slice(0, MOST_SLICES).map((one) => one.name);
  if (names.join("\n") === parent.dataset.names) {
    order(parent, store);
    return [...parent.querySelectorAll(".figure")];
  }
  parent.dataset.names = names.join("\n");
  parent.replaceChildren();
  return names.map((name, at) => {
    const card = element("section", null, parent, "card");
    element("h3", name, card);
    const place = element("div", null, card, "figure small");
    place.dataset.dimension = at;
    return place;
  });
}

// What matters most comes first, in its place of the page alone: what was drawn stays.
function order(parent, store) {
  for (const card of parent.children) {
    const one = store.dimensions[Number(card.querySelector(".figure").dataset.dimension)];
    card.style.order = String(-Math.round(1000 * store.share(one.name)));
  }
}

export function slice(place, store) {
  const at = Number(place.dataset.dimension);
  const one = store.dimensions[at];
  const objective = objectiveAxis(store);
  const rows = store.trials.filter((trial) => trial.values[at] !== null && (trial.value !== null || BROKEN.includes(trial.outcome)));
  const isChoice = one.kind === "choice";
  // Trials of one option stand side by side: how far, their numbers say.
  const aside = (trial) => (((trial.trial * 0.618034) % 1) - 0.5) * 0.6;
  const x = (trial) => trial.values[at] + (isChoice ? aside(trial) : 0);
  const made = layout("", "", { dragmode: "select", yaxis: objective.axis, xaxis: sliceAxis(one), margin: { l: 46, r: 8, t: 6, b: 24 } });
  return draw(place, [points(store, rows, x, (trial) => objective.at(trial.value))], made, store, `slice ${at}`, one.name);
}

function sliceAxis(one) {
  if (one.kind === "choice") {
    return { tickvals: one.options.map((_, at) => at), ticktext: briefly(one.options, MOST_OF_OPTION).map(plain), ticklabeloverflow: "allow", range: [-0.6, one.options.length - 0.4], zeroline: false };
  }
  if (!one.log) {
    const room = 0.04 * (one.high - one.low) || 1;
    return { range: [one.low - room, one.high + room], ...(one.kind === "int" && one.high - one.low <= 10 ? { dtick: 1 } : {}) };
  }
  const decades = Math.log10(one.high / one.low);
  const room = 0.04 * decades || 0.1;
  const marks = decades > 2.5 ? { dtick: Math.ceil(decades / 6) } : { dtick: decades > 1 ? "D2" : "D1", tickformat: "~g" };
  return { type: "log", range: [Math.log10(one.low) - room, Math.log10(one.high) + room], ...marks };
}
