// The page in a frame of the firm's site (?embed=1): tells that site its height, and what became of the form.
"use strict";

{
  const allowed = document.body.dataset.parents.split(" ").filter(Boolean);
  const [above] = location.ancestorOrigins ?? [];
  const framed = parent === self ? [] : allowed;
  const parents = above ? framed.filter((origin) => origin === above) : framed;
  const tell = (message) => parents.forEach((origin) => parent.postMessage(message, origin));

  new ResizeObserver(() => tell({ leadintake: "height", height: document.documentElement.offsetHeight }))
    .observe(document.documentElement);
  for (const name of ["sent", "failed"]) {
    addEventListener(name, ({ detail }) => tell({ leadintake: name, detail }));
  }
}
