// Colours: as the system has them, or as chosen. Loaded before the page is drawn, so that it does not flash.
(() => {
  "use strict";
  const KEY = "gateway400-theme";
  const ORDER = ["auto", "light", "dark"];
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      const kept = localStorage.getItem(KEY);
      return ORDER.includes(kept) ? kept : "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };

  const show = () => {
    const theme = chosen();
    const dark = theme === "dark" || (theme === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (!button) return;
    button.hidden = false;
    button.dataset.theme = theme;
    button.title = button.dataset[theme];
    document.getElementById("theme-name").textContent = button.dataset[theme];
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme")?.addEventListener("click", () => {
      const next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, next);
      } catch {
        return;
      }
      show();
    });
  });
})();
