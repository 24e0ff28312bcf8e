// A proof of work against spam (ALTCHA), made while the person types.
// Without one nothing is lost: somebody of the firm looks first.
"use strict";

{
  const form = document.querySelector("form[data-challenge]");
  const PATIENCE_SECONDS = 20; // of somebody who has pressed the button
  const MARGIN_SECONDS = 60; // an upload may still be under way when a challenge ends

  form.proof = patiently(prove());

  async function prove() {
    try {
      const answer = await fetch(form.dataset.challenge, { headers: { Accept: "application/json" } });
      const { algorithm, challenge, salt, signature, maxnumber } = await answer.json();
      const number = await solved({ challenge, salt, maxnumber });
      form.elements.altcha.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
      const expires = Number(new URLSearchParams(salt.split("?")[1]).get("expires"));
      if (expires) setTimeout(renew, 1000 * Math.max(10, expires - Date.now() / 1000 - MARGIN_SECONDS));
    } catch {
      // The form is sent without.
    }
  }

  function renew() {
    form.proof = patiently(prove());
  }

  function patiently(work) {
    return Promise.race([work, new Promise((over) => setTimeout(over, 1000 * PATIENCE_SECONDS))]);
  }

  function solved(puzzle) {
    return new Promise((resolve, reject) => {
      const worker = new Worker(form.dataset.worker);
      worker.onmessage = ({ data }) => (worker.terminate(), data === null ? reject() : resolve(data));
      worker.onerror = reject;
      worker.postMessage(puzzle);
    });
  }
}
