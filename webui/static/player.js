// The waveform above the player. The server sends the outline: a long recording is not loaded to be drawn.
document.addEventListener("DOMContentLoaded", async () => {
  "use strict";
  const box = document.getElementById("wave");
  const player = document.getElementById("player");
  if (!box || !player || !window.WaveSurfer) return;

  const answer = await fetch(box.dataset.outline, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return; // the player works without it
  const outline = await answer.json();

  const colours = () => {
    const style = getComputedStyle(box);
    const of = (name) => style.getPropertyValue(name).trim();
    const pairs = [
      { waveColor: of("--wave-caller"), progressColor: of("--wave-caller-played") },
      { waveColor: of("--wave-line"), progressColor: of("--wave-line-played") },
    ];
    return pairs.slice(0, outline.channels.length);
  };
  const drawn = WaveSurfer.create({
    container: box,
    media: player,
    peaks: outline.channels,
    duration: outline.seconds,
    height: 48,
    barWidth: 2,
    barGap: 1,
    cursorWidth: 1,
    normalize: true,
    splitChannels: colours(),
    cspNonce: box.dataset.nonce,
  });
  document.getElementById("wave-legend").hidden = outline.channels.length !== 2;
  new MutationObserver(() => drawn.setOptions({ splitChannels: colours() })).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-bs-theme"],
  });
});
