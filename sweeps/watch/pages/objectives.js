// Several objectives: the first against each other one, with the trials that none beats in all.
import { draw, points } from "./figures.js";
import { colour, element, layout, plain, plural } from "./theme.js";

export function frontPlaces(parent, store) {
  const names = store.sweep.others.map((one) => one.metric);
  if (names.join("\n") === parent.dataset.names) return [...parent.querySelectorAll(".figure")];
  parent.dataset.names = names.join("\n");
  parent.replaceChildren();
  return names.map((name, at) => {
    const card = element("section", null, parent, "card");
    element("h3", `${store.sweep.metric} and ${name}`, card);
    const place = element("div", null, card, "figure");
    place.dataset.objective = at;
    return place;
  });
}

export function frontWords(store) {
  const { sweep, front } = store;
  const goals = [sweep, ...sweep.others].map((one) => `${one.mode === "min" ? "low" : "high"} ${one.metric}`);
  return `${plural(front.size, "trial")} on the front of ${goals.join(", ")}, with rings: no other trial is better in one and as good in the rest. Trials are ranked by ${sweep.metric} alone.`;
}

export function front(place, store) {
  const at = Number(place.dataset.objective);
  const other = store.sweep.others[at];
  const rows = store.ranks.filter((one) => one.others[at] !== null);
  const trials = points(store, rows, (one) => one.others[at], (one) => one.value);
  const on = rows.filter((one) => store.front.has(one.trial) && store.isChosen(one));
  const rings = {
    type: "scatter", mode: "markers", x: on.map((one) => one.others[at]), y: on.map((one) => one.value),
    customdata: on.map((one) => one.trial), hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 15, color: colour("ink"), line: { width: 1.5 } }, selected: { marker: {} }, unselected: { marker: {} },
  };
  const [x, y] = [spread(rows.map((one) => one.others[at])), spread(rows.map((one) => one.value))];
  const made = layout(plain(other.metric), plain(store.sweep.metric), { dragmode: "select", xaxis: x, yaxis: y });
  return draw(place, [rings, trials], made, store, `front ${at}`, `${store.sweep.metric} and ${other.metric}`);
}

// Amounts of several orders of magnitude, such as operations of a net, are told apart on logarithms.
function spread(values) {
  const low = Math.min(...values);
  return values.length && low > 0 && Math.max(...values) / low > 20 ? { type: "log" } : {};
}
