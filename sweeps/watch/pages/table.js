// The trials as rows to sort, filter and choose.
import { element, number, words } from "./theme.js";

const ROWS_A_PAGE = 100;
const LONG = 40;
const OPEN = ["running", "waiting"];

function shown(store, one, at) {
  const value = one.values[at];
  if (value === null) return "";
  const dimension = store.dimensions[at];
  return dimension.kind === "choice" ? dimension.options[value] : value;
}

export class Table {
  constructor(place, pages, find, store) {
    Object.assign(this, { place, pages, find, store });
    this.sorted = { name: "place", sign: 1 };
    this.page = 0;
    find.addEventListener("input", () => { this.page = 0; this.draw(); });
  }

  columns() {
    const { store } = this;
    return [
      { name: "trial", of: (one) => one.trial },
      { name: "outcome", of: (one) => words(one.outcome), dot: true },
      { name: store.sweep.metric, of: (one) => one.value, key: "place" },
      ...store.sweep.others.map((other, at) => ({ name: other.metric, of: (one) => one.others[at] })),
      ...(store.sweep.others.length ? [{ name: "front", of: (one) => (store.front.has(one.trial) ? "yes" : "") }] : []),
      { name: "best epoch", of: (one) => one.best_epoch },
      { name: "epochs", of: (one) => one.epochs },
      { name: "seconds", of: (one) => one.train_s },
      ...store.dimensions.map((dimension, at) => ({ name: dimension.name, of: (one) => shown(store, one, at) })),
      { name: "reason", of: (one) => one.reason },
      ...(store.hasMlflow ? [{ name: "in MLflow", of: () => "", link: (one) => `mlflow?trial=${one.trial}` }] : []),
    ];
  }

  rows(columns) {
    const wanted = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = this.store.chosen().filter((one) => {
      if (!wanted.length) return true;
      const text = columns.map((column) => column.of(one)).join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    const { name, sign } = this.sorted;
    const place = (one) => this.store.place.get(one.trial) ?? null;
    const column = columns.find((one) => (one.key || one.name) === name);
    const of = name === "place" ? place : column.of;
    const empty = (value) => value === null || value === "";
    return [...kept].sort((a, b) => {
      const [one, other] = [of(a), of(b)];
      if (empty(one) || empty(other)) return empty(one) - empty(other) || a.trial - b.trial;
      const isNumber = typeof one === "number" && typeof other === "number";
      return sign * (isNumber ? one - other : String(one).localeCompare(String(other))) || a.trial - b.trial;
    });
  }

  draw() {
    const columns = this.columns();
    const rows = this.rows(columns);
    this.page = Math.max(0, Math.min(this.page, Math.ceil(rows.length / ROWS_A_PAGE) - 1));
    const first = this.page * ROWS_A_PAGE;
    const page = rows.slice(first, first + ROWS_A_PAGE);
    const isText = columns.map((column) => page.some((one) => typeof column.of(one) === "string" && column.of(one) !== ""));
    this.heads(columns, isText);
    const body = document.createElement("tbody");
    for (const one of page) this.row(body, one, columns, isText);
    this.place.tBodies[0].replaceWith(body);
    this.foot(first, rows.length);
  }

  heads(columns, isText) {
    const line = document.createElement("tr");
    columns.forEach((column, at) => {
      const key = column.key || column.name;
      const isSorted = this.sorted.name === key;
      const head = element("th", null, line, isText[at] ? "text" : "");
      head.setAttribute("aria-sort", !isSorted ? "none" : this.sorted.sign > 0 ? "ascending" : "descending");
      const mark = !isSorted ? "" : this.sorted.sign > 0 ? " ▲" : " ▼";
      const button = element("button", column.name + mark, head);
      button.addEventListener("click", () => {
        this.sorted = { name: key, sign: isSorted ? -this.sorted.sign : 1 };
        this.page = 0;
        this.draw();
        this.place.tHead.querySelectorAll("button")[at].focus();
      });
    });
    const focus = [...this.place.tHead.querySelectorAll("button")].indexOf(document.activeElement);
    this.place.tHead.replaceChildren(line);
    if (focus >= 0) line.querySelectorAll("button")[focus]?.focus();
  }

  row(body, one, columns, isText) {
    const line = element("tr", null, body);
    line.tabIndex = 0;
    line.setAttribute("aria-selected", String(Boolean(this.store.clicked?.has(one.trial))));
    const toggle = () => this.store.toggle(one.trial);
    line.addEventListener("click", () => { if (!String(getSelection())) toggle(); });
    line.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
    columns.forEach((column, at) => {
      const value = column.of(one);
      const isNumber = typeof value === "number";
      const text = isNumber ? number(value, column.name === "trial" ? 12 : 5) : value ?? "";
      const cell = element("td", text, line, isText[at] ? "text" : "");
      if (String(text).length > LONG) cell.classList.add("long");
      if (column.key && one.trial === this.store.sweep.best) cell.classList.add("best");
      if (column.link && one.outcome !== "waiting") this.link(cell, column.link(one), one.trial);
      if (column.dot) {
        cell.classList.add("dot");
        cell.style.setProperty("--dot", `var(--${one.outcome})`);
        if (OPEN.includes(one.outcome) && this.store.sweep.state === "running") this.stopper(cell, one.trial);
      }
    });
  }

  link(cell, address, trial) {
    const made = element("a", "its page ↗", cell);
    made.href = address;
    made.target = "_blank";
    made.rel = "noopener";
    made.setAttribute("aria-label", `trial ${trial} in MLflow`);
    made.addEventListener("click", (event) => event.stopPropagation());
  }

  stopper(cell, trial) {
    const what = `trial/${trial}/stop`;
    const isAsked = this.store.asked.has(what);
    const button = element("button", isAsked ? "stopping …" : "stop", cell, "act");
    button.disabled = isAsked;
    button.setAttribute("aria-label", `stop trial ${trial} for good`);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      if (confirm(`Stop trial ${trial} for good? It is recorded as stopped by hand, and never tried again.`)) this.store.ask(what);
    });
  }

  foot(first, count) {
    this.pages.replaceChildren();
    const step = (text, by) => {
      const button = element("button", text, this.pages);
      button.addEventListener("click", () => { this.page += by; this.draw(); });
    };
    const until = Math.min(first + ROWS_A_PAGE, count);
    if (first > 0) step("← previous", -1);
    element("span", `${count ? first + 1 : 0} to ${until} of ${count.toLocaleString("en")}`, this.pages);
    if (until < count) step("next →", 1);
  }
}
