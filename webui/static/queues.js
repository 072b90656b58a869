// The queues' live part: asked for every second, replaced only where it has changed, so that a button does not
// vanish under the finger and nothing is read out twice. In between the waits count on.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  if (!live) return;

  // The clock of the box, whatever this machine's says.
  const ahead = Date.now() - Number(live.dataset.now);

  const length = (milliseconds) => {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  };

  const tick = () => {
    for (const wait of live.querySelectorAll("[data-since]")) {
      wait.textContent = length(Date.now() - ahead - Number(wait.dataset.since));
    }
  };

  const parts = (root) => new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));

  // What a part says, without the waits that count by themselves.
  const said = (part) => {
    const copy = part.cloneNode(true);
    for (const wait of copy.querySelectorAll("[data-since]")) wait.textContent = "";
    return copy.innerHTML;
  };

  const renew = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const [old, now] = [parts(live), parts(fresh)];
    if ([...old.keys()].join("\n") !== [...now.keys()].join("\n")) {
      live.replaceChildren(...fresh.childNodes); // a queue came or went
      return;
    }
    for (const [name, part] of now) {
      const shown = old.get(name);
      if (said(shown) === said(part)) continue;
      if (shown.querySelector("details[open]")) continue; // somebody writes why he closes a request
      const held = shown.contains(document.activeElement) ? document.activeElement.value : "";
      shown.replaceChildren(...part.childNodes);
      if (held) shown.querySelector(`button[value="${CSS.escape(held)}"]`)?.focus();
    }
  };

  document.addEventListener("htmx:configRequest", (event) => {
    // htmx does not see the buttons of a form that stand outside it.
    const pressed = event.detail.triggeringEvent?.submitter;
    if (pressed?.name) event.detail.parameters[pressed.name] = pressed.value;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.hasAttribute("hx-get")) event.preventDefault(); // nobody looks
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== live || event.detail.xhr.status !== 200) return;
    event.detail.shouldSwap = false;
    stale.hidden = true;
    renew(event.detail.serverResponse);
    tick();
  });
  document.addEventListener("htmx:sendError", () => {
    stale.hidden = false;
  });
  document.addEventListener("htmx:responseError", (event) => {
    // A form that was refused: the line or the right is gone, which a new page shows.
    if (event.detail.requestConfig.verb === "post") location.reload();
    else stale.hidden = false;
  });
  setInterval(tick, 1000);
})();
