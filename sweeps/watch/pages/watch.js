// The page of one sweep: its head, and what is drawn when.
import { curves, history, slice, slicePlaces } from "./figures.js";
import { matters, mattersWords } from "./matters.js";
import { front, frontPlaces, frontWords } from "./objectives.js";
import { Parallel } from "./parallel.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { BROKEN, OUTCOMES, SHAPES, duration, element, number, plural, searched, words } from "./theme.js";

const at = (id) => document.getElementById(id);
const store = new Store();
const parallel = new Parallel(at("parallel"), store);
const table = new Table(at("trials"), at("pages"), at("find"), store);

// Figures are drawn one a frame, and only those that can be seen; none while a person drags.
const dirty = new Set();
const seen = new Set();
const drawers = new Map();
let isHeld = false;
let isDrawing = false;
const watcher = new IntersectionObserver((found) => {
  for (const one of found) {
    if (one.isIntersecting) seen.add(one.target);
    else seen.delete(one.target);
  }
  drain();
}, { rootMargin: "300px" });

function figure(place, drawer) {
  drawers.set(place, drawer);
  watcher.observe(place);
}

function drain() {
  if (isDrawing || isHeld || !store.sweep) return;
  const next = [...dirty].find((place) => seen.has(place));
  if (!next) return;
  dirty.delete(next);
  isDrawing = true;
  const drawn = next.isConnected ? drawers.get(next)() : Promise.resolve();
  drawn.catch((error) => showError(error.message)).finally(() => {
    isDrawing = false;
    requestAnimationFrame(drain);
  });
}

addEventListener("pointerdown", () => { isHeld = true; });
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => { isHeld = false; setTimeout(drain, 50); });
}

figure(at("history"), () => history(at("history"), store, at("history-note")));
figure(at("curves"), () => curves(at("curves"), store, at("curves-note")));
figure(at("parallel"), () => parallel.draw());
figure(at("matters"), () => matters(at("matters"), store));

function redraw() {
  for (const place of slicePlaces(at("slices"), store)) {
    if (!drawers.has(place)) figure(place, () => slice(place, store));
  }
  for (const place of frontPlaces(at("front"), store)) {
    if (!drawers.has(place)) figure(place, () => front(place, store));
  }
  const hasFront = store.sweep.others.length > 0 && store.ranks.length > 0;
  at("front-part").hidden = !hasFront;
  at("front-note").textContent = hasFront ? frontWords(store) : "";
  at("matters-card").hidden = !store.matters || !store.dimensions.length;
  at("matters").hidden = !store.matters?.found.length; // here, as what is hidden is never drawn
  at("matters-note").textContent = store.matters ? mattersWords(store) : "";
  for (const place of drawers.keys()) {
    if (place.isConnected) dirty.add(place);
    else drawers.delete(place);
  }
  at("slices-part").hidden = !store.dimensions.length || !store.ranks.length;
  at("parallel-card").hidden = store.ranks.length < 2 || !store.dimensions.length;
  table.draw();
  drain();
}

function tile(name, value) {
  const made = element("div", null, at("tiles"), "tile");
  element("span", name, made);
  element("b", value, made);
}

function counts() {
  const found = Object.fromEntries(OUTCOMES.map((name) => [name, 0]));
  for (const one of store.trials) found[one.outcome] += 1;
  if (store.sweep.state !== "running") {
    found.waiting += found.running;
    found.running = 0;
  }
  found.waiting += store.sweep.wanted - store.trials.length;
  return found;
}

function showHead() {
  const { sweep } = store;
  document.title = `${sweep.best_value === null ? "" : `${number(sweep.best_value)} · `}${sweep.name}`;
  at("name").textContent = sweep.name;
  at("state").textContent = sweep.state;
  at("state").className = `badge ${sweep.state}`;
  at("report").hidden = !sweep.has_report;
  at("mlflow").hidden = !store.hasMlflow;
  showPause();
  showStop();
  at("add").hidden = false; // of one that nothing runs, the answer names the command
  const way = sweep.mode === "min" ? "low" : "high";
  const stopped = sweep.stopped ? ` ${sweep.state === "paused" ? "It waits" : "Stopped"}: ${sweep.stopped}.` : sweep.shared ? ` ${sweep.shared}.` : "";
  at("about").textContent = `${searched(sweep)} for a ${way} ${sweep.metric}.${stopped}${sweep.to_be_added ? ` ${plural(sweep.to_be_added, "more trial")} to come after these.` : ""}`;
  const ended = Object.values(sweep.outcomes).reduce((sum, one) => sum + one, 0);
  at("tiles").replaceChildren();
  tile(`best ${sweep.metric}`, number(sweep.best_value, 5));
  tile("by trial", sweep.best === null ? "–" : String(sweep.best));
  tile("trials ended", `${ended.toLocaleString("en")} of ${sweep.wanted.toLocaleString("en")}`);
  tile("epochs trained", sweep.epochs.toLocaleString("en"));
  tile("total time", duration(sweep.active_s));
  showBar(counts());
}

function showPause() {
  const isPaused = store.sweep.state === "paused";
  if (isPaused || !store.isHeld) store.asked.delete("pause");
  if (!isPaused) store.asked.delete("go-on");
  const isAsked = store.asked.has(isPaused ? "go-on" : "pause");
  at("pause").hidden = !store.isHeld;
  at("pause").disabled = isAsked || store.asked.has("stop");
  at("pause").textContent = isPaused ? (isAsked ? "going on …" : "go on") : isAsked ? "pausing …" : "pause";
}

at("pause").addEventListener("click", () => store.ask(store.sweep.state === "paused" ? "go-on" : "pause"));

at("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const what = `add/${Number(at("more").value)}`;
  store.ask(what).then(() => store.asked.delete(what)); // may be asked for again
});

function showStop() {
  const isAsked = store.asked.has("stop");
  if (!store.isHeld) store.asked.delete("stop");
  at("stop").hidden = !store.isHeld;
  at("stop").disabled = isAsked;
  at("stop").textContent = isAsked ? "stopping …" : "stop the sweep";
}

at("stop").addEventListener("click", () => {
  if (confirm("Stop the sweep? What is trained is kept, and `sweeps resume` goes on.")) store.ask("stop");
});

function showBar(found) {
  at("bar").replaceChildren();
  at("outcomes").replaceChildren();
  at("bar").setAttribute("aria-label", OUTCOMES.filter((name) => found[name]).map((name) => `${found[name]} ${words(name)}`).join(", "));
  for (const name of OUTCOMES.filter((one) => found[one])) {
    if (name !== "waiting") {
      const part = element("i", null, at("bar"));
      part.style.flex = `${found[name]} 0 0`;
      part.style.background = `var(--${name})`;
    }
    const chip = element("button", null, at("outcomes"), "chip");
    const mark = element("i", null, chip);
    mark.style.background = `var(--${name})`;
    mark.style.clipPath = SHAPES[name]?.[1] ?? "";
    element("span", `${found[name].toLocaleString("en")} ${words(name)}`, chip);
    const isOn = store.filters.get("outcome")?.label === words(name);
    chip.setAttribute("aria-pressed", String(isOn));
    chip.addEventListener("click", () => store.choose("outcome", words(name), isOn ? null : (one) => one.outcome === name));
  }
  if (found.waiting) element("i", null, at("bar")).style.flex = `${found.waiting} 0 0`;
}

function showFilters() {
  const place = at("filters");
  place.hidden = !store.hasChoice;
  place.replaceChildren();
  if (!store.hasChoice) return;
  element("span", `${store.chosen().length.toLocaleString("en")} of ${plural(store.trials.length, "trial")} chosen by`, place);
  for (const [where, { label }] of store.filters) {
    const chip = element("button", `${label} ✕`, place, "chip");
    chip.setAttribute("aria-label", `choose no longer by ${label}`);
    chip.title = "Escape clears all";
    chip.addEventListener("click", () => release(where));
  }
  if (store.filters.size > 1) element("button", "clear all", place, "clear").addEventListener("click", () => store.clear());
}

addEventListener("keydown", (event) => {
  // A field of text has its own use for it.
  if (event.key === "Escape" && store.hasChoice && event.target.tagName !== "INPUT") store.clear();
});

function release(where) {
  if (where === "parallel") parallel.clear();
  if (where === "clicked") store.clicked = null;
  store.choose(where, "", null);
}

function showFailed() {
  const isTold = (one) => BROKEN.includes(one.outcome) || one.outcome === "rejected" || one.failures.length;
  const broken = store.trials.filter(isTold);
  at("failed-part").hidden = !broken.length;
  const byReason = new Map();
  for (const one of broken) {
    const told = one.reason || one.failures[one.failures.length - 1] || words(one.outcome);
    // Each rejected net has a size of its own: what they have in common is the limit.
    const reason = one.outcome === "rejected" ? told.slice(told.indexOf("`require`")) : told;
    const alike = reason.replace(/\d[\w.+-]*/g, "#"); // numbers aside
    byReason.set(alike, { reason: byReason.get(alike)?.reason ?? reason, trials: [...(byReason.get(alike)?.trials || []), one] });
  }
  at("failed").replaceChildren();
  for (const { reason, trials } of [...byReason.values()].sort((a, b) => b.trials.length - a.trials.length)) {
    const line = element("div", null, at("failed"), "failure");
    const few = trials.slice(0, 6).map((one) => one.trial).join(", ");
    const label = `${words(trials[0].outcome)}: ${trials.length > 6 ? `${few}, … (${trials.length})` : few}`;
    const button = element("button", label, line, "dot");
    button.style.setProperty("--dot", `var(--${trials[0].outcome})`);
    const own = new Set(trials.map((one) => one.trial));
    button.addEventListener("click", () => store.choose("reason", reason.slice(0, 60), (one) => own.has(one.trial)));
    element("p", reason, line);
  }
}

function showError(text) {
  at("error").textContent = text || "";
  at("error").hidden = !text;
}

store.listen((news) => {
  if (news.error !== undefined) showError(news.error);
  if (!store.sweep || news.error) return;
  if (news.cleared) { parallel.clear(); store.clicked = null; }
  showHead();
  if (!news.data && !news.choice) return;
  showFilters();
  showFailed();
  redraw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (store.sweep) redraw(); });
store.poll();
