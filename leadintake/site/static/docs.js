// Shows openapi.json with Swagger UI, below the guide and in the page's own light or dark.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();

  const reference = ({ React: { createElement } }) => ({
    components: {
      // Swagger UI puts a link into a button, which no reader of the screen can enter.
      DeepLink: ({ text }) => createElement("span", null, text),
      // Its own layout has a second <main> and repeats the page's heading.
      Reference: ({ getComponent, specSelectors }) => {
        const parts = ["SvgAssets", "errors"];
        if (specSelectors.loadingStatus() === "success") {
          parts.push("AuthorizeBtnContainer", "operations", "Models");
        }
        const shown = parts.map((part) => createElement(getComponent(part, true), { key: part }));
        return createElement("div", { className: "swagger-ui" }, shown);
      },
    },
  });

  const place = document.getElementById("reference");
  // Its fields and one button have no labels, and no key reaches what scrolls.
  const mend = () => {
    for (const field of place.querySelectorAll(":is(input, select, textarea):not([aria-label], [id])")) {
      const { paramName, propertyName } = field.closest("[data-param-name], [data-property-name]")?.dataset ?? {};
      field.ariaLabel = paramName ?? propertyName ?? "Body";
    }
    for (const text of place.querySelectorAll("pre:not([tabindex])")) text.tabIndex = 0;
    for (const close of place.querySelectorAll(".close-modal")) close.ariaLabel = "Close";
    for (const table of place.querySelectorAll("table[role=region]")) table.role = null;
  };
  new MutationObserver(mend).observe(place, { childList: true, subtree: true });
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.source,
    layout: "Reference",
    plugins: [reference],
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    syntaxHighlight: { theme: "tomorrow-night" },
    validatorUrl: null,
  });
})();
