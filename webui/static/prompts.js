// Prompts: files dropped on a row go into its form; a text is heard before it is saved.
(() => {
  "use strict";
  document.documentElement.classList.add("scripted");

  const target = (event) => event.target.closest?.("[data-drop]");

  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // a file that misses must not replace the page
    const box = target(event);
    event.dataTransfer.dropEffect = box ? "copy" : "none";
    for (const other of document.querySelectorAll(".dropping")) if (other !== box) other.classList.remove("dropping");
    box?.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) for (const box of document.querySelectorAll(".dropping")) box.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const box = target(event);
    box?.classList.remove("dropping");
    const input = box?.querySelector("input[type=file]");
    if (!input || !event.dataTransfer.files.length) return;
    const files = new DataTransfer();
    for (const file of event.dataTransfer.files) {
      if (input.multiple || !files.files.length) files.items.add(file);
    }
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-speech]");
    if (!button) return;
    const form = button.form;
    const fault = form.querySelector(".field-fault");
    fault.hidden = true;
    button.disabled = true;
    try {
      const url = `${button.dataset.speech}?text=${encodeURIComponent(form.elements.text.value)}`;
      const answer = await fetch(url);
      if (answer.ok) {
        document.getElementById("dock-label").textContent = form.elements.text.value;
        document.getElementById("dock").hidden = false;
        document.body.classList.add("with-dock");
        const audio = document.getElementById("dock-audio");
        audio.src = url;
        audio.play().catch(() => {});
      } else {
        const told = await answer.json().catch(() => null);
        fault.textContent = told?.fault ?? `${answer.status}`;
        fault.hidden = false;
      }
    } finally {
      button.disabled = false;
    }
  });

  // What a form could not send (a file that is too large for the box) shows on its own page.
  document.addEventListener("htmx:responseError", (event) => {
    const shown = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector("main");
    const box = event.detail.elt.closest("[data-drop]") ?? event.detail.elt;
    const words = document.createElement("p");
    words.className = "notice notice-bad";
    words.setAttribute("role", "alert");
    words.textContent = shown?.querySelector("h1")?.textContent ?? event.detail.xhr.status;
    box.append(words);
  });
})();
