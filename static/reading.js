// The text beside a form follows what is chosen in it. Without scripts it does so when the form is saved.
"use strict";

// Where the text scrolls in a place of its own: bring into view why choices cannot stand together, or else the first
// clause that reads otherwise than before.
function follow(place, before) {
  const changed = place.querySelector(".broken") ?? [...place.querySelectorAll(".clause")].find((clause) => !before.has(clause.textContent));
  const frame = place.closest(".reading");
  if (!changed || !frame || frame.scrollHeight <= frame.clientHeight) return;
  frame.scrollTop += changed.getBoundingClientRect().top - frame.getBoundingClientRect().top - 16;
}

for (const form of document.querySelectorAll("form[data-reading-url]")) {
  const place = form.querySelector("[data-reading]"), note = form.querySelector("[data-said]");
  let turn = 0;
  form.addEventListener("change", async () => {
    const mine = ++turn;
    const answer = await fetch(form.dataset.readingUrl, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (mine !== turn || !answer || !answer.ok || answer.redirected) return;
    const before = new Set([...place.querySelectorAll(".clause")].map((clause) => clause.textContent));
    place.innerHTML = await answer.text();
    if (note) note.textContent = note.dataset.said;
    follow(place, before);
  });
}
