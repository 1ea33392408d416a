// What every page may use. Pages work without it.
"use strict";

// After a refused form the summary of its errors is what to read first.
document.querySelector("[data-focus]")?.focus();

// A form is sent once, however often its button is pressed; a page taken back from the browser's memory may send again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});

// Copying: the button shows itself where the browser can do it.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// A table wider than its place is scrolled with the keyboard, too.
for (const wrap of document.querySelectorAll(".table-wrap")) {
  if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
}

// The menu of a narrow screen closes with Escape and when the page is touched beside it.
for (const menu of document.querySelectorAll(".site-menu")) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
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
