// Several sweeps at once: how their best came down, what each took, and what was set otherwise.
import { CONFIG, briefly, colour, duration, element, layout, number, plain, words } from "./theme.js";

const at = (id) => document.getElementById(id);
const PERIOD_MS = 3000;
// Okabe and Ito's, which people with any colour vision tell apart; then again with dashes.
const COLOURS = ["accent", "best", "completed", "diverged", "failed", "pruned", "stopped_by_hand", "rejected"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const names = [...new Set(new URLSearchParams(location.search).getAll("sweep"))];
let told = "";

async function course(name) {
  const answer = await fetch(`../sweep/${encodeURIComponent(name)}/course.json`);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error || found.detail || `the server answers ${answer.status}`);
  return found;
}

// Sweeps of another metric have no place on one axis: those of the first one's are drawn.
function comparable(found) {
  return found.filter((one) => one.sweep.metric === found[0].sweep.metric && one.sweep.mode === found[0].sweep.mode);
}

function draw(place, found, coordinate, title) {
  const [first] = found;
  const traces = comparable(found).map((one) => {
    const order = found.indexOf(one);
    return {
      type: "scatter", mode: "lines", name: plain(one.sweep.name), x: one.steps.map((step) => step[coordinate]), y: one.steps.map((step) => step[2]),
      line: { shape: "hv", width: 2.5, color: colour(COLOURS[order % COLOURS.length]), dash: DASHES[Math.floor(order / COLOURS.length) % DASHES.length] },
      hovertemplate: `${plain(one.sweep.name)}<br>%{y:.5g} at %{x}<extra></extra>`,
    };
  });
  const made = layout(title, plain(first.sweep.metric), {
    showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, margin: { l: 50, r: 12, t: 30, b: 40 },
    xaxis: { rangemode: "tozero", exponentformat: "none", separatethousands: true }, yaxis: span(comparable(found)),
  });
  return Plotly.react(place, traces, made, CONFIG).then(() => place.setAttribute("data-drawn", "yes"));
}

// The first results of a search are far off: the axis begins where each has had a few.
function span(found) {
  const isMin = found[0].sweep.mode === "min";
  const begins = found.map((one) => bestOf(one, Math.max(3, Math.ceil(0.05 * ended(one))))).filter((value) => value !== null);
  const bests = found.map((one) => one.sweep.best_value).filter((value) => value !== null);
  if (!begins.length) return {};
  const [low, high] = isMin ? [Math.min(...bests), Math.max(...begins)] : [Math.min(...begins), Math.max(...bests)];
  if (low > 0 && high / low > 20) {
    const room = 0.06 * Math.log10(high / low);
    return { type: "log", range: [Math.log10(low) - room, Math.log10(high) + room] };
  }
  const room = 0.06 * (high - low) || 0.1 * Math.abs(high) || 1;
  return { range: [low - room, high + room] };
}

function line(table, cells, kind = "td") {
  const row = element("tr", null, table);
  cells.forEach((text, column) => element(column ? kind : "th", text, row, column ? "" : "text"));
  return row;
}

function heads(table, found) {
  const row = element("tr", null, table);
  element("th", "", row);
  const short = briefly(found.map((one) => one.sweep.name), 32);
  found.forEach((one, order) => {
    const link = element("a", short[order], element("th", null, row, "dot"));
    link.href = `../sweep/${encodeURIComponent(one.sweep.name)}/`;
    link.title = one.sweep.name;
    link.parentNode.style.setProperty("--dot", `var(--${COLOURS[order % COLOURS.length]})`);
  });
}

// The best of equally many trials is the fair comparison: more trials find a better best by chance.
function bestOf(one, count) {
  const before = one.steps.filter((step) => step[0] <= count);
  return before.length ? before[before.length - 1][2] : null;
}

function ended(one) {
  return Object.values(one.sweep.outcomes).reduce((sum, count) => sum + count, 0);
}

function showSides(found) {
  const table = at("sides");
  table.replaceChildren();
  heads(table, found);
  const row = (name, of) => line(table, [name, ...found.map(of)]);
  const fewest = Math.min(...found.map(ended));
  const isOne = comparable(found).length === found.length;
  if (!isOne) row("objective", (one) => `${one.sweep.metric} (${one.sweep.mode})`);
  row("state", (one) => one.sweep.state);
  row(isOne ? `best ${found[0].sweep.metric}` : "best", (one) => number(one.sweep.best_value, 5));
  if (fewest && isOne && found.some((one) => ended(one) !== fewest)) row(`best of the first ${fewest.toLocaleString("en")}`, (one) => number(bestOf(one, fewest), 5));
  row("by trial", (one) => (one.sweep.best === null ? "–" : String(one.sweep.best)));
  row("trials ended", (one) => `${ended(one).toLocaleString("en")} of ${one.sweep.wanted.toLocaleString("en")}`);
  const outcomes = new Set(found.flatMap((one) => Object.keys(one.sweep.outcomes)));
  for (const name of outcomes) row(words(name), (one) => (one.sweep.outcomes[name] || 0).toLocaleString("en"));
  row("epochs trained", (one) => one.sweep.epochs.toLocaleString("en"));
  row("total time", (one) => duration(one.sweep.active_s));
}

function showSettings(found) {
  const table = at("settings");
  table.replaceChildren();
  heads(table, found);
  const keys = [...new Set(found.flatMap((one) => Object.keys(one.settings)))];
  const changed = keys.filter((key) => new Set(found.map((one) => one.settings[key])).size > 1);
  for (const key of changed) line(table, [key, ...found.map((one) => one.settings[key] ?? "")]);
  if (!changed.length) line(table, ["nothing but the name", ...found.map(() => "")]);
}

async function show(found) {
  const apart = found.length - comparable(found).length;
  const data = new Set(found.map((one) => one.sweep.data)).size > 1 ? " They are on other data, so that values say little of one another." : "";
  at("about").textContent = `${found.map((one) => one.sweep.name).join(", ")}.${apart ? ` Curves are of those with ${found[0].sweep.metric} (${found[0].sweep.mode}) alone.` : ""}${data}`;
  showSides(found);
  showSettings(found);
  await draw(at("by-trials"), found, 0, "trials ended");
  await draw(at("by-work"), found, 1, "seconds of work");
}

async function poll() {
  const answers = await Promise.allSettled(names.map(course));
  const found = answers.filter((one) => one.status === "fulfilled").map((one) => one.value);
  const lost = answers.filter((one) => one.status === "rejected").map((one) => one.reason);
  const gone = lost.some((error) => error instanceof TypeError);
  at("error").textContent = gone ? "`sweeps watch` has ended: what is shown is the last that it told." : lost.map((error) => error.message).join("; ");
  at("error").hidden = !lost.length;
  const now = JSON.stringify(found);
  if (found.length && now !== told) await show(found);
  told = now;
  setTimeout(poll, PERIOD_MS);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { told = ""; });
if (!names.length) at("about").textContent = "Tick sweeps in the list of all to compare them.";
else poll();
