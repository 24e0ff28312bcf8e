// The form, made pleasant: checks before sending, progress, cancel, try again. Without this file it works, too.
// Every word shown comes from the page, so that it is in the page's language.
"use strict";

const SLOW_SECONDS = 8;
const STALL_SECONDS = 90; // on a slow line the network may hold a megabyte that was handed to it

document.querySelector("[data-focus]")?.focus();

const form = document.querySelector("form[data-thanks]");
if (form) begin(form);

function begin(form) {
  const life = new AbortController(); // ends when the page is switched to another language
  const on = (target, name, act) => target.addEventListener(name, act, { signal: life.signal });
  const words = form.dataset;
  const file = form.elements.resume_file;
  const zone = file.closest(".zone");
  const summary = document.getElementById("summary");
  const sending = document.getElementById("sending");
  const submit = form.querySelector("[type=submit]");
  const [bar, said, failure, cancel, again] =
    ["progress", "[role=status]", "[data-failure]", "[data-cancel]", "[data-again]"]
      .map((part) => sending.querySelector(part));
  const name = submit.textContent;
  let request = null;
  let busy = false;
  let latest = null;
  let timer = 0;
  let silence = []; // timers of what is done when nothing moves

  // The file

  zone.classList.add("live"); // the field now covers the zone, and is what keyboards and screen readers use
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    on(window, name, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // a file dropped beside the zone must not replace the page
      zone.classList.add("over");
    });
  }
  on(window, "dragleave", (event) => event.relatedTarget || zone.classList.remove("over"));
  on(window, "drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length > 1) return tell("resume_file", [file.dataset.several]);
    file.files = event.dataTransfer.files;
    chosen();
  });
  on(file, "change", chosen);
  const showRestored = () => file.files.length && chosen();
  showRestored();

  function chosen() {
    const [one] = file.files;
    zone.querySelector(".chosen").textContent = one ? `${one.name} · ${inWords(one.size)}` : "";
    zone.classList.toggle("filled", Boolean(one));
    tell("resume_file", one ? wrongWithFile() : []);
  }

  function inWords(bytes) {
    const [unit, name] = bytes < 1048576 ? [1024, "KB"] : [1048576, "MB"];
    const digits = { maximumFractionDigits: bytes < 1048576 ? 0 : 1 };
    return `${Math.max(bytes / unit, bytes && 1).toLocaleString(document.documentElement.lang, digits)} ${name}`;
  }

  // A usual slip in the address: asked about, in a region that is read out. The page says which, the server knows more.

  const { email } = form.elements;
  const meant = Object.entries(JSON.parse(email.dataset.slips));
  const question = document.createElement("div");
  question.className = "question";
  question.setAttribute("aria-live", "polite");
  email.after(question);
  let [pressed, left] = [false, false];
  addEventListener("pointerdown", () => (pressed = true), true);
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => setTimeout(() => ((pressed = false), left && ask()))); // after the click
  }
  email.addEventListener("change", () => ((left = true), pressed || ask())); // nothing may move under the finger
  email.addEventListener("input", () => question.replaceChildren());

  function ask() {
    left = false;
    const [, local, domain] = /^(.+)@(.+)$/.exec(email.value.trim().toLowerCase()) ?? [];
    const [right] = meant.find(([, slips]) => slips.split(" ").includes(domain)) ?? [];
    if (!right || busy) return;
    const address = `${email.value.trim().slice(0, local.length)}@${right}`;
    const take = document.createElement("button");
    Object.assign(take, { type: "button", className: "outline", textContent: email.dataset.meant.replace("{}", address) });
    take.addEventListener("click", () => {
      email.value = address;
      question.replaceChildren();
      email.focus();
    });
    question.replaceChildren(take);
  }

  // What is wrong

  function wrongWithFile() {
    const [one] = file.files;
    if (!one) return [file.dataset.missing];
    if (!one.size) return [file.dataset.empty];
    if (one.size > Number(file.dataset.most)) return [file.dataset.large];
    // A name without an ending may be that of a PDF: the server looks inside.
    const [ending] = /\.(?!v\d)([a-z][a-z0-9]{1,3}|[A-Z][A-Z0-9]{1,3})$/.exec(one.name.trim()) ?? [];
    if (!ending || file.accept.split(",").includes(ending.toLowerCase())) return [];
    return [/hei[cf]$/i.test(ending) ? file.dataset.heic : file.dataset.kinds];
  }

  function wrongWith(field) {
    if (field === file) return wrongWithFile();
    const text = field.value.trim();
    if (field.required && !text) return [field.dataset.missing];
    return field.type === "email" && text && !/.@./.test(text) ? [field.dataset.address] : [];
  }

  const isNeeded = (field) => field.required && !(field.name === "last_name" && form.elements.one_name.checked);

  async function findings() {
    const found = [...form.elements].filter(isNeeded).map((field) => [field.name, wrongWith(field)]);
    const [one] = file.files;
    if (one && !wrongWithFile().length) {
      // A folder, or a file that was changed since it was chosen, cannot be read.
      await one.slice(0, 1).arrayBuffer().catch(() => found.push(["resume_file", [file.dataset.unreadable]]));
    }
    return Object.fromEntries(found.filter(([, reasons]) => reasons.length));
  }

  function tell(name, reasons) {
    const field = form.elements[name];
    const box = field.closest(".field");
    box.classList.toggle("wrong", reasons.length > 0);
    box.querySelector(".error")?.remove();
    const ids = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== `${name}-error`);
    if (reasons.length) {
      const message = document.createElement("p");
      Object.assign(message, { className: "error", id: `${name}-error`, textContent: reasons.join(" ") });
      (field.closest(".zone") ?? field).before(message);
      ids.push(message.id);
    }
    if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
    else field.removeAttribute("aria-describedby");
    if (reasons.length) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  /** Put the messages beside their fields and in the summary, as the server does; focus that. */
  function refuse(errors) {
    const fields = [...form.elements].filter((field) => field.name && field.closest(".field")); // a question has a button
    fields.forEach((field) => tell(field.name, errors[field.name] ?? []));
    const wrong = fields.filter((field) => errors[field.name]);
    summary.hidden = !wrong.length;
    summary.querySelector("[data-choose]")?.remove(); // the file is still chosen
    summary.querySelector("ul").replaceChildren(...wrong.map((field) => {
      const [line, link] = [document.createElement("li"), document.createElement("a")];
      link.href = `#${field.name}`;
      link.textContent = errors[field.name].join(" ");
      line.append(link);
      return line;
    }));
    if (wrong.length) summary.focus();
    return wrong.length > 0;
  }

  // The language

  /** Show the page in another language, with everything typed and the file. */
  function switchTo(address) {
    if (busy) return;
    const page = new XMLHttpRequest();
    page.responseType = "document";
    page.onload = () => page.status === 200 && showInstead(page.response, address);
    page.open("GET", address);
    page.send();
  }

  function showInstead(next, address) {
    const other = next.getElementById(form.id);
    for (const field of form.elements) {
      const twin = other.elements[field.name];
      if (!twin || field.name === "disclaimer") continue; // that is shown in the other language now
      if (field === file) twin.files = file.files;
      else twin.value = field.value;
      twin.checked = field.checked;
    }
    life.abort();
    // The form itself stays: proof.js is at work for it.
    form.replaceChildren(...other.childNodes);
    for (const { name, value } of other.attributes) form.setAttribute(name, value);
    other.replaceWith(form);
    document.documentElement.lang = next.documentElement.lang;
    document.documentElement.dir = next.documentElement.dir;
    document.title = next.title;
    document.body.replaceWith(next.body);
    history.replaceState(history.state, "", address);
    document.querySelector("h1").focus();
    begin(form);
  }

  // Sending

  on(form, "submit", (event) => {
    event.preventDefault();
    if (event.submitter?.hasAttribute("formaction")) switchTo(event.submitter.formAction);
    else send();
  });
  on(form, "input", ({ target }) => {
    // Not on `change`: that comes with the click on the button, which would move away under the finger.
    if (target.hasAttribute("aria-invalid") && !wrongWith(target).length) tell(target.name, []);
  });
  on(cancel, "click", () => (request ? request.abort() : rest(words.stopped)));
  on(again, "click", send);
  on(window, "pageshow", (event) => {
    if (event.persisted) rest();
    showRestored(); // the browser brings the file back before this, and tells nobody
    if (history.state?.sent) showSent(history.state);
  });

  /** Somebody came back after sending: what is sent again unchanged is the same submission. */
  function showSent({ sent, id, opened }) {
    form.elements.submission_id.value = id;
    form.elements.opened.value = opened;
    const notice = document.getElementById("sent");
    notice.querySelector(".reference").textContent = sent;
    on(notice.querySelector("a"), "click", () => history.replaceState(null, "")); // else its state stays
    notice.hidden = false;
    notice.focus();
  }

  const stay = (event) => event.preventDefault();

  /** Be at work or not: what a click does, and whether leaving needs a question. */
  function work(at) {
    busy = at;
    if (at) submit.setAttribute("aria-disabled", "true"); // keeps the focus, as `disabled` would not
    else submit.removeAttribute("aria-disabled");
    (at ? addEventListener : removeEventListener)("beforeunload", stay);
  }

  /** Stop, with a sentence that says why, if anything went wrong; not to be tried again for some seconds. */
  function rest(sentence = "", seconds = 0) {
    clearInterval(timer);
    hush();
    work(false);
    submit.textContent = name;
    submit.ariaLabel = null;
    request = null;
    submit.hidden = Boolean(sentence);
    sending.hidden = !sentence;
    sending.classList.toggle("failed", Boolean(sentence));
    failure.textContent = sentence;
    const tick = () => {
      const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      again.disabled = seconds > 0;
      again.textContent = seconds > 0 ? `${words.again} (${clock})` : words.again;
      if (seconds-- <= 0) clearInterval(timer);
    };
    timer = setInterval(tick, 1000);
    tick();
    if (!sentence) return;
    failure.focus();
    sending.scrollIntoView({ block: "nearest" });
  }

  /** Show what is known: what was handed to the network, which is not what has arrived. */
  function show(percent) {
    bar.value = percent;
    submit.textContent = percent < 100 ? `${words.sending} ${percent} %` : words.waiting;
    submit.ariaLabel = percent < 100 ? words.sending : words.waiting; // not read out with every percent
    say(percent < 100 ? `${words.sending} ${percent - (percent % 25)} %` : words.waiting);
    hush();
    silence = [
      setTimeout(say, 1000 * SLOW_SECONDS, words.slow),
      setTimeout(giveUp, 1000 * STALL_SECONDS),
    ];
  }

  /** Read it out: five times, not a hundred. */
  function say(sentence) {
    if (said.textContent === sentence) return;
    said.textContent = sentence;
    sending.scrollIntoView({ block: "nearest" });
  }

  function hush() {
    silence.forEach(clearTimeout);
    silence = [];
  }

  function lose() {
    rest(words.lost);
    report("failed", { status: 0, fields: [] });
  }

  function giveUp() {
    if (!request) return lose();
    request.onabort = lose;
    request.abort();
  }

  async function send() {
    if (busy || again.disabled) return;
    work(true);
    if (refuse(await findings())) return rest();
    sending.classList.remove("failed");
    sending.hidden = submit.hidden = false;
    failure.textContent = "";
    show(0);
    await proved(form.proof);
  }

  /** Send it once the proof of work that proof.js is at is there, where the firm asks for one. */
  async function proved(proof) {
    const attempt = (latest = Symbol());
    await proof;
    if (busy && attempt === latest) post(); // else it was stopped meanwhile
  }

  /** Send it. The submission_id stays the same, so that however often this happens it makes one lead. */
  function post() {
    request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => show(Math.floor((100 * loaded) / total));
    request.onload = answered;
    request.onerror = lose;
    request.onabort = () => rest(words.stopped);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.send(new FormData(form));
  }

  /** Tell the firm's site, where the page is in a frame of it (frame.js). */
  function report(name, detail) {
    form.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  function answered() {
    const { status, response } = request;
    const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
    if (status === 201) {
      removeEventListener("beforeunload", stay);
      report("sent", { reference: response.reference });
      const { submission_id: id, opened } = form.elements;
      history.scrollRestoration = "manual"; // who comes back is to see what showSent says
      history.replaceState({ sent: response.reference, id: id.value, opened: opened.value }, "");
      const unsigned = words.thanks.replace(/0{8}(-0{4}){3}-0{12}/, response.reference || response.id);
      return location.assign(request.getResponseHeader("Location") ?? unsigned);
    }
    if (status === 409 && seconds) {
      // The first try is being received. Whoever stops meanwhile has no request to abort.
      const attempt = latest;
      request = null;
      return void setTimeout(() => busy && attempt === latest && post(), 1000 * seconds);
    }
    if (response?.errors?.submission_id) {
      // An answer was lost and something was changed since: what is here now is meant, as a new submission.
      form.elements.submission_id.value = freshId();
      return proved(form.prove?.());
    }
    const errors = response?.errors ?? (status === 413 ? { resume_file: [file.dataset.large] } : {});
    report("failed", { status, fields: Object.keys(errors) });
    if (refuse(errors)) return rest(), summary.focus();
    rest(response?.detail ?? words.lost, seconds);
  }
}

/** A UUID of version 4. crypto.randomUUID would be missing on plain http. */
function freshId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}
