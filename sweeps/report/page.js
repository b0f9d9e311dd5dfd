"use strict";
const DARK = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Figures come in the colours of a light page: those that it gives are changed for the page's own.
function themed(made) {
  const own = { "#000000": "ink", "#222222": "ink", "#DDDDDD": "line", "#e6e6e6": "grid", "#999999": "axis", white: "page" };
  const seen = (key, value) => (typeof value === "string" && own[value] ? colour(own[value]) : value);
  return JSON.parse(JSON.stringify(made), seen);
}

function draw(place) {
  const { data, layout } = DARK.matches ? themed(FIGURES[Number(place.dataset.figure)]) : FIGURES[Number(place.dataset.figure)];
  const shown = Plotly.react(place, data, { ...layout, width: undefined }, { responsive: true, displayModeBar: false });
  shown.then(() => place.setAttribute("data-drawn", "yes"));
}

const PLACES = document.querySelectorAll("[data-figure]");
PLACES.forEach(draw);
DARK.addEventListener("change", () => PLACES.forEach(draw));

const ROWS_A_PAGE = 50;
const FEW_ROWS = 8; // which nobody filters
const LONG = 40; // texts that are broken into lines

function compare(a, b) {
  if (a === null || a === "") return b === null || b === "" ? 0 : 1;
  if (b === null || b === "") return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

function showTable(place, columns, rows) {
  const filter = element("input", null, place);
  filter.hidden = rows.length <= FEW_ROWS;
  filter.type = "search";
  filter.placeholder = "filter, for example: adam pruned";
  filter.setAttribute("aria-label", "filter the rows");
  const table = element("table", null, element("div", null, place));
  table.parentNode.className = "scroll";
  const heads = element("tr", null, element("thead", null, table));
  const body = element("tbody", null, table);
  const pages = element("div", null, place);
  pages.className = "pages";
  const texts = rows.map((row) => row.join(" ").toLowerCase());
  const state = { column: -1, sign: 1, page: 0 };
  const isText = columns.map((_, at) => !rows.some((row) => typeof row[at] === "number"));
  const buttons = columns.map((name, at) => {
    const head = element("th", null, heads);
    if (isText[at]) head.className = "text";
    const button = element("button", name, head);
    button.addEventListener("click", () => {
      state.sign = state.column === at ? -state.sign : 1;
      state.column = at;
      state.page = 0;
      draw();
    });
    return [head, button, name];
  });

  function chosen() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((_, at) => words.every((word) => texts[at].includes(word)));
    if (state.column < 0) return kept;
    return kept.sort((a, b) => {
      const order = compare(a[state.column], b[state.column]);
      const last = [a, b].some((row) => row[state.column] === null || row[state.column] === "");
      return last ? order : state.sign * order;
    });
  }

  function draw() {
    const kept = chosen();
    const first = state.page * ROWS_A_PAGE;
    body.replaceChildren();
    for (const row of kept.slice(first, first + ROWS_A_PAGE)) {
      const line = element("tr", null, body);
      row.forEach((cell, at) => {
        const isNumber = typeof cell === "number";
        const shown = isNumber ? Number(cell.toPrecision(4)) : cell === null ? "" : cell;
        const data = element("td", shown, line);
        const isLong = String(shown).length > LONG;
        data.className = `${isText[at] || isLong ? "text" : ""}${isLong ? " long" : ""}`;
      });
    }
    buttons.forEach(([head, button, name], at) => {
      const mark = at !== state.column ? "" : state.sign > 0 ? " ▲" : " ▼";
      button.textContent = name + mark;
      head.setAttribute("aria-sort", !mark ? "none" : state.sign > 0 ? "ascending" : "descending");
    });
    pages.replaceChildren();
    const until = Math.min(first + ROWS_A_PAGE, kept.length);
    const step = (text, by) => {
      const button = element("button", text, pages);
      button.addEventListener("click", () => { state.page += by; draw(); });
    };
    if (first > 0) step("← previous", -1);
    if (until < kept.length) step("next →", 1);
    if (rows.length > FEW_ROWS) element("span", `${kept.length ? first + 1 : 0} to ${until} of ${kept.length}`, pages);
  }

  filter.addEventListener("input", () => { state.page = 0; draw(); });
  draw();
}

for (const place of document.querySelectorAll("[data-table]")) {
  const { columns, rows } = TABLES[Number(place.dataset.table)];
  showTable(place, columns, rows);
}
