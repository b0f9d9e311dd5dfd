// The sweeps of a storage, to choose from.
import { duration, element, number, searched, words } from "./theme.js";

const at = (id) => document.getElementById(id);
const PERIOD_MS = 3000;
let sweeps = [];
const ticked = new Set(); // names of sweeps to compare

function card(one) {
  const link = element("div", null, at("sweeps"), "card");
  const top = element("div", null, link, "top");
  element("a", one.name, element("h2", null, top)).href = `sweep/${encodeURIComponent(one.name)}/`;
  element("span", one.state, top, `badge ${one.state}`);
  if (one.state !== "damaged") tick(one.name, top);
  if (one.state === "damaged") return element("p", one.stopped || "", link, "note");
  const ended = Object.values(one.outcomes).reduce((sum, count) => sum + count, 0);
  const none = ended < one.wanted ? "no result yet" : "no trial has a result";
  const best = one.best_value === null ? none : `best ${one.metric} ${number(one.best_value, 5)}, trial ${one.best}`;
  const bar = element("div", null, link, "bar");
  for (const [name, count] of Object.entries(one.outcomes)) {
    const part = element("i", null, bar);
    part.style.flex = `${count} 0 0`;
    part.style.background = `var(--${name})`;
  }
  if (one.wanted > ended) element("i", null, bar).style.flex = `${one.wanted - ended} 0 0`;
  const parts = Object.entries(one.outcomes).map(([name, count]) => `${count} ${words(name)}`);
  element("div", best, link);
  element("p", [`${ended} of ${one.wanted} trials`, ...parts].join(" · "), link, "note");
  const ago = one.created_at ? `, begun ${duration(Date.now() / 1000 - one.created_at)} ago` : "";
  return element("p", `${searched(one)}${ago}`, link, "note");
}

function tick(name, parent) {
  const box = element("input", null, element("label", "compare", parent, "tick"));
  box.type = "checkbox";
  box.checked = ticked.has(name);
  box.setAttribute("aria-label", `compare ${name} with others`);
  box.addEventListener("change", () => {
    if (box.checked) ticked.add(name);
    else ticked.delete(name);
    offer();
  });
}

function offer() {
  const asked = new URLSearchParams([...ticked].map((name) => ["sweep", name]));
  at("compare").hidden = ticked.size < 2;
  at("compare").href = `compare/?${asked}`;
  at("compare").textContent = `compare ${ticked.size} sweeps`;
}

function draw() {
  const wanted = at("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  at("sweeps").replaceChildren();
  const text = (one) => [one.name, one.data, one.method, one.state, one.metric].join(" ").toLowerCase();
  const kept = sweeps.filter((one) => wanted.every((word) => text(one).includes(word)));
  for (const one of kept) card(one);
  at("none").hidden = sweeps.length > 0;
}

async function poll() {
  try {
    const answer = await fetch("sweeps.json");
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error || `the server answers ${answer.status}`);
    const isNew = JSON.stringify(found) !== JSON.stringify(sweeps);
    sweeps = found;
    if (isNew || !sweeps.length) draw();
    at("error").hidden = true;
  } catch (error) {
    at("error").textContent = error instanceof TypeError ? "`sweeps watch` has ended: what is shown is the last that it told." : error.message;
    at("error").hidden = false;
  }
  setTimeout(poll, PERIOD_MS);
}

at("find").addEventListener("input", draw);
poll();
