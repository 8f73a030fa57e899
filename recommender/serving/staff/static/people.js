"use strict";
// Adds to the form: a clinician named in a line, by id or by name, becomes a tick before it, and the
// line is free for another. Without script the line is sent as it is.
const people = [...document.querySelectorAll("#people option")];
for (const line of document.querySelectorAll('input[list="people"]')) {
  const named = () => {
    const typed = line.value.trim().toLowerCase();
    return people.find((each) => [each.value, each.text].some((text) => text.toLowerCase() === typed));
  };
  const choose = () => {
    const person = named();
    if (!person) {
      return false;
    }
    const group = line.closest("fieldset");
    let tick = group.querySelector(`input[value="${CSS.escape(person.value)}"]`);
    if (!tick) {
      const label = document.createElement("label");
      tick = document.createElement("input");
      label.className = "tick";
      tick.type = "checkbox";
      tick.name = line.name;
      tick.value = person.value;
      label.append(tick, ` ${person.text} (${person.value})`);
      line.closest(".add").before(label);
    }
    tick.checked = true;
    line.value = "";
    tick.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  };
  line.addEventListener("input", (event) => {
    if (event.inputType === "insertReplacementText" || !event.inputType) {
      choose();
    }
  });
  line.addEventListener("change", choose);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && choose()) {
      event.preventDefault();
    }
  });
}
