// Files go straight to the store by presigned PUT: in one piece when small, in parts when large.
// What a lost connection broke off is tried again with growing pauses; after a reload the same file, picked again,
// goes on where it stopped; where the store has forgotten the upload, it starts again by itself, once.
"use strict";

const MULTIPART_FROM = 64 * 1024 * 1024, AT_ONCE = 3, PAUSES = [1, 2, 4, 8, 15, 30, 60];
const TELL_EVERY = 250; // milliseconds between two looks at the figures

// The site said no, and why: trying the same again would not help.
class Refused extends Error {
  constructor(words, type) { super(words); this.forgotten = /upload-forgotten|not-found/.test(type ?? ""); }
}

function pause(seconds) { return new Promise((resolve) => setTimeout(resolve, seconds * 1000)); }

async function again(deed, waiting) {
  for (const seconds of [...PAUSES, null]) {
    try { return await deed(); } catch (error) {
      if (error instanceof Refused || seconds === null) throw error;
    }
    waiting();
    await pause(seconds);
  }
  return null;
}

async function ask(url, body, csrf) {
  const answer = await fetch(url, {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": csrf },
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  if (answer.status >= 500 || answer.status === 429) throw new Error(answer.statusText);
  const reasons = Object.values(said.errors ?? {}).flat().join(" ");
  throw new Refused(said.detail || reasons || said.title || "", said.type);
}

// Answers with the store's ETag of what arrived.
function put(url, blob, headers, progressed) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progressed(event.loaded);
    request.onload = () => {
      if (request.status < 300) return resolve(request.getResponseHeader("ETag"));
      return reject(request.status === 404 ? new Refused("", "upload-forgotten") : new Error(request.statusText));
    };
    request.onerror = request.onabort = request.ontimeout = () => reject(new Error("connection"));
    request.send(blob);
  });
}

class Upload {
  constructor(box, file) {
    this.box = box; this.file = file; this.words = box.dataset; this.csrf = box.dataset.csrf;
    this.key = `upload ${box.dataset.createUrl} ${file.name} ${file.size} ${file.lastModified}`;
    this.sent = new Map(); this.before = 0; this.told = 0;
    this.status = document.createElement("p"); this.bar = document.createElement("progress"); this.figures = document.createElement("p");
    this.status.setAttribute("role", "status"); this.figures.className = "upload-figures";
    this.bar.max = file.size || 1; this.bar.value = 0; this.bar.setAttribute("aria-label", file.name);
    const row = document.createElement("li");
    row.append(this.status, this.bar, this.figures);
    box.querySelector(".upload-list").append(row);
    this.say(this.words.wordsQueued);
  }

  say(text) {
    const words = `${this.file.name}: ${text}`;
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  progress(part, bytes) {
    this.sent.set(part, bytes);
    const now = performance.now(), done = this.total();
    this.bar.value = done;
    if (now - this.told < TELL_EVERY && done < this.file.size) return;
    this.told = now;
    this.say(this.words.wordsSending);
    const speed = (done - this.before) / Math.max((now - this.started) / 1000, 0.1);
    const figures = [`${amount(done)} / ${amount(this.file.size)}`, `${amount(speed)}/s`];
    if (speed > 0 && done < this.file.size) figures.push(`${this.words.wordsLeft} ${this.duration((this.file.size - done) / speed)}`);
    this.figures.textContent = figures.join(" · ");
  }

  total() { return [...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0); }

  duration(seconds) {
    if (seconds < 90) return `${Math.ceil(seconds)} ${this.words.wordsSeconds}`;
    return `${Math.ceil(seconds / 60)} ${this.words.wordsMinutes}`;
  }

  waiting() { this.say(this.words.wordsWaiting); }

  ask(url, body) { return again(() => ask(url.replace("FILE", this.id), body, this.csrf), () => this.waiting()); }

  // True once the site has the whole file.
  async run() {
    for (const last of [false, true]) {
      this.sent.clear(); this.before = 0; this.started = performance.now();
      this.say(this.words.wordsSending);
      try {
        const parts = this.file.size >= MULTIPART_FROM ? await this.inParts() : await this.whole();
        await this.ask(this.words.completeUrl, parts ? { parts } : {});
        localStorage.removeItem(this.key);
        this.bar.value = this.bar.max;
        this.say(this.words.wordsDone);
        return true;
      } catch (error) {
        const forgotten = error instanceof Refused && error.forgotten;
        if (forgotten) localStorage.removeItem(this.key);
        if (forgotten && !last) continue;
        this.say((error instanceof Refused && error.message) || this.words.wordsFailed);
        return false;
      }
    }
    return false;
  }

  announce(multipart) {
    const body = { name: this.file.name, size: this.file.size, media_type: this.file.type || "application/octet-stream" };
    return this.ask(this.words.createUrl, multipart ? { ...body, multipart: true } : body);
  }

  async whole() {
    const made = await this.announce(false);
    this.id = made.id;
    await again(() => put(made.upload.url, this.file, made.upload.headers, (bytes) => this.progress(0, bytes)), () => this.waiting());
    return null;
  }

  async inParts() {
    const kept = this.remembered() ?? await this.begin();
    this.id = kept.id;
    for (const number of Object.keys(kept.done)) this.sent.set(Number(number), this.blob(kept, Number(number)).size);
    this.before = this.total();
    if (this.before) this.say(this.words.wordsResumed);
    const waiting = Array.from({ length: kept.count }, (_, n) => n + 1).filter((n) => !kept.done[n]);
    const worker = async () => { while (waiting.length) await this.part(kept, waiting.shift()); };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return Object.entries(kept.done).map(([number, etag]) => ({ number: Number(number), etag }));
  }

  async begin() {
    const made = await this.announce(true);
    const kept = { id: made.id, size: made.upload.part_size, count: made.upload.parts, done: {} };
    this.keep(kept);
    return kept;
  }

  blob(kept, number) { return this.file.slice((number - 1) * kept.size, number * kept.size); }

  // A new signature for every try: the old one may have run out during a long pause.
  part(kept, number) {
    return again(async () => {
      const signed = await this.ask(this.words.partsUrl, { numbers: [number] });
      kept.done[number] = await put(signed.parts[0].url, this.blob(kept, number), signed.parts[0].headers, (bytes) => this.progress(number, bytes));
      this.keep(kept);
    }, () => { this.sent.delete(number); this.waiting(); });
  }

  remembered() { try { return JSON.parse(localStorage.getItem(this.key)); } catch { return null; } }

  keep(state) { try { localStorage.setItem(this.key, JSON.stringify(state)); } catch { /* a full store only costs the resume */ } }
}

function amount(bytes) {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

for (const box of document.querySelectorAll("[data-upload]")) {
  const input = box.querySelector("input[type=file]");
  let sending = 0;
  window.addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
  input.addEventListener("change", async () => {
    const uploads = [...input.files].map((file) => new Upload(box, file));
    input.value = ""; // so that the same file can be picked again
    sending += 1;
    const results = [];
    for (const upload of uploads) results.push(await upload.run());
    sending -= 1;
    if (!sending && results.length && results.every(Boolean)) location.assign(box.dataset.doneUrl);
  });
}
