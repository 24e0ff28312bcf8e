// A proof of work against spam (ALTCHA), made while the person types.
// Without one nothing is lost: somebody of the firm looks first.
"use strict";

{
  const form = document.querySelector("form[data-challenge]");
  const WAIT_SECONDS = 20; // of somebody who has pressed the button
  const FRESH_SECONDS = 900; // a challenge is good for 1200, and an upload may take its time

  let renewal = 0;

  /** Make a proof for the next time the form is sent: each counts once. */
  form.prove = () => (form.proof = patiently(prove()));
  form.prove();

  async function prove() {
    try {
      const answer = await fetch(form.dataset.challenge, { headers: { Accept: "application/json" } });
      const { algorithm, challenge, salt, signature, maxnumber } = await answer.json();
      const number = await solved({ challenge, salt, maxnumber });
      form.elements.altcha.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
      clearTimeout(renewal);
      renewal = setTimeout(form.prove, 1000 * FRESH_SECONDS);
    } catch {
      // The form is sent without.
    }
  }

  function patiently(work) {
    return Promise.race([work, new Promise((over) => setTimeout(over, 1000 * WAIT_SECONDS))]);
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
