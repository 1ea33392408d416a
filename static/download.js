// Several files of a contract at once, as a list that tells how far each is. What breaks off goes on where it stopped:
// bytes that were read are not read again. Without this each file has its own button.
"use strict";

const AT_ONCE = 2, PAUSES = [1, 2, 4, 8, 15], TELL_EVERY = 250;
const HELD_MAX = 2e9; // bytes that a page holds; what is larger the browser receives by itself
const PIECE = 32 * 1024 * 1024; // so much lies in memory until the browser may put it away
const CHECKED_MAX = 256 * 1024 * 1024;

// The site or the store said no, and why: trying the same again at once would not help.
class Refused extends Error {}

function pause(seconds) { return new Promise((resolve) => setTimeout(resolve, seconds * 1000)); }

function amount(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}

class Download {
  constructor(box, choice, variant) {
    this.words = box.dataset; this.choice = choice; this.variant = variant; this.name = choice.dataset.name;
    this.row = document.createElement("li");
    this.status = document.createElement("p"); this.bar = document.createElement("progress"); this.figures = document.createElement("p");
    this.retry = document.createElement("button");
    this.status.setAttribute("role", "status"); this.figures.className = "upload-figures";
    this.bar.setAttribute("aria-label", this.name);
    Object.assign(this.retry, { type: "button", className: "button small outlined", textContent: this.words.wordsRetry, hidden: true });
    this.retry.setAttribute("aria-label", `${this.words.wordsRetry} ${this.name}`);
    this.row.append(this.status, this.bar, this.figures, this.retry);
    this.forget();
    this.say(this.words.wordsQueued);
  }

  forget() { this.pieces = []; this.chunks = []; this.held = 0; this.received = 0; this.told = 0; this.bar.value = 0; }

  say(text) { this.status.textContent = `${this.name}: ${text}`; }

  async run() {
    this.retry.hidden = true;
    for (const seconds of [...PAUSES, null]) {
      try { return await this.receive(); } catch (error) {
        if (error instanceof Refused || seconds === null) {
          this.say((error instanceof Refused && error.message) || this.words.wordsFailed);
          this.retry.hidden = false;
          return false;
        }
      }
      this.say(this.words.wordsWaiting);
      await pause(seconds);
    }
    return false;
  }

  // A new link for every try: the old one may have run out.
  async receive() {
    const link = await this.link();
    this.name = link.name; this.bar.max = link.size || 1;
    const origin = new URL(link.url, location.href).origin;
    if (link.size > HELD_MAX || ![location.origin, this.words.store].includes(origin)) return this.hand(link);
    this.say(this.words.wordsReceiving);
    const answer = await fetch(link.url, { credentials: "omit", cache: "no-store", headers: this.received ? { Range: `bytes=${this.received}-` } : {} });
    if (answer.status === 403 || answer.status === 404) throw new Refused(this.words.wordsGone);
    if (!answer.ok) throw new Error(answer.statusText);
    if (answer.status !== 206) this.forget();
    this.started = performance.now(); this.before = this.received;
    const reader = answer.body.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) this.take(read.value, link.size);
    if (this.received !== link.size) throw new Error("broken off");
    return this.finish(link);
  }

  async link() {
    const body = new FormData();
    body.set("variant", this.variant);
    const answer = await fetch(this.choice.dataset.linkUrl, { method: "POST", body, headers: { "Accept": "application/json", "X-CSRFToken": this.words.csrf } });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    if (answer.status >= 500) throw new Error(answer.statusText);
    throw new Refused(said.detail || said.title || "");
  }

  take(chunk, size) {
    this.chunks.push(chunk);
    this.held += chunk.length; this.received += chunk.length;
    if (this.held >= PIECE) { this.pieces.push(new Blob(this.chunks)); this.chunks = []; this.held = 0; }
    const now = performance.now();
    this.bar.value = this.received;
    if (now - this.told < TELL_EVERY && this.received < size) return;
    this.told = now;
    const speed = (this.received - this.before) / Math.max((now - this.started) / 1000, 0.1);
    this.figures.textContent = `${amount(this.received)} / ${amount(size)} · ${amount(Math.round(speed))}/s`;
  }

  async finish(link) {
    const whole = new Blob([...this.pieces, ...this.chunks]);
    const checked = await this.fits(whole, link);
    if (checked === false) { this.forget(); throw new Error("changed on the way"); }
    const url = URL.createObjectURL(whole);
    save(url, link.name);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.bar.value = this.bar.max;
    this.pieces = []; this.chunks = [];
    this.say(checked ? this.words.wordsChecked : this.words.wordsDone);
    return true;
  }

  // Whether the bytes are the file's, where the browser can tell.
  async fits(whole, link) {
    if (!crypto.subtle || link.size > CHECKED_MAX) return null;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await whole.arrayBuffer()));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("") === link.sha256;
  }

  hand(link) {
    save(link.url, link.name);
    this.bar.value = this.bar.max;
    this.say(this.words.wordsHanded);
    return true;
  }
}

for (const box of document.querySelectorAll("[data-downloads]")) {
  const choices = [...box.querySelectorAll("input[data-link-url]")], all = box.querySelector("[data-all]");
  const start = box.querySelector("[data-start]"), list = box.querySelector("[data-list]"), variant = box.querySelector("[data-variant]");
  const waiting = [];
  let running = 0;
  for (const part of box.querySelectorAll("[data-with-script]")) part.hidden = false;

  const follow = () => {
    const count = choices.filter((choice) => choice.checked).length;
    start.disabled = !count;
    all.checked = count === choices.length; all.indeterminate = count > 0 && count < choices.length;
  };
  const work = async () => {
    running += 1;
    while (waiting.length) await waiting.shift().run();
    running -= 1;
  };
  const queue = (download) => { waiting.push(download); if (running < AT_ONCE) work(); };

  window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
  box.addEventListener("change", follow);
  all.addEventListener("change", () => { for (const choice of choices) choice.checked = all.checked; follow(); });
  start.addEventListener("click", () => {
    for (const choice of choices.filter((each) => each.checked)) {
      const download = new Download(box, choice, variant?.value === "parquet" && choice.dataset.parquet ? "parquet" : "original");
      download.retry.addEventListener("click", () => { download.say(box.dataset.wordsQueued); queue(download); });
      list.append(download.row);
      choice.checked = false;
      queue(download);
    }
    follow();
  });
  follow();
}
