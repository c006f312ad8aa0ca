"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // Pages opened from a disk may be denied a memory; then the choice lasts as long as the page.
  const memory = {
    get: () => { try { return localStorage.getItem("colora-theme"); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem("colora-theme", theme); } catch { /* not remembered */ } },
  };
  const button = one("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (system.matches ? "dark" : "light");
  const showTheme = () => button.setAttribute("aria-pressed", String(theme() === "dark"));
  if (["light", "dark"].includes(memory.get())) root.dataset.theme = memory.get();
  showTheme();
  system.addEventListener("change", showTheme);
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    memory.set(root.dataset.theme);
    showTheme();
  });

  const form = one(".filters"), search = one("#search");
  const choices = ["verdict", "source", "sweep"].map((name) => [name, one(`#by-${name}`)]);
  const entries = all(".claim, .exhibit").map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const fits = ({ element, text }, words) =>
    words.every((word) => text.includes(word)) &&
    choices.every(([name, { value }]) => !value || !(name in element.dataset) || element.dataset[name] === value);
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const entry of entries) entry.element.hidden = !fits(entry, words);
    const shown = (selector) => all(selector).filter((element) => !element.hidden).length;
    one(".nothing").hidden = shown(".claim") > 0;
    one("#found").textContent =
      `${shown(".claim")} of ${all(".claim").length} claims, ${shown(".exhibit")} of ${all(".exhibit").length} sweeps`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();

  // A link leads to what it names, even if that is filtered out or folded.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) { form.reset(); filter(); }
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = all("details:not([open])");
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of unfolded) details.open = false; });

  const LARGEST = 12;
  const zoomable = (paper) => {
    const svg = paper.querySelector("svg");
    const [left, top, width, height] = svg.getAttribute("viewBox").split(/\s+/).map(Number);
    const view = { x: left, y: top, zoom: 1 };
    const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
    const show = () => {
      view.x = clamp(view.x, left, left + width - width / view.zoom);
      view.y = clamp(view.y, top, top + height - height / view.zoom);
      svg.setAttribute("viewBox", [view.x, view.y, width / view.zoom, height / view.zoom].join(" "));
      paper.classList.toggle("zoomed", view.zoom > 1);
    };
    // What is under the point, given in shares of the drawing, stays there.
    const zoom = (factor, across = 0.5, down = 0.5) => {
      const after = clamp(view.zoom * factor, 1, LARGEST);
      view.x += across * width * (1 / view.zoom - 1 / after);
      view.y += down * height * (1 / view.zoom - 1 / after);
      view.zoom = after;
      show();
    };
    const move = (across, down) => {
      view.x += (across * width) / view.zoom;
      view.y += (down * height) / view.zoom;
      show();
    };
    const reset = () => zoom(1 / LARGEST);
    const share = (x, y) => {
      const box = svg.getBoundingClientRect();
      return [(x - box.left) / box.width, (y - box.top) / box.height];
    };
    const keys = {
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": reset,
      ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
    };
    paper.addEventListener("keydown", (event) => {
      const arrow = event.key.startsWith("Arrow");
      // Arrows scroll the page until there is something to move; combinations belong to the browser.
      if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey || (arrow && view.zoom === 1)) return;
      event.preventDefault();
      keys[event.key]();
    });
    paper.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), ...share(event.clientX, event.clientY));
    }, { passive: false });
    paper.addEventListener("dblclick", (event) => zoom(2, ...share(event.clientX, event.clientY)));

    const fingers = new Map();
    const middle = () => {
      const points = [...fingers.values()];
      const mean = (name) => points.reduce((sum, point) => sum + point[name], 0) / points.length;
      const [first, second] = points;
      return { x: mean("x"), y: mean("y"), apart: second ? Math.hypot(first.x - second.x, first.y - second.y) : 0 };
    };
    paper.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (view.zoom > 1 || fingers.size > 1) paper.setPointerCapture(event.pointerId);
      paper.classList.add("moving");
    });
    paper.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = middle();
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const after = middle();
      const box = svg.getBoundingClientRect();
      move((before.x - after.x) / box.width, (before.y - after.y) / box.height);
      if (before.apart > 0 && after.apart > 0) zoom(after.apart / before.apart, ...share(after.x, after.y));
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      paper.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (!fingers.size) paper.classList.remove("moving");
      });
    }
    const tools = { in: () => zoom(1.4), out: () => zoom(1 / 1.4), reset };
    for (const tool of all("[data-zoom]", paper.parentElement)) tool.addEventListener("click", tools[tool.dataset.zoom]);
  };
  for (const paper of all(".paper")) zoomable(paper);
})();
