// Adds a filter above long lists of names, and lets a form be sent once.
for (const list of document.querySelectorAll("[data-filter]")) {
  const label = document.createElement("label"), input = document.createElement("input");
  label.className = "filter";
  input.type = "search";
  label.append(list.dataset.filter, input);
  list.before(label);
  input.addEventListener("input", () => {
    const sought = input.value.trim().toLowerCase();
    for (const each of list.querySelectorAll("label"))
      each.hidden = !each.textContent.toLowerCase().includes(sought) && !each.querySelector(":checked");
  });
  input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
}
for (const form of document.forms) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => (sent = false));
}
