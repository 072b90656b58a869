// What live pages share: parts that are replaced only where they have changed, and times that count by themselves.
window.gateway400 = (() => {
  "use strict";
  const length = (milliseconds) => {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  };

  // `ahead`: by how much this machine's clock goes before the box's.
  const tick = (root, ahead) => {
    for (const time of root.querySelectorAll("[data-since]")) {
      time.textContent = length(Date.now() - ahead - Number(time.dataset.since));
    }
  };

  const parts = (root) => new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));

  // What a part says, without the times that count by themselves.
  const said = (part) => {
    const copy = part.cloneNode(true);
    for (const time of copy.querySelectorAll("[data-since]")) time.textContent = "";
    return copy.innerHTML;
  };

  // A button that is held in focus keeps it.
  const renew = (root, text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const [old, now] = [parts(root), parts(fresh)];
    if ([...old.keys()].join("\n") !== [...now.keys()].join("\n")) {
      root.replaceChildren(...fresh.childNodes); // a part came or went
      return;
    }
    for (const [name, part] of now) {
      const shown = old.get(name);
      if (said(shown) === said(part)) continue;
      if (shown.querySelector("details[open]")) continue; // somebody writes something there
      const held = shown.contains(document.activeElement) ? document.activeElement.value : "";
      shown.replaceChildren(...part.childNodes);
      if (held) shown.querySelector(`button[value="${CSS.escape(held)}"]`)?.focus();
    }
  };

  return { renew, tick };
})();
