// What the page does. What is written in capitals, and `formula`, is written before.

const MOST_DIGITS = 300;
const MOST_SHOWN = 10n ** 1000n;
const MOST_BARS = 14;
const SEARCHED = 4096n;
const element = (id) => document.getElementById(id);
const fields = formula.symbols.map((symbol, place) => ({
  symbol,
  input: element(`value-${place}`),
  slider: element(`slider-${place}`),
  error: element(`error-${place}`),
  ladder: LADDERS[place].map((text) => parsed(symbol, text)),
}));

// --- numbers ---

// What a text stands for; null if it is no number of this kind.
function parsed(symbol, text) {
  const digits = text.trim().replace(/[,_\s\u00a0\u202f]/g, "");
  if (symbol.real) {
    return /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits) ? Number(digits) : null;
  }
  return /^\d+$/.test(digits) && digits.length <= MOST_DIGITS ? BigInt(digits) : null;
}

const grouped = (number) => number.toLocaleString("en-US");

const UNITS = [[12, "T"], [9, "B"], [6, "M"], [3, "K"]];

// Three digits and a unit: 6.74 B.
function human(number) {
  if (number < 0n) return human(-number).replace(/^(?=.)/, "-");
  const text = String(number);
  if (text.length <= 3) return "";
  if (text.length > 15) return rounded(number, text.length - 1, (s) => `\u2248 ${s} \u00d7 10`);
  const [zeros, unit] = UNITS.find(([zeros]) => text.length > zeros);
  const digits = Math.max(0, 3 - (text.length - zeros));
  const step = 10n ** BigInt(zeros - digits);
  const size = (number + step / 2n) / step;
  // rounding up may need another digit: 999,950 is 1.00 M
  if (String(size).length > 3 && digits === 0) return human(size * step);
  const shown = String(size).padStart(digits + 1, "0");
  const whole = shown.slice(0, shown.length - digits);
  return `${whole}${digits ? "." : ""}${digits ? shown.slice(-digits) : ""} ${unit}`;
}

const SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

function rounded(number, exponent, written) {
  const step = 10n ** BigInt(exponent - 2);
  let size = (number + step / 2n) / step;
  if (size >= 1000n) [size, exponent] = [size / 10n, exponent + 1];
  const digits = String(size);
  const power = [...String(exponent)].map((digit) => SUPERSCRIPTS[digit]).join("");
  return written(`${digits[0]}.${digits.slice(1)}`) + power;
}

// The share of a part in thousandths, as a percentage.
function percentage(part, total) {
  if (total <= 0n || part < 0n) return "";
  const tenths = (part * 2000n + total) / (2n * total);
  return `${tenths / 10n}.${tenths % 10n} %`;
}

// --- state ---

let current = null; // { values, total, parts } where the values are valid, else null
let chartsAsked = false;
let linkAsked = 0;

function valuesOf(texts) {
  return texts.map((text, place) => parsed(formula.symbols[place], text));
}

const named = (values) => Object.fromEntries(values.map((v, i) => [formula.symbols[i].name, v]));

function update() {
  const texts = fields.map((field) => field.input.value);
  const values = valuesOf(texts);
  const problem = malformed(texts, values) ?? outside(values);
  current = problem ? null : { values, total: counted(values), parts: formula.parts(named(values)) };
  for (const [place, field] of fields.entries()) {
    const blamed = problem?.symbols.includes(field.symbol.name) ?? false;
    field.input.setAttribute("aria-invalid", String(blamed));
    field.error.textContent = blamed ? `${problem.text}.` : "";
    if (values[place] !== null) moveSlider(field, values[place]);
  }
  showCount(problem);
  showParts();
  showLink();
  askForCharts();
}

const counted = (values) => formula.count(named(values));

function malformed(texts, values) {
  for (const [place, value] of values.entries()) {
    if (value !== null) continue;
    const { name, real } = formula.symbols[place];
    const [text, kind] = [texts[place].trim(), real ? "positive number" : "positive whole number"];
    const long = text.length > MOST_DIGITS ? `, of ${MOST_DIGITS} digits at most` : "";
    const is = text === "" ? "is empty" : `is "${text.slice(0, 40)}"`;
    const message = `${name} ${is}: write a ${kind}${long}`;
    return { text: message, detail: "", symbols: [name] };
  }
  return null;
}

// Why there is no count to show, with the nearest values that have one.
function outside(values) {
  try {
    const why = formula.why(named(values));
    if (why) return { ...why, nearest: nearest(values, why.symbols) };
    if (counted(values) < MOST_SHOWN) return null;
    throw new RangeError("the count has more than 1,000 digits, too many to show; evaluate in Python");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const everything = formula.symbols.map((symbol) => symbol.name);
    return { text: error.message, detail: "", symbols: everything };
  }
}

function nearest(values, names) {
  const found = [];
  for (const [place, { name, real }] of formula.symbols.entries()) {
    if (real || !names.includes(name)) continue;
    const near = [-1n, 1n].map((step) => search(values, place, step)).filter((v) => v !== null);
    if (near.length) found.push(`${name} = ${near.map(grouped).join(" or ")}`);
  }
  return found.length ? `Nearest valid values: ${found.join("; ")}.` : "";
}

function search(values, place, step) {
  const deadline = performance.now() + 40;
  const tried = [...values];
  for (let distance = 1n; distance < SEARCHED && performance.now() < deadline; distance += 1n) {
    tried[place] = values[place] + step * distance;
    if (tried[place] < 1n) return null;
    if (counted(tried) !== null) return tried[place];
  }
  return null;
}

// --- what is shown ---

function moveSlider(field, value) {
  const above = field.ladder.findIndex((step) => step >= value);
  const last = field.ladder.length - 1;
  let place = above === -1 ? last : above;
  if (place > 0 && value - field.ladder[place - 1] < field.ladder[place] - value) place -= 1;
  field.slider.value = String(place);
  field.slider.setAttribute("aria-valuetext", String(value));
}

function showCount(problem) {
  element("count").textContent = current ? grouped(current.total) : "\u2014";
  const short = current ? human(current.total) : "";
  element("human").textContent = short && `(${short})`;
  element("status").textContent = problem ? sentences(problem) : "";
  document.title = `${TITLE}: ${current ? grouped(current.total) : "no"} ${NOUN}`;
}

function showParts() {
  const totals = current && ROWS.map(sumOf);
  for (const [index, row] of [...element("parts").rows].entries()) {
    row.cells[1].textContent = totals ? grouped(totals[index]) : "";
    row.cells[2].textContent = totals ? percentage(totals[index], current.total) : "";
  }
}

// --- charts ---

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const narrow = () => document.documentElement.clientWidth < 600;

function layout(more) {
  const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--grid"), automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--ink"), family: "system-ui, sans-serif", size: 13 },
    margin: { l: 8, r: 16, t: 8, b: 8 },
    showlegend: false,
    dragmode: false,
    ...more,
    xaxis: { ...axis, fixedrange: true, ...more.xaxis },
    yaxis: { ...axis, fixedrange: true, ...more.yaxis },
  };
}

const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false };

// Once a frame at most, however fast a slider moves.
function askForCharts() {
  if (chartsAsked) return;
  chartsAsked = true;
  requestAnimationFrame(() => {
    chartsAsked = false;
    drawParts();
    drawCurve();
  });
}

// A problem with what is known of it; of a long message, the start.
function sentences({ text, detail, nearest }) {
  const short = detail.length > 300 ? `${detail.slice(0, 300)}\u2026` : detail.replace(/\.+$/, "");
  return [`${text}.`, nearest, short && `${short}.`].filter(Boolean).join(" ");
}

const sumOf = (places) => places.reduce((sum, place) => sum + current.parts[place], 0n);

// The groups of parameters in their order; of many, the largest.
function bars() {
  const all = GROUPS.map(([name, places]) => ({ name, size: sumOf(places) })).filter(
    (bar) => bar.size > 0n,
  );
  if (all.length <= MOST_BARS) return all;
  const bySize = [...all].sort((a, b) => (a.size < b.size ? 1 : a.size > b.size ? -1 : 0));
  const kept = new Set(bySize.slice(0, MOST_BARS - 1));
  const others = all.filter((bar) => !kept.has(bar));
  const rest = others.reduce((sum, bar) => sum + bar.size, 0n);
  return [...all.filter((bar) => kept.has(bar)), { name: `${others.length} others`, size: rest }];
}

// Text that plotly takes for nothing but text: it reads tags such as <b>.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

// The last parts of a path, of a loop none of its bounds: ….self_attn.q_proj
function shortened(path) {
  const most = narrow() ? 20 : 44;
  const name = path.replace(/\{[^}]*\}/g, "{\u2026}");
  let from = Math.max(0, name.length - most);
  if (from > 0) from = Math.max(from, name.indexOf(".", from) + 1);
  return plain(from > 0 ? `\u2026${name.slice(from)}` : name);
}

const NOTHING = {
  text: "nothing to show at these values",
  xref: "paper",
  yref: "paper",
  x: 0.5,
  y: 0.5,
  showarrow: false,
};

function drawParts() {
  const drawn = current && current.total > 0n ? bars() : [];
  const share = (bar) => Number((bar.size * 10n ** 15n) / current.total) / 1e13;
  const trace = {
    type: "bar",
    orientation: "h",
    x: drawn.map(share),
    y: drawn.map((_, index) => index),
    text: drawn.map((bar) => human(bar.size) || grouped(bar.size)),
    hovertext: drawn.map((bar) => `${plain(bar.name)}: ${grouped(bar.size)}`),
    hoverinfo: "text",
    textposition: "auto",
    cliponaxis: false,
    marker: { color: colour("--accent") },
    insidetextfont: { color: colour("--ground") },
    outsidetextfont: { color: colour("--ink") },
  };
  Plotly.react(
    "parts-chart",
    [trace],
    layout({
      height: 60 + 28 * Math.max(drawn.length, 3),
      xaxis: {
        ticksuffix: " %",
        range: [0, 1.2 * Math.max(...(drawn.length ? drawn.map(share) : [80]))],
        nticks: narrow() ? 4 : 8,
        tickangle: 0,
      },
      yaxis: {
        autorange: "reversed",
        showgrid: false,
        tickvals: drawn.map((_, index) => index),
        ticktext: drawn.map((bar) => shortened(bar.name)),
        ticks: "outside",
        tickcolor: "rgba(0,0,0,0)",
      },
      annotations: drawn.length ? [] : [NOTHING],
    }),
    CONFIG,
  );
}

// The count at a ladder's values, the other symbols as they are; gaps outside the domain.
function curve(place) {
  const values = valuesOf(fields.map((field) => field.input.value));
  if (values.some((value, index) => value === null && index !== place)) return { x: [], y: [] };
  const [x, y] = [[], []];
  for (const value of fields[place].ladder) {
    values[place] = value;
    const count = countedIfSmall(values);
    x.push(Number(value));
    y.push(count === null || count === 0n || count >= MOST_SHOWN ? null : Number(count));
  }
  return { x, y };
}

function countedIfSmall(values) {
  try {
    return counted(values);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function drawCurve() {
  const place = Number(element("along").value);
  const { name } = formula.symbols[place];
  const accent = colour("--accent");
  const line = {
    ...curve(place),
    type: "scatter",
    mode: "lines+markers",
    connectgaps: false,
    line: { color: accent, width: 2 },
    marker: { size: 4, color: accent },
    hovertemplate: `${plain(name)} = %{x}<br>%{y:.4s}<extra></extra>`,
  };
  const here = {
    x: current ? [Number(current.values[place])] : [],
    y: current && current.total > 0n ? [Number(current.total)] : [],
    type: "scatter",
    mode: "markers",
    marker: { size: 12, color: colour("--ground"), line: { color: colour("--error"), width: 3 } },
    hoverinfo: "skip",
  };
  Plotly.react(
    "curve-chart",
    [line, here],
    layout({
      height: narrow() ? 260 : 340,
      xaxis: { type: "log", title: { text: plain(name) }, dtick: narrow() ? 1 : undefined },
      yaxis: { type: "log", exponentformat: "B", nticks: 6 },
    }),
    CONFIG,
  );
}

// --- the link ---

function fragment() {
  const state = new URLSearchParams();
  for (const field of fields) state.set(field.symbol.name, field.input.value.trim());
  return `#${state}`;
}

function showLink() {
  const shared = fragment();
  element("link").value = location.href.replace(/#.*$/s, "") + shared;
  clearTimeout(linkAsked);
  // Browsers limit how often the address may change.
  linkAsked = setTimeout(() => history.replaceState(null, "", shared), 300);
}

// The state of the address; what cannot be used is ignored and named.
function restore() {
  const ignored = [];
  const given = new Map(new URLSearchParams(location.hash.slice(1)));
  for (const [place, field] of fields.entries()) {
    const text = given.get(field.symbol.name);
    const usable = text !== undefined && parsed(field.symbol, text) !== null;
    if (text !== undefined && !usable) ignored.push(`${field.symbol.name}=${text.slice(0, 40)}`);
    field.input.value = usable ? text : START[place];
    given.delete(field.symbol.name);
  }
  for (const [name, text] of given) ignored.push(`${name.slice(0, 40)}=${text.slice(0, 40)}`);
  element("note").textContent = ignored.length
    ? `Ignored in the link, as it is no value of a hyper-parameter here: ${ignored.join(", ")}.`
    : "";
  update();
}

async function copy() {
  const link = element("link");
  link.select();
  let copied = false;
  try {
    await navigator.clipboard.writeText(link.value);
    copied = true;
  } catch {
    copied = document.execCommand("copy"); // where a page from disk has no clipboard
  }
  element("note").textContent = copied
    ? "The link is copied."
    : "The link is selected: copy it with the keyboard.";
}

function reset() {
  for (const [place, field] of fields.entries()) field.input.value = START[place];
  element("note").textContent = "";
  update();
}

// --- start ---

for (const field of fields) {
  field.slider.max = String(field.ladder.length - 1);
  field.input.addEventListener("input", update);
  field.slider.addEventListener("input", () => {
    field.input.value = String(field.ladder[Number(field.slider.value)]);
    update();
  });
}
element("symbols").addEventListener("submit", (event) => event.preventDefault());
element("along").addEventListener("change", askForCharts);
element("copy").addEventListener("click", copy);
element("reset").addEventListener("click", reset);
window.addEventListener("hashchange", restore);
window.addEventListener("resize", askForCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", askForCharts);
restore();
