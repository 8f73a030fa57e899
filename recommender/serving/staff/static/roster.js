"use strict";
// Adds a control that reads a file of this computer into the text. Without script it is pasted.
const table = document.getElementById("table");
if (table) {
  const entry = document.createElement("p");
  const label = document.createElement("label");
  const file = document.createElement("input");
  entry.className = "entry";
  file.type = "file";
  file.id = "file";
  file.accept = ".csv,text/csv";
  label.htmlFor = file.id;
  label.textContent = "Read a file of this computer";
  entry.append(label, file);
  table.closest("p").before(entry);
  file.addEventListener("change", async () => {
    if (file.files.length) table.value = await file.files[0].text();
  });
}
