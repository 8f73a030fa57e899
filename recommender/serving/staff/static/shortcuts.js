"use strict";
// Keyboard shortcuts and the window that lists them. They act outside fields only and can be
// switched off (WCAG 2.1.4); without script every page is reached by its link.
{
  const OFF = "shortcuts-off";
  const CHORD_MS = 1500;
  const search = () => document.querySelector('main input[type="search"], #sought');
  const links = new Map(
    [...document.querySelectorAll("nav a[data-keys]")].map((link) => [link.dataset.keys, link]),
  );
  const home = links.get("g r");
  const actions = new Map([...links].map(([keys, link]) => [keys, () => link.click()]));
  const rows = [...links].map(([keys, link]) => [keys, link.textContent.trim()]);

  if (search() || home) {
    rows.push(["/", "Search requests"]);
    actions.set("/", () => {
      if (search()) {
        search().focus();
      } else {
        location.assign(`${home.href}#search`);
      }
    });
  }
  rows.push(["?", "Show this list"]);
  actions.set("?", () => open());

  const remembered = () => {
    try {
      return localStorage.getItem(OFF) !== null;
    } catch {
      return false;
    }
  };
  let off = remembered();

  const element = (name, text, parent) => {
    const made = parent.appendChild(document.createElement(name));
    made.textContent = text;
    return made;
  };

  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "shortcuts-title");
  element("h2", "Keyboard shortcuts", dialog).id = "shortcuts-title";
  const list = element("dl", "", dialog);
  list.className = "shortcuts";
  for (const [keys, name] of rows) {
    const term = element("dt", "", list);
    keys.split(" ").forEach((key, place) => {
      if (place) {
        term.append(" then ");
      }
      element("kbd", key, term);
    });
    element("dd", name, list);
  }
  const label = element("label", "", element("p", "", dialog));
  const box = element("input", "", label);
  box.type = "checkbox";
  box.checked = !off;
  label.append("Use keyboard shortcuts on this computer");
  box.addEventListener("change", () => {
    off = !box.checked;
    try {
      if (off) {
        localStorage.setItem(OFF, "1");
      } else {
        localStorage.removeItem(OFF);
      }
    } catch {
      // Without storage the choice holds for this page.
    }
  });
  const close = element("button", "Close", dialog);
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  function open() {
    dialog.showModal();
  }

  const button = document.getElementById("show-shortcuts");
  button.hidden = false;
  button.addEventListener("click", open);

  if (location.hash === "#search" && search()) {
    search().focus();
  }

  let first = "";
  let since = 0;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (off || typing || dialog.open || event.isComposing || event.repeat) {
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const chord = event.timeStamp - since < CHORD_MS ? `${first} ${event.key}` : "";
    first = event.key;
    since = event.timeStamp;
    const act = actions.get(chord) ?? actions.get(event.key);
    if (act) {
      event.preventDefault();
      first = "";
      act();
    }
  });
}
