"use strict";

(() => {
  const errors = [];
  const root = document.documentElement;
  const set = (name, value) => root.setAttribute(`data-${name}`, value);
  window.addEventListener("error", (event) => errors.push(event.message));
  window.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
  document.addEventListener("securitypolicyviolation", (event) => errors.push(event.violatedDirective));

  const isShown = (node) => {
    const box = node.getBoundingClientRect();
    return 20 < box.width && 10 < box.height;
  };

  function probe() {
    const canvas = document.getElementById("tracks");
    const tip = document.getElementById("tip");
    const box = canvas.getBoundingClientRect();

    const point = (type, x, y, more = {}) => canvas.dispatchEvent(new PointerEvent(type, {
      clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true, ...more,
    }));
    const key = (name) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
    const click = (id) => document.getElementById(id).click();
    // Capturing needs a pointer that the browser knows.
    canvas.setPointerCapture = () => {};

    /** Whether the drawing is another after `action`. */
    const changes = (action) => {
      const before = canvas.toDataURL();
      action();
      return canvas.toDataURL() !== before;
    };

    /** The text of the first slice that the pointer meets and `wanted` likes. */
    const hover = (wanted) => {
      for (let y = 30; y < box.height; y += 8) {
        for (let x = 0; x < box.width; x += 3) {
          point("pointermove", x, y);
          if (!tip.hidden && wanted(tip.innerText)) return tip.innerText.replaceAll("\n", "; ");
        }
      }
      return "none";
    };

    const isPart = (section) => isShown(section) && [...section.querySelectorAll("canvas, svg, dl")].every(isShown);
    const parts = [...document.querySelectorAll("main > section")].filter(isPart);
    set("parts", parts.map(({ id }) => id).join(" "));
    set("pictures", [...document.querySelectorAll(".picture svg")].filter(isShown).length);
    set("loaded", performance.getEntriesByType("resource").length);
    const hasHeads = (table) => table.caption && table.querySelector("thead th[scope=col]") &&
      [...table.tBodies[0].rows].every((row) => row.cells[0].scope === "row");
    const tables = [...document.querySelectorAll("table")];
    set("tables", 2 < tables.length && tables.every(hasHeads) ? "every table has heads" : "no");

    const tooWide = [...document.querySelectorAll("body *")].filter((node) =>
      !node.closest(".wide > *, svg *, [hidden]") && root.clientWidth + 1 < node.getBoundingClientRect().right);
    const spread = root.clientWidth < root.scrollWidth ? ["root"] : [];
    set("overflow", [...spread, ...tooWide.map((node) => `${node.nodeName}#${node.id}.${node.className}`)].join(" "));

    click("zoom-work");
    set("tip", hover((text) => text.includes("rows from")));
    set("zoomed", changes(() => canvas.dispatchEvent(new WheelEvent("wheel", {
      deltaY: -400, clientX: box.left + box.width / 2, clientY: box.top + 40, bubbles: true, cancelable: true,
    }))));
    set("panned", changes(() => {
      point("pointerdown", 300, 40);
      point("pointermove", 250, 40);
      point("pointerup", 250, 40);
    }));
    click("zoom-all");

    const select = document.getElementById("case");
    select.value = [...select.options].find(({ text }) => text.startsWith("2 processes")).value;
    select.dispatchEvent(new Event("change"));
    set("case", document.querySelector("#busy caption").innerText);
    ["ArrowRight", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"].forEach(key);
    set("tip-by-key", tip.innerText.replaceAll("\n", "; "));
    window.dispatchEvent(new Event("beforeprint"));
    window.dispatchEvent(new Event("afterprint"));
  }

  window.addEventListener("load", () => {
    try {
      probe();
    } catch (error) {
      errors.push(String(error.stack));
    }
    set("errors", errors.join("; "));
  });
})();
