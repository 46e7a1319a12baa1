// The pictures of a page: read and drawn when they scroll into view, and again after changes.
// themed() and drawFigure() are in theme.js.

const PAUSE_MS = 3000;
const RETRY_MS = 1500;

const states = new Map(); // by element: what is known of a picture
let selected = new Set();
let library = null;

const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const state = states.get(entry.target);
      state.isVisible = entry.isIntersecting;
      refresh(entry.target, state);
    }
  },
  { rootMargin: "200px" },
);

for (const panel of document.querySelectorAll("[data-figure]")) {
  const figure = panel.querySelector(".figure");
  states.set(panel, {
    figure,
    caption: panel.querySelector(".caption"),
    isStale: true,
    isVisible: false,
    isBusy: false,
    isReset: false,
    isListening: false,
    zoomed: new Set(), // axes
    query: "", // the parameters that the reader chose
    tag: "",
    drawnAt: 0,
    timer: null,
    json: null,
  });
  wait(figure, "…");
  watcher.observe(panel);
}

export const panels = {
  // Something may have changed: pictures in view are read again, others once they come into view.
  update() {
    for (const [panel, state] of states) {
      state.isStale = true;
      refresh(panel, state);
    }
  },
  // Show other parameters, at once and without the zoom.
  choose(panel, query) {
    const state = states.get(panel);
    state.query = query;
    state.tag = "";
    state.drawnAt = 0;
    state.zoomed.clear();
    state.isStale = true;
    clearTimeout(state.timer);
    state.timer = null;
    refresh(panel, state);
  },
};

function refresh(panel, state) {
  if (!state.isStale || !state.isVisible || state.isBusy || state.timer !== null) return;
  const early = state.drawnAt + PAUSE_MS - performance.now();
  if (state.drawnAt && early > 0) {
    later(panel, state, early);
    return;
  }
  state.isStale = false;
  state.isBusy = true;
  read(panel, state)
    .catch(() => {
      state.isStale = true;
      later(panel, state, RETRY_MS);
    })
    .finally(() => {
      state.isBusy = false;
      refresh(panel, state);
    });
}

function later(panel, state, ms) {
  state.timer = setTimeout(() => {
    state.timer = null;
    refresh(panel, state);
  }, ms);
}

async function read(panel, state) {
  const columns = Math.max(1, Math.floor(panel.clientWidth / 220));
  const { query } = state;
  const url = `${panel.dataset.figure}${panel.dataset.figure.includes("?") ? "&" : "?"}columns=${columns}${query}`;
  const answer = await fetch(url, { headers: state.tag ? { "if-none-match": state.tag } : {} });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.statusText);
  const json = await answer.json();
  if (answer.status === 202) {
    if (!state.json) wait(state.figure, json.waiting);
    state.isStale = true;
    later(panel, state, RETRY_MS);
    return;
  }
  if (json.is_empty) {
    state.figure.hidden = true;
    state.caption.textContent = json.caption;
    return;
  }
  state.figure.hidden = false;
  await loadLibrary();
  if (state.query !== query) return; // the reader has chosen other parameters meanwhile
  state.tag = answer.headers.get("etag") ?? "";
  state.json = json;
  await draw(state);
  state.drawnAt = performance.now();
}

function wait(figure, text) {
  figure.setAttribute("aria-busy", "true");
  figure.textContent = text;
}

async function draw(state) {
  const { figure, caption, json } = state;
  if (figure.getAttribute("aria-busy") === "true") {
    figure.textContent = "";
    figure.removeAttribute("aria-busy");
  }
  mark(json.data);
  await drawFigure(figure, { ...json, layout: zoomed(json.layout, state) });
  caption.textContent = json.caption;
  figure.setAttribute("aria-label", json.caption || figure.getAttribute("aria-label"));
  figure.dataset.drawn = String(Number(figure.dataset.drawn ?? 0) + 1);
  if (!state.isListening) {
    state.isListening = true;
    figure.on("plotly_selected", (event) => event && select(event.points.map((point) => point.customdata)));
    figure.on("plotly_deselect", () => select([]));
    figure.on("plotly_relayout", (changes) => noteZoom(changes, state));
    figure.on("plotly_doubleclick", () => (state.isReset = true));
    figure.on("plotly_click", (event) => select(event.points.map((point) => point.customdata)));
  }
}

// plotly.js forgets a zoom once the data bring another range; the page keeps it until a double click.
function noteZoom(changes, state) {
  if (state.isReset) {
    state.isReset = false;
    state.zoomed.clear();
    draw(state);
    return;
  }
  for (const name of Object.keys(changes)) {
    const axis = /^([xy]axis\d*)\.range/.exec(name)?.[1];
    if (axis) state.zoomed.add(axis);
  }
}

function zoomed(layout, state) {
  const kept = { ...layout };
  for (const axis of state.zoomed) {
    const range = state.figure._fullLayout?.[axis]?.range;
    if (range && kept[axis]) kept[axis] = { ...kept[axis], range: [...range] };
  }
  return kept;
}

function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.library;
    script.onload = resolve;
    script.onerror = () => {
      library = null;
      reject(new Error("the library did not load"));
    };
    document.head.append(script);
  });
  return library;
}

// Trials that are chosen in one picture stand out in all.
function select(tids) {
  selected = new Set(tids.filter((tid) => Number.isInteger(tid)));
  const note = document.getElementById("selection");
  if (note) {
    note.hidden = selected.size === 0;
    note.textContent = "";
    if (selected.size) note.append(...selectionText(note.dataset.tids));
  }
  for (const state of states.values()) if (state.json) draw(state);
}

function selectionText(url) {
  const n = selected.size;
  const list = document.createElement("a");
  const [only] = selected;
  list.href = n === 1 ? `${url}/trial/${only}` : `${url}?tids=${[...selected].slice(0, 500).join(",")}#trials`;
  list.textContent = n === 1 ? `trial ${only}` : `show ${n} trials in the table`;
  const none = document.createElement("button");
  none.type = "button";
  none.textContent = "Clear";
  none.addEventListener("click", () => select([]));
  return ["Selected: ", list, " ", none];
}

function mark(data) {
  for (const trace of data) {
    if (!Array.isArray(trace.customdata)) continue;
    if (selected.size) {
      trace.selectedpoints = trace.customdata.flatMap((tid, i) => (selected.has(tid) ? [i] : []));
      trace.unselected = { marker: { opacity: 0.15 } };
    } else {
      trace.selectedpoints = null;
      delete trace.unselected;
    }
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const state of states.values()) if (state.json) draw(state);
});
