() => {
  // What is wrong on this page, one line each. A theme is an attribute: both are looked at without loading again.
  const found = [];
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  const told = (what, of) => found.push(`${what}: ${of.outerHTML.replace(/\s+/g, " ").slice(0, 120)}`);
  const seen = (of) => of.checkVisibility({ visibilityProperty: true }) && !of.closest(".visually-hidden, [aria-hidden=true]");
  const texts = (ids) => ids.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ");

  const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls]")].filter(seen);
  for (const one of controls) {
    const name = one.getAttribute("aria-label") || (one.getAttribute("aria-labelledby") && texts(one.getAttribute("aria-labelledby")))
      || [...(one.labels ?? [])].map((label) => label.textContent).join("") || (one.matches("input, select, textarea, audio") ? "" : one.textContent);
    if (!name.trim()) told("without a name", one);
    if (one.tabIndex < 0) told("out of reach of the keyboard", one);
    if (one.tabIndex > 0) told("out of turn", one);
    one.focus({ preventScroll: true });
    const look = getComputedStyle(one.closest(".file-button") ?? one);
    if (document.activeElement === one && look.outlineStyle === "none" && look.boxShadow === "none") told("no sign of the focus", one);
    const box = (one.closest(".file-button") ?? one).getBoundingClientRect();
    const inText = getComputedStyle(one).display === "inline" || one.matches(".skip, .row-link, audio");
    if (!inText && (box.height < 43.5 || box.width < 43.5)) told(`${Math.round(box.width)}x${Math.round(box.height)} to hit`, one);
  }

  let level = 0;
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(seen);
  if (headings.filter((one) => one.tagName === "H1").length !== 1) found.push("not one h1");
  for (const one of headings) {
    const now = Number(one.tagName[1]);
    if (now > level + 1) told(`h${now} after h${level}`, one);
    level = now;
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice: #${id}`);
  for (const one of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const name of ["aria-labelledby", "aria-describedby"])
      for (const id of (one.getAttribute(name) ?? "").split(" ").filter(Boolean)) if (!ids.includes(id)) told(`no #${id}`, one);
  if (document.documentElement.lang !== "zh-CN") found.push("the page's language");

  const parts = (text) => { const of = text.match(/[\d.]+/g).map(Number); return [...of.slice(0, 3), of[3] ?? 1]; };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const light = (colour) => {
    const [r, g, b] = colour.map((one) => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (of) => {
    const layers = [];
    for (let at = of; at; at = at.parentElement) layers.push(parts(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  for (const theme of ["light", "dark"]) {
    document.documentElement.dataset.bsTheme = theme;
    document.activeElement?.blur();
    for (const one of document.body.querySelectorAll("*")) {
      const words = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
      if (!words || !seen(one) || one.closest(".skip, script, option")) continue;
      const look = getComputedStyle(one), under = paper(one);
      const [bright, dark] = [light(over(parts(look.color), under)), light(under)].sort((a, b) => b - a);
      const size = parseFloat(look.fontSize), large = size >= 24 || (size >= 18.66 && look.fontWeight >= 700);
      const ratio = (bright + 0.05) / (dark + 0.05);
      if (ratio < (large ? 3 : 4.5)) told(`${theme}: contrast ${ratio.toFixed(2)}`, one);
    }
  }
  return [...new Set(found)];
}
