// The desk: single keys, and a page that knows when it is out of date.
(() => {
  "use strict";

  const find = (selector) => document.querySelector(selector);

  // -- On a phone the leads come first; the filters open on demand.

  const filters = find(".more");
  if (filters && matchMedia("(max-width: 30rem)").matches) filters.open = !filters.matches(".idle");
  filters?.classList.remove("idle");

  // -- What changed meanwhile is shown, but not over somebody's typing.

  const isTyping = () => Boolean(find("#story details[open]"));

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt?.id === "lead" && isTyping()) {
      event.preventDefault();
      say("This lead changed meanwhile. Finish what you do, or load the page again.");
    }
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const typed = event.detail.formData;
    for (const name of [...typed.keys()]) if (typed.get(name) === "") typed.delete(name);
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) find("#signed-out").hidden = false;
    if (event.detail.xhr.status === 404) say("This lead is not with you any more.");
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "lead") say("This lead was changed just now.");
  });

  const say = (sentence) => {
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.textContent = sentence;
    find("#notices").replaceChildren(notice);
  };

  // -- Single keys, which can be switched off (WCAG 2.2, 2.1.4).

  const shortcuts = find("#shortcuts");
  const keysOn = find("#keys-on");
  if (keysOn) {
    keysOn.checked = localStorage.getItem("keys") !== "off";
    keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
  }
  if (shortcuts) {
    for (const opener of document.querySelectorAll("[data-opens=shortcuts]")) {
      opener.hidden = false;
      opener.addEventListener("click", () => shortcuts.showModal());
    }
  }

  const step = (by) => {
    const leads = [...document.querySelectorAll(".lead .name")];
    const at = leads.indexOf(document.activeElement);
    const next = leads[at < 0 && by < 0 ? leads.length - 1 : at + by];
    if (next) next.focus();
  };

  const acts = {
    "/": () => find("#q")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    "?": () => shortcuts.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, textarea, select, dialog");
    if (!keysOn?.checked || busy || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = find(`[data-key="${CSS.escape(event.key)}"]:not([hidden])`);
    const act = acts[event.key];
    if (!act && !button) return;
    event.preventDefault();
    if (button) button.click();
    else act();
    if (button && button.tagName === "SUMMARY") button.parentElement.querySelector("textarea").focus();
  });

  // -- Passkeys, where the browser knows them.

  const passkey = find("[data-passkey]");
  if (passkey && globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    passkey.hidden = false;
    passkey.addEventListener("click", async () => {
      const problem = find("#passkey-problem");
      problem.hidden = true;
      try {
        const { options } = await post(passkey.dataset.options);
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
        const credential = await navigator.credentials.get({ publicKey });
        await post(passkey.dataset.shown, { credential: credential.toJSON() });
        location.assign(passkey.dataset.passkey);
      } catch (error) {
        problem.textContent = error.detail || "That did not work. Please try again, or use your password.";
        problem.hidden = false;
      }
    });
  }

  const post = async (address, content) => {
    const body = content && JSON.stringify(content);
    const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(address, { method: "POST", headers, body });
    const said = await answer.json();
    if (!answer.ok) throw said;
    return said;
  };
})();
