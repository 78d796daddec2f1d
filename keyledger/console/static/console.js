// What pages do with a script; without it they show UTC, and their forms and links work the same.
"use strict";

// Instants in the viewer's zone, UTC on hover.
const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.textContent = shown.format(at);
  }
}
localise(document);

// Copy what the button is for.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
});

// One more row of a table of fields.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-more]");
  if (!button) return;
  const rows = document.getElementById(button.dataset.more);
  const row = rows.lastElementChild.cloneNode(true);
  for (const field of row.querySelectorAll("input")) field.value = "";
  rows.append(row);
  row.querySelector("input").focus();
});

// A select that asks at once.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

// Events as they come: each is a row that the server has made.
const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("row", (event) => {
    const rows = new DOMParser().parseFromString(`<table><tbody>${event.data}</tbody></table>`, "text/html");
    for (const row of rows.querySelectorAll("tr")) {
      localise(row);
      row.classList.add("fresh");
      live.prepend(row);
    }
    while (live.children.length > 500) live.lastElementChild.remove();
  });
  const sign = document.getElementById("live-state");
  source.onopen = () => { sign.textContent = "live"; };
  source.onerror = () => {
    const ended = source.readyState === EventSource.CLOSED;
    sign.textContent = ended ? "ended: load the page again" : "connection lost, trying again";
  };
}
