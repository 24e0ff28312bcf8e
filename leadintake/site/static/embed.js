// Put where the form is to be: <script src="https://intake.firm.example/embed.js" data-lang="es"></script>
"use strict";

{
  const script = document.currentScript;
  const { origin } = new URL(script.src);
  const { title = "", ...chosen } = script.dataset;
  const query = new URLSearchParams({ embed: 1 });
  // data-practice-area becomes practice_area
  for (const name in chosen) query.set(name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase()), chosen[name]);
  const frame = document.createElement("iframe");
  frame.title = title || "Send us your resume";
  frame.src = `${origin}/?${query}`;
  frame.height = 1100;
  frame.style.width = "100%";
  frame.style.border = 0;
  script.after(frame);
  addEventListener("message", ({ source, origin: sender, data }) => {
    if (source !== frame.contentWindow || sender !== origin) return;
    const { leadintake: name, height, detail } = data;
    if (name === "height") frame.height = height;
    else frame.dispatchEvent(new CustomEvent("leadintake:" + name, { bubbles: true, detail }));
  });
}
