// The text beside a form follows what is chosen in it. Without scripts it does so when the form is saved.
"use strict";

for (const form of document.querySelectorAll("form[data-reading-url]")) {
  const shown = form.querySelector("[data-reading]"), note = form.querySelector("[data-said]");
  let turn = 0;
  form.addEventListener("change", async () => {
    const mine = ++turn;
    const answer = await fetch(form.dataset.readingUrl, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (mine !== turn || !answer || !answer.ok || answer.redirected) return;
    shown.innerHTML = await answer.text();
    if (note) note.textContent = note.dataset.said;
  });
}
