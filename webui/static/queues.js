// The queues' live part: asked for every second, replaced only where it has changed, so that a button does not
// vanish under the finger and nothing is read out twice. In between the waits count on.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  if (!live) return;

  // The clock of the box, whatever this machine's says.
  const ahead = Date.now() - Number(live.dataset.now);

  const { renew, tick } = window.gateway400;

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
    renew(live, event.detail.serverResponse);
    tick(live, ahead);
  });
  document.addEventListener("htmx:sendError", () => {
    stale.hidden = false;
  });
  document.addEventListener("htmx:responseError", (event) => {
    // A form that was refused: the line or the right is gone, which a new page shows.
    if (event.detail.requestConfig.verb === "post") location.reload();
    else stale.hidden = false;
  });
  setInterval(() => tick(live, ahead), 1000);
})();
