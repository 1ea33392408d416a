// Files go straight to the store by presigned PUT: in one piece when small, in parts when large.
// Parts are tried again with growing pauses; after a reload the same file picked again goes on where it stopped.
"use strict";

const MULTIPART_FROM = 64 * 1024 * 1024, AT_ONCE = 3, PAUSES = [1, 2, 4, 8, 15, 30, 60];
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

class Refused extends Error {}

async function post(url, body, csrf) {
  for (const pause of [...PAUSES, null]) {
    try {
      const answer = await fetch(url, {
        method: "POST", body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": csrf },
      });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) return said;
      if (answer.status < 500 && answer.status !== 429) throw Object.assign(new Refused(said.detail || answer.statusText), { slug: said.type });
    } catch (error) {
      if (error instanceof Refused || pause === null) throw error;
    }
    await sleep(pause ?? 60);
  }
  throw new Refused("");
}

function put(url, blob, headers, progressed) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progressed(event.loaded);
    request.onload = () => request.status < 300 ? resolve(request.getResponseHeader("ETag")) : reject(Object.assign(new Error(request.statusText), { status: request.status }));
    request.onerror = request.ontimeout = () => reject(new Error("connection"));
    request.send(blob);
  });
}

class Upload {
  constructor(box, file) {
    this.box = box; this.file = file; this.words = box.dataset; this.csrf = box.dataset.csrf;
    this.key = `upload ${box.dataset.createUrl} ${file.name} ${file.size} ${file.lastModified}`;
    this.sent = new Map(); this.started = performance.now(); this.before = 0;
    const row = document.createElement("li");
    this.label = document.createElement("p"); this.bar = document.createElement("progress");
    this.bar.max = file.size || 1; this.bar.value = 0; this.bar.setAttribute("aria-label", file.name);
    row.append(this.label, this.bar);
    box.querySelector(".upload-list").append(row);
  }

  say(text) { this.label.textContent = `${this.file.name}: ${text}`; }

  progress(part, bytes) {
    this.sent.set(part, bytes);
    const done = [...this.sent.values()].reduce((sum, n) => sum + n, 0);
    const speed = (done - this.before) / ((performance.now() - this.started) / 1000 || 1);
    const left = speed > 0 ? Math.ceil((this.file.size - done) / speed) : null;
    this.bar.value = done;
    this.say(`${this.words.wordsSending} ${mega(done)} / ${mega(this.file.size)} MB、${mega(speed)} MB/s${left === null ? "" : `、${this.words.wordsLeft} ${left} ${this.words.wordsSeconds}`}`);
  }

  async run() {
    this.say(this.words.wordsSending);
    try {
      const parts = this.file.size >= MULTIPART_FROM ? await this.inParts() : await this.whole();
      await post(this.words.completeUrl.replace("FILE", this.id), parts ? { parts } : {}, this.csrf);
      localStorage.removeItem(this.key);
      this.say(this.words.wordsDone);
      return true;
    } catch (error) {
      if (/upload-forgotten/.test(error.slug ?? "") && !this.again) {
        this.again = true; localStorage.removeItem(this.key); this.sent.clear();
        return this.run();
      }
      this.say(error.message && error instanceof Refused ? error.message : this.words.wordsFailed);
      return false;
    }
  }

  async announce(multipart) {
    const body = { name: this.file.name, size: this.file.size, media_type: this.file.type || "application/octet-stream" };
    return post(this.words.createUrl, multipart ? { ...body, multipart: true } : body, this.csrf);
  }

  async whole() {
    for (const pause of [...PAUSES, null]) {
      const made = await this.announce(false);
      this.id = made.id;
      try {
        await put(made.upload.url, this.file, made.upload.headers, (bytes) => this.progress(0, bytes));
        return null;
      } catch (error) {
        if (pause === null) throw error;
        this.say(this.words.wordsWaiting);
        await sleep(pause);
      }
    }
    return null;
  }

  async inParts() {
    let kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
    if (kept) this.say(this.words.wordsResumed);
    if (!kept) {
      const made = await this.announce(true);
      kept = { id: made.id, size: made.upload.part_size, count: made.upload.parts, done: {} };
      this.keep(kept);
    }
    this.id = kept.id;
    for (const number of Object.keys(kept.done)) this.sent.set(Number(number), this.blob(kept, Number(number)).size);
    this.before = [...this.sent.values()].reduce((sum, n) => sum + n, 0);
    const waiting = Array.from({ length: kept.count }, (_, n) => n + 1).filter((n) => !kept.done[n]);
    const worker = async () => { while (waiting.length) await this.part(kept, waiting.shift()); };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return Object.entries(kept.done).map(([number, etag]) => ({ number: Number(number), etag }));
  }

  blob(kept, number) { return this.file.slice((number - 1) * kept.size, number * kept.size); }

  async part(kept, number) {
    for (const pause of [...PAUSES, null]) {
      try {
        const signed = await post(this.words.partsUrl.replace("FILE", this.id), { numbers: [number] }, this.csrf);
        const one = (signed.parts ?? signed.items)[0];
        const blob = this.blob(kept, number);
        kept.done[number] = await put(one.url, blob, one.headers, (bytes) => this.progress(number, bytes));
        this.keep(kept);
        return;
      } catch (error) {
        if (error instanceof Refused || pause === null) throw error;
        if (error.status === 404) throw Object.assign(new Refused(""), { slug: "upload-forgotten" });
        this.sent.delete(number);
        this.say(this.words.wordsWaiting);
        await sleep(pause);
      }
    }
  }

  keep(state) { try { localStorage.setItem(this.key, JSON.stringify(state)); } catch { /* a full store only costs the resume */ } }
}

function mega(bytes) { return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0); }

for (const box of document.querySelectorAll("[data-upload]")) {
  box.querySelector("input[type=file]").addEventListener("change", async (event) => {
    const results = [];
    for (const file of event.target.files) results.push(await new Upload(box, file).run());
    if (results.length && results.every(Boolean)) location.assign(box.dataset.doneUrl);
  });
}
