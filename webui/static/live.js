// The live board: asked for every second, one request at a time, and only while somebody looks.
(() => {
  "use strict";
  const board = document.getElementById("board");
  if (!board) return;
  const stale = document.getElementById("stale");
  const ahead = Date.now() - Number(board.dataset.now);
  const EVERY_MS = 1000;
  const LATE_MS = 3000; // after so long without an answer what stands here is old
  let tag = "";

  const ask = async () => {
    const answer = await fetch(board.dataset.url, {
      headers: { "HX-Request": "true", ...(tag && { "If-None-Match": tag }) },
      cache: "no-store",
      signal: AbortSignal.timeout(10_000),
    });
    const elsewhere = answer.headers.get("HX-Redirect"); // signed out meanwhile
    if (elsewhere) location.assign(elsewhere);
    if (answer.status !== 200 && answer.status !== 204 && answer.status !== 304) throw new Error(String(answer.status));
    if (answer.status !== 200) return;
    const text = await answer.text();
    tag = answer.headers.get("ETag") || "";
    window.gateway400.renew(board, text);
    window.gateway400.tick(board, ahead);
  };

  const look = async () => {
    const began = performance.now();
    if (!document.hidden) {
      const late = setTimeout(() => { stale.hidden = false; }, LATE_MS);
      try {
        await ask();
        stale.hidden = true;
      } catch {
        stale.hidden = false;
      } finally {
        clearTimeout(late);
      }
    }
    setTimeout(look, Math.max(100, EVERY_MS - (performance.now() - began)));
  };

  setInterval(() => window.gateway400.tick(board, ahead), EVERY_MS);
  look();
})();
