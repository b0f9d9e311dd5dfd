// What is known of the sweep, kept up to date by polling, and which trials are chosen.
const FAST_MS = 1000;
const SLOW_MS = 10000;

// Where an axis ends that begins at the best of `values`: at the worst, unless it is far off.
export function usualEnd(values, part) {
  const [best, most] = [values[0], values[values.length - 1]];
  const usual = values[Math.floor(part * (values.length - 1))];
  const isFar = Math.abs(most - best) > 4 * Math.abs(usual - best) && usual !== best;
  return isFar ? best + 1.5 * (usual - best) : most;
}

export class Store {
  constructor() {
    this.sweep = null;
    this.hasMlflow = false;
    this.dimensions = [];
    this.trials = [];
    this.curves = [];
    this.front = new Set(); // trials that none beats in every objective, where there are several
    this.matters = null; // which parameters matter: {found: [{name, share, trials}], by_chance, sentence}
    this.mattersAt = -Infinity;
    this.isAsking = false;
    this.ranks = []; // trials that have a value, best first
    this.place = new Map();
    this.filters = new Map(); // where it was chosen -> {label, has(trial)}
    this.version = 0; // goes up whenever a figure has to be drawn again
    this.listeners = [];
    this.cursor = "";
    this.clock = 0; // the server's time less ours
    this.asked = new Set(); // what was asked of the driver, by the address that asks for it
  }

  // Calls `told` with {data: whether trials or curves changed, error: a text or null}.
  listen(told) {
    this.listeners.push(told);
  }

  tell(news) {
    if (news.data || news.choice) this.version += 1;
    for (const told of this.listeners) told(news);
  }

  async poll() {
    let wait = FAST_MS;
    try {
      const answer = await fetch(`feed.json?since=${encodeURIComponent(this.cursor)}`);
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error || found.detail || `the server answers ${answer.status}`);
      this.tell({ data: this.take(found), error: null });
      wait = this.isHeld ? FAST_MS : SLOW_MS;
      this.askWhatMatters().catch(() => { this.isAsking = false; });
    } catch (error) {
      const gone = error instanceof TypeError;
      this.tell({ error: gone ? "`sweeps watch` has ended: what is shown is the last that it told." : error.message });
      wait = SLOW_MS / 2;
    }
    setTimeout(() => this.poll(), wait);
  }

  // What is measured over all trials comes less often than what is read.
  async askWhatMatters() {
    const ended = Object.values(this.sweep.outcomes).reduce((sum, one) => sum + one, 0);
    const asked = `${ended} ${this.isHeld}`;
    if (this.isAsking || asked === this.mattersOf || performance.now() - this.mattersAt < SLOW_MS) return;
    this.isAsking = true; // it may take seconds, and what is read goes on
    const answer = await fetch("what-matters.json");
    [this.isAsking, this.mattersAt] = [false, performance.now()];
    if (!answer.ok) return;
    this.mattersOf = asked;
    this.matters = await answer.json();
    this.tell({ choice: true, error: undefined });
  }

  // How much of what tells the best trials from all a parameter is; 0 where that is not known.
  share(name) {
    return this.matters?.found.find((one) => one.name === name)?.share ?? 0;
  }

  // Asks the driver for something, as `trial/3/stop`; the feed tells when it has been done.
  async ask(what) {
    this.asked.add(what);
    this.tell({ choice: true, error: null });
    const answer = await fetch(what, { method: "POST" }).catch(() => null);
    if (answer?.ok) return;
    this.asked.delete(what);
    const found = await answer?.json().catch(() => null);
    this.tell({ choice: true, error: found?.error || found?.detail || "the server does not answer: nothing was asked for" });
  }

  // Whether a process has the sweep, which hears what it is asked.
  get isHeld() {
    return ["running", "paused"].includes(this.sweep.state);
  }

  take(found) {
    if (found.whole) {
      this.trials = [];
      this.curves = [];
    }
    this.cursor = found.cursor;
    this.sweep = found.sweep;
    this.hasMlflow = found.has_mlflow;
    this.dimensions = found.dimensions || this.dimensions;
    if (found.front) this.front = new Set(found.front);
    for (const trial of found.trials) this.trials[trial.trial] = trial;
    for (const [trial, points] of Object.entries(found.curves)) {
      this.curves[trial] = (this.curves[trial] || []).concat(points);
    }
    const changed = found.whole || found.trials.length > 0;
    if (changed) this.rank();
    return changed;
  }

  rank() {
    const sign = this.sweep.mode === "max" ? -1 : 1;
    this.ranks = this.trials.filter((one) => one.value !== null);
    this.ranks.sort((a, b) => sign * (a.value - b.value) || a.trial - b.trial);
    this.place = new Map(this.ranks.map((one, at) => [one.trial, at]));
  }

  choose(where, label, has) {
    if (has === null) this.filters.delete(where);
    else this.filters.set(where, { label, has });
    this.tell({ choice: true, where, error: undefined });
  }

  clear() {
    const where = [...this.filters.keys()];
    this.filters.clear();
    this.tell({ choice: true, cleared: where, error: undefined });
  }

  isChosen(trial) {
    for (const filter of this.filters.values()) if (!filter.has(trial)) return false;
    return true;
  }

  get hasChoice() {
    return this.filters.size > 0;
  }

  chosen() {
    return this.hasChoice ? this.trials.filter((one) => this.isChosen(one)) : this.trials;
  }

  // Single trials that were clicked on, in the table or a figure.
  toggle(trial) {
    const kept = new Set(this.clicked || []);
    if (!kept.delete(trial)) kept.add(trial);
    this.clicked = kept;
    const label = kept.size === 1 ? `trial ${[...kept][0]}` : `${kept.size} trials`;
    this.choose("clicked", label, kept.size ? (one) => kept.has(one.trial) : null);
  }

  // The ends of the objective's axis: of values that lie far off, the worst stand at its edge.
  span() {
    const values = this.ranks.map((one) => one.value);
    if (!values.length) return null;
    const best = values[0];
    const worst = usualEnd(values, 0.9);
    const isLog = Math.min(best, worst) > 0 && Math.max(best, worst) / Math.min(best, worst) > 20;
    const [low, high] = [Math.min(best, worst), Math.max(best, worst)];
    if (isLog) {
      const room = 0.06 * Math.log10(high / low);
      return { low, high, isLog, range: [Math.log10(low) - room, Math.log10(high) + room] };
    }
    const room = 0.06 * (high - low) || 0.1 * Math.abs(high) || 1;
    return { low, high, isLog, range: [low - room, high + room] };
  }
}
