// The list of calls: one player for all rows, rows that open as a whole, a way back to the same search.
(() => {
  "use strict";
  const LAST_LIST = "gateway400-list";

  // On a phone the pages stand in a row that is wider than the screen.
  document.querySelector(".tabs a[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

  const dock = document.getElementById("dock");
  const audio = document.getElementById("dock-audio");

  const stop = () => {
    audio.pause();
    audio.removeAttribute("src");
    dock.hidden = true;
    document.body.classList.remove("with-dock");
  };

  document.addEventListener("click", (event) => {
    const play = event.target.closest("a[data-play]");
    if (play && dock) {
      event.preventDefault();
      document.getElementById("dock-label").textContent = play.dataset.play;
      dock.hidden = false;
      document.body.classList.add("with-dock");
      audio.src = play.href;
      audio.play().catch(() => {}); // the player itself shows that it cannot
      return;
    }
    // A click anywhere in a row opens its call, unless it was meant for something else there.
    const row = event.target.closest("table.calls tbody tr");
    if (!row || event.target.closest("a, button, kbd, details") || window.getSelection()?.toString()) return;
    row.querySelector("a.row-link")?.click();
  });

  audio?.addEventListener("error", () => {
    if (!audio.getAttribute("src")) return; // the player was closed
    const label = document.getElementById("dock-label");
    label.textContent = `${label.textContent} · ${label.dataset.fault}`;
  });
  document.getElementById("dock-close")?.addEventListener("click", stop);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dock && !dock.hidden) stop();
  });

  // A phone shows the calls first; the conditions open when they are wanted.
  const box = document.getElementById("filters-box");
  const narrow = window.matchMedia("(max-width: 760px)");
  const fold = () => {
    if (box) box.open = !narrow.matches;
  };
  fold();
  narrow.addEventListener("change", fold);

  // Where the pages are more than fit beside each other, this one can be seen.
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // "Calls" on a call's page leads back to the list as it was searched; so does "Recordings" on a recording's.
  const remember = () => {
    if (document.getElementById("filters")) sessionStorage.setItem(LAST_LIST, location.pathname + location.search);
  };
  try {
    remember();
    document.addEventListener("htmx:pushedIntoHistory", remember);
    const back = document.getElementById("back");
    const list = sessionStorage.getItem(LAST_LIST);
    if (back && list && list.split("?")[0] === back.pathname) back.href = list;
  } catch {
    // storage is switched off: the link leads to the plain list
  }
})();
