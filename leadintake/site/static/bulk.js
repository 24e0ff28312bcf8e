// Many leads at once: ticks over a range, over the page, and how many there are.
(() => {
  "use strict";

  const ticks = () => [...document.querySelectorAll(".tick input")];
  let last = null;

  const show = () => {
    const all = ticks();
    const chosen = all.filter((one) => one.checked).length;
    const output = document.querySelector("[data-ticked]");
    if (output) output.textContent = chosen ? `${chosen} selected` : "";
    const page = document.querySelector("[data-ticks]");
    if (!page) return;
    page.closest("label").hidden = false;
    page.checked = chosen > 0 && chosen === all.length;
    page.indeterminate = chosen > 0 && chosen < all.length;
  };

  document.addEventListener("click", (event) => {
    const tick = event.target.closest(".tick input");
    if (!tick) return;
    const all = ticks();
    const from = all.indexOf(last);
    if (event.shiftKey && from >= 0) {
      const [first, end] = [from, all.indexOf(tick)].sort((one, other) => one - other);
      for (const one of all.slice(first, end + 1)) one.checked = tick.checked;
    }
    last = tick;
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-ticks]")) for (const one of ticks()) one.checked = event.target.checked;
    show();
  });

  // -- A list that changed meanwhile must not forget what is ticked or filled in; a new search may.
  // It is brought up to date as soon as nothing is.

  let isStale = false;

  const isFilled = (field) =>
    field.type === "checkbox" ? field.checked : field.type !== "hidden" && field.type !== "submit" && field.value;
  const isInUse = () =>
    Boolean(document.querySelector("#queue details[open]")) ||
    [...(document.querySelector("#bulk")?.elements ?? [])].some(isFilled);

  const catchUp = () => {
    if (!isStale || isInUse()) return;
    isStale = false;
    htmx.trigger(document.body, "leads-changed");
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt?.id !== "queue" || !isInUse()) return;
    isStale = true;
    event.preventDefault();
  });

  document.addEventListener("change", catchUp);
  document.addEventListener("toggle", catchUp, true);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "queue") isStale = false;
    show();
  });

  document.addEventListener("submit", (event) => {
    const button = event.target.matches("[data-working]") && event.target.querySelector("button");
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    button.textContent = event.target.dataset.working;
  });

  show();
})();
