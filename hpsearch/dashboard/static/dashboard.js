// Keeps the page up to date and adds keys. Without this file the page says the same until it is reloaded.

import "./choosers.js";
import { panels } from "./panels.js";

const badge = document.getElementById("badge");
const events = document.body.dataset.events;
const MODES = {
  live: "live",
  polling: "polling every 2 s: MongoDB here reports no changes",
  away: "MongoDB is away; waiting",
  reconnecting: "reconnecting …",
};
const PAUSE_MS = 1000;

let source = null;
let mode = "";
let timer = null;
let isStale = false;
const shownHtml = new Map();

function show(name) {
  if (badge.dataset.mode === name) return;
  badge.dataset.mode = name;
  badge.textContent = MODES[name];
}

function open() {
  if (!events || source) return;
  source = new EventSource(events);
  source.addEventListener("mode", (event) => {
    if (mode) changed(); // after a pause, whatever happened in it
    mode = event.data;
    show(mode);
  });
  source.addEventListener("changed", () => {
    show(mode);
    changed();
  });
  source.addEventListener("away", () => show("away"));
  source.addEventListener("error", () => show("reconnecting"));
}

function close() {
  source?.close();
  source = null;
}

// At most one update a second; one more follows if something changes meanwhile.
function changed() {
  isStale = true;
  if (timer === null) timer = setTimeout(update, 0);
}

async function update() {
  if (isStale) {
    isStale = false;
    try {
      await replaceParts();
      panels.update();
    } catch {
      isStale = true;
    }
    timer = setTimeout(update, PAUSE_MS);
  } else {
    timer = null;
  }
}

async function replaceParts() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && fresh.innerHTML !== shownHtml.get(old.id)) replace(old, fresh);
  }
}

// Keeps focus, marked boxes, opened details and the current row.
function replace(old, fresh) {
  const html = fresh.innerHTML;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.id || focused?.getAttribute("href");
  const checked = new Set([...old.querySelectorAll("input:checked")].map((input) => input.value));
  const opened = [...old.querySelectorAll("details")].map((details) => details.open);
  const scrolled = [...old.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
  const current = old.querySelector("tr.current")?.id;
  old.innerHTML = html;
  shownHtml.set(old.id, html);
  for (const input of old.querySelectorAll("input[type=checkbox]")) input.checked = checked.has(input.value);
  old.querySelectorAll("details").forEach((details, i) => {
    if (i < opened.length) details.open = opened[i];
  });
  old.querySelectorAll(".scroll").forEach((part, i) => (part.scrollLeft = scrolled[i] ?? 0));
  if (current) document.getElementById(current)?.classList.add("current");
  if (key) {
    const again = document.getElementById(key) ?? old.querySelector(`[href="${CSS.escape(key)}"]`);
    again?.focus({ preventScroll: true });
  }
}

function move(step) {
  const rows = [...document.querySelectorAll("tr[data-row]")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("current"));
  const next = Math.min(rows.length - 1, Math.max(0, at + step));
  rows[at]?.classList.remove("current");
  rows[next].classList.add("current");
  rows[next].querySelector("a")?.focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-search]")?.focus();
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") document.getElementById("help").showModal();
});

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", () => document.hidden || open());

for (const part of document.querySelectorAll("[data-live]")) shownHtml.set(part.id, part.innerHTML);
if (events) show("reconnecting");
else badge.hidden = true;
if (!document.hidden) open();
