"use strict";
// Adds a filter to each long list of people. Without script the whole list is there.
for (const list of document.querySelectorAll("details.people")) {
  const people = [...list.querySelectorAll(".names label")];
  const summary = list.querySelector("summary");
  const filter = document.createElement("input");
  const label = document.createElement("label");
  const shown = document.createElement("output");
  filter.type = "search";
  filter.id = `${list.id}-filter`;
  label.htmlFor = filter.id;
  label.textContent = list.dataset.filter;
  shown.htmlFor.add(filter.id);
  summary.after(label, filter, shown);

  // A person who is chosen stays in sight, so that nobody is chosen unseen.
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const person of people) {
      const text = person.textContent.toLowerCase();
      person.hidden = !person.querySelector("input").checked && !words.every((w) => text.includes(w));
      count += person.hidden ? 0 : 1;
    }
    shown.textContent = words.length ? `${count} of ${people.length}` : "";
  };
  filter.addEventListener("input", narrow);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
    }
  });
}
