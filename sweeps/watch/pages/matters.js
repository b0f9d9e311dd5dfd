// Which parameters matter, as bars, with what chance gives.
import { draw } from "./figures.js";
import { briefly, colour, layout, plain } from "./theme.js";

const MOST_BARS = 15;
const MOST_OF_NAME = 36;
// On a telephone the bars need the room of long names and of the numbers of trials.
const NARROW_PX = 500;
const MOST_OF_NAME_NARROW = 18;
const ROW_PX = 24;

// Shares of shuffled results may be above 1: no line stands there.
const hasLine = ({ by_chance: byChance }) => byChance !== null && byChance < 1;

export function mattersWords({ matters: told }) {
  if (!told.found.length) return told.sentence;
  const chance = hasLine(told) ? "beyond the dotted line, shuffled results put a parameter in 1 of 20 sweeps" : "shuffled results put a parameter beyond 100 % in 1 of 20 sweeps";
  return `${told.sentence} Shares of what distinguishes the best trials from all; ${chance}.`;
}

export function matters(place, store) {
  const { found, by_chance: byChance } = store.matters;
  const shown = found.slice(0, MOST_BARS).reverse();
  const isNarrow = place.clientWidth < NARROW_PX;
  place.style.height = `${60 + ROW_PX * shown.length}px`;
  const bars = {
    type: "bar", orientation: "h", x: shown.map((one) => one.share), y: shown.map((_, at) => at),
    text: shown.map((one) => `${Math.round(100 * one.share)} %${isNarrow ? "" : `, n = ${one.trials}`}`), textposition: "outside", cliponaxis: false,
    marker: { color: shown.map((one) => colour(byChance !== null && one.share > byChance ? "accent" : "faint")) },
    hovertext: shown.map((one) => `${plain(one.name)}, n = ${one.trials}`), hoverinfo: "text",
  };
  const most = Math.max(...shown.map((one) => one.share), hasLine(store.matters) ? byChance : 0);
  const line = { type: "line", x0: byChance, x1: byChance, y0: 0, y1: 1, yref: "paper", line: { color: colour("best"), dash: "dot", width: 2 } };
  const made = layout("share of importance", "", {
    shapes: hasLine(store.matters) ? [line] : [], dragmode: false, margin: { l: 50, r: isNarrow ? 40 : 80, t: 4, b: 36 },
    xaxis: { range: [0, Math.min(1, 1.02 * most)], tickformat: ".0%", nticks: isNarrow ? 4 : 0, tickangle: 0 },
    yaxis: { tickvals: shown.map((_, at) => at), ticktext: briefly(shown.map((one) => one.name), isNarrow ? MOST_OF_NAME_NARROW : MOST_OF_NAME).map(plain) },
  });
  return draw(place, [bars], made, store, null, "");
}
