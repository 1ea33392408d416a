// What every page may use. Pages work without it.
"use strict";

// After a refused form the summary of its errors is what to read first.
document.querySelector("[data-focus]")?.focus();

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "yes";
  setTimeout(() => { delete event.target.dataset.sent; }, 4000);
});

// Copying.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// Live parts: <div data-refresh-url data-refresh-seconds data-refresh-said="…"> fetches its own HTML again.
for (const part of document.querySelectorAll("[data-refresh-url]")) {
  const refresh = async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(part.dataset.refreshUrl, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = part.id ? page.getElementById(part.id) : page.body;
    if (!fresh) return;
    if (part.dataset.refreshReload !== undefined && fresh.dataset.state !== part.dataset.state) { location.reload(); return; }
    part.innerHTML = fresh.innerHTML;
    if (fresh.dataset.refreshUrl === undefined) clearInterval(timer);
    const note = part.querySelector(".live-note");
    if (note) note.textContent = new Date().toLocaleTimeString(document.documentElement.lang) + " " + (part.dataset.refreshSaid ?? "");
  };
  const timer = setInterval(refresh, 1000 * (Number(part.dataset.refreshSeconds) || 5));
}
